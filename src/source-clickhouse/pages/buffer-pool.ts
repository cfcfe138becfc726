/**
 * Reuses buffers of one size. Allocating new ones would take longer than processing their contents, because the operating system
 * maps memory page by page, and because Node collects garbage more often if there is more memory outside of its heap.
 */
export class BufferPool {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];

  /** @param bytes the size of each pooled buffer. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Returns a buffer of the pool's size, or of `atLeast` bytes if that is more. The buffer may contain old bytes. */
  take(atLeast = 0): Buffer {
    const used = atLeast <= this.#bytes ? this.#free.pop() : undefined;
    return used ?? Buffer.allocUnsafeSlow(Math.max(atLeast, this.#bytes));
  }

  /** Puts a buffer back, once nothing reads it any more. A larger buffer is left to the garbage collector. */
  give(buffer: Buffer): void {
    if (buffer.length === this.#bytes) this.#free.push(buffer);
  }
}
