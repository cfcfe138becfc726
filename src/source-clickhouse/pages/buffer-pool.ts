/**
 * Buffers of one size that are used again. New ones would cost more than what is done with them: the operating system
 * hands memory over page by page, and Node's collector runs by how much lies outside of its heap.
 */
export class BufferPool {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];

  /** @param bytes the size of a buffer. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A buffer of the usual size, or a larger one if so many bytes are needed. What is in it is left from before. */
  take(atLeast = 0): Buffer {
    const used = atLeast <= this.#bytes ? this.#free.pop() : undefined;
    return used ?? Buffer.allocUnsafeSlow(Math.max(atLeast, this.#bytes));
  }

  /** Gives a buffer back that nobody reads any more. A larger one is left to the collector. */
  give(buffer: Buffer): void {
    if (buffer.length === this.#bytes) this.#free.push(buffer);
  }
}
