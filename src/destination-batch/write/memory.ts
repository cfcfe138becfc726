import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The size at which V8's young generation stops growing, in bytes. Node 26 would let it grow to 40 MB. */
const LARGE_YOUNG_HEAP_BYTES = 16 * 1024 * 1024;

/**
 * Limits the memory of `write` with flags of V8 that can be set at run time.
 *
 * Waiting events outlive the young generation, and by default V8 lets the old generation grow to several times the memory
 * in use before it collects: 390 MB were measured. Here it collects after 50 % growth. The heap is then small, so that
 * incremental marking would save pauses of ten milliseconds and cost a fifteenth more time.
 */
export function capHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--no-incremental-marking');
  capYoungHeap();
}

/**
 * The young generation must grow beyond 1 MB, or minor GCs run too often. No flag can cap it at run time, hence the
 * observer.
 */
function capYoungHeap(): void {
  const collections = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    if (young !== undefined && young.space_size < LARGE_YOUNG_HEAP_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    collections.disconnect();
  });
  collections.observe({ entryTypes: ['gc'] });
}
