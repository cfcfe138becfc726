import { setFlagsFromString } from 'node:v8';

/**
 * The size of the block that `keepMemoryForBuffers` allocates, in bytes. Once the block has been freed, glibc keeps up to twice
 * this size of freed memory. The size must be below glibc's maximum of 32 MiB.
 */
const FREED_BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * Tunes V8 and glibc for many short-lived buffers: Node copies each chunk of a response into a new buffer.
 *
 * - V8 treats the buffers as a growing heap, and would mark the heap again and again in extra threads.
 * - glibc would return each freed buffer to the kernel, which would have to clear and map memory for the next one. After a
 *   large block was freed, glibc keeps smaller ones instead (mallopt(3), "dynamic mmap threshold"). So this function allocates
 *   one large block, never writes to it, and leaves it to the garbage collector.
 *
 * On two cores shared with the server, both measures together save a third of the CPU time of a read.
 */
export function keepMemoryForBuffers(): void {
  setFlagsFromString('--no-incremental-marking');
  new ArrayBuffer(FREED_BLOCK_BYTES);
}
