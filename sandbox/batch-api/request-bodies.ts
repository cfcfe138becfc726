import type { Buffer } from 'node:buffer';

/** How many bytes of bodies are kept. */
export const BODY_BYTES_KEPT = 16 * 1024 * 1024;

/** The bodies of the last requests, by the number of the request. The oldest are dropped when they are too large together. */
export class RequestBodies {
  readonly #bodies = new Map<number, Buffer>();
  #bytes = 0;

  add(seq: number, body: Buffer): void {
    if (body.length > BODY_BYTES_KEPT) return;
    this.#bodies.set(seq, body);
    this.#bytes += body.length;
    for (const [oldest, { length }] of this.#bodies) {
      if (this.#bytes <= BODY_BYTES_KEPT) break;
      this.#bodies.delete(oldest);
      this.#bytes -= length;
    }
  }

  /** The body of a request; undefined if it is no longer kept. */
  get(seq: number): Buffer | undefined {
    return this.#bodies.get(seq);
  }

  clear(): void {
    this.#bodies.clear();
    this.#bytes = 0;
  }
}
