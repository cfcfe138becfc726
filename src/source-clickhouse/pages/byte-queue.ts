import { onAbort } from '../../shared/abort.ts';
import { Signal } from '../../shared/async.ts';
import type { PositionedPage } from './positioned-page.ts';

/**
 * The pages that have been read and not yet been written: it lets the server send at full speed while the reader of our
 * output takes its time. One side pushes, the other iterates.
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

  /** The bytes of the pages in the queue, that of the one being written included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Waits until the queue holds less than `bytes`. False when the signal aborted or the time passed before. */
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

  /** Nothing follows; with an error, the reader gets it after the pages that are there. */
  end(failure: { error?: unknown } = {}): void {
    this.#end = failure;
    this.#pushed.notify();
  }

  /** The pages in order. A page counts until the next one is asked for: until then it is being written. */
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
