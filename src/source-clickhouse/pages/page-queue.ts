import { onAbort } from '../../shared/abort.ts';
import { Signal } from '../../shared/async.ts';
import type { PositionedPage } from './positioned-page.ts';

/**
 * A queue of pages that were read but not yet written. It lets the server send at full speed while the reader of our output is
 * slow. One side pushes pages, and the other iterates over them.
 */
export class PageQueue {
  readonly #pages: PositionedPage[] = [];
  readonly #pushed = new Signal();
  readonly #written = new Signal();
  #bytes = 0;
  #end: { error?: unknown } | undefined;

  push(page: PositionedPage): void {
    this.#pages.push(page);
    this.#bytes += page.bytes;
    this.#pushed.notify();
  }

  /** The number of bytes in the queue, including the page that is being written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Waits until the queue has fewer than `bytes` bytes. Returns false if the signal is aborted or the time runs out first. */
  async waitUntilBelow(bytes: number, signal: AbortSignal, milliseconds?: number): Promise<boolean> {
    let isOver = false;
    const giveUp = (): void => {
      isOver = true;
      this.#written.notify();
    };
    const stopListening = onAbort(signal, giveUp);
    const timer = milliseconds === undefined ? undefined : setTimeout(giveUp, milliseconds);
    try {
      while (this.#bytes >= bytes) {
        if (isOver) return false;
        await this.#written.wait();
      }
      return true;
    } finally {
      clearTimeout(timer);
      stopListening();
    }
  }

  /** Ends the queue. If there is an error, the iteration throws it after the remaining pages. */
  end(result: { error?: unknown } = {}): void {
    this.#end = result;
    this.#pushed.notify();
  }

  /** Iterates over the pages. A page counts toward `bytes` until the next one is requested, because it is still being written. */
  async *[Symbol.asyncIterator](): AsyncGenerator<PositionedPage> {
    for (;;) {
      const page = this.#pages.shift();
      if (page !== undefined) {
        yield page;
        this.#bytes -= page.bytes;
        this.#written.notify();
      } else if (this.#end === undefined) {
        await this.#pushed.wait();
      } else if ('error' in this.#end) {
        throw this.#end.error;
      } else {
        return;
      }
    }
  }
}
