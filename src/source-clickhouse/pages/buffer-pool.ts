/**
 * Reuses buffers of one size. New buffers would cost more than the work on them: the operating system maps memory page by
 * page, and Node collects garbage by the amount of memory outside of its heap.
 */
export class BufferPool {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];

  /** @param bytes the size of a buffer. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Returns a buffer of the usual size, or a larger one if more bytes are needed. It contains old bytes. */
  take(atLeast = 0): Buffer {
    const used = atLeast <= this.#bytes ? this.#free.pop() : undefined;
    return used ?? Buffer.allocUnsafeSlow(Math.max(atLeast, this.#bytes));
  }

  /** Returns a buffer that is no longer read to the pool. A larger one is left to the garbage collector. */
  give(buffer: Buffer): void {
    if (buffer.length === this.#bytes) this.#free.push(buffer);
  }
}
