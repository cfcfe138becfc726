import { onAbort } from '../../shared/abort.ts';
import { Signal } from '../../shared/async.ts';
import type { PositionedPage } from './positioned-page.ts';

/**
 * Pages that were read and not yet written, so that the server can send at full speed while our reader is slow. One side
 * pushes pages, the other iterates over them.
 */
export class ByteQueue {
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

  /** The bytes of the pages in the queue, including the page that is being written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Waits until the queue has less than `bytes`. Returns false if the signal is aborted or the time is over before that. */
  async waitBelow(bytes: number, signal: AbortSignal, milliseconds?: number): Promise<boolean> {
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

  /** Ends the queue. An error is thrown after the pages that are in it. */
  end(result: { error?: unknown } = {}): void {
    this.#end = result;
    this.#pushed.notify();
  }

  /** The pages in order. A page counts until the next one is requested: until then it is being written. */
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
