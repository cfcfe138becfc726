import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Of V8's young heap, as it counts that itself, in bytes. Node 26 lets it grow to some 40 MB, and needs 60 MB more in all. */
const LARGE_YOUNG_HEAP_BYTES = 16 * 1024 * 1024;

/**
 * Has V8 keep the memory of `write` within bounds, which flags of a process that runs can do.
 *
 * Events that wait outlive the young heap, and by default V8 lets the old one grow to several times what is in use before
 * it looks what of it can go: 390 MB were seen. It looks once half as much again has come. So little is looked through at
 * once: in steps between other work it would cost a fifteenth of the time more, and spare ten milliseconds.
 */
export function capHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--no-incremental-marking');
  capYoungHeap();
}

/** The young heap has to grow from its first megabyte, as else it is cleaned up too often; how far, no flag can say by now. */
function capYoungHeap(): void {
  const collections = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    if (young !== undefined && young.space_size < LARGE_YOUNG_HEAP_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    collections.disconnect();
  });
  collections.observe({ entryTypes: ['gc'] });
}
