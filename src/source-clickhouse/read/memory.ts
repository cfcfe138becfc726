import { setFlagsFromString } from 'node:v8';

/** Half of the memory, in bytes, that glibc then keeps at its end; below its own maximum of 32 MiB. */
const FREED_BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * Node reads an answer into a new buffer for every 64 KiB. V8 takes that for a growing heap: it would mark the heap over
 * and over beside the work, in threads of its own. And glibc would hand the freed end of its memory back to the kernel each
 * time, and have it cleared and mapped anew: half of the kernel's part. Its limit for that follows the largest block that
 * was freed (mallopt(3), "dynamic mmap threshold"), so one is allocated, never touched, and left to be freed. Measured on
 * two cores that the server shares, both together are half of what a read takes.
 */
export function keepMemoryForBuffers(): void {
  setFlagsFromString('--no-incremental-marking');
  new ArrayBuffer(FREED_BLOCK_BYTES);
}
