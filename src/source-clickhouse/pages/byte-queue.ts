/**
 * What has been read and not yet been written: it lets the server send at full speed while the reader of our output
 * takes its time. One side puts, the other takes.
 */
export class ByteQueue<Item extends { bytes: number }> {
  readonly #items: Item[] = [];
  #bytes = 0;
  #end: { error?: unknown } | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  push(item: Item): void {
    this.#items.push(item);
    this.#bytes += item.bytes;
    this.#wakeReader?.();
  }

  /** The bytes of the items in the queue, that of the one being written included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Waits until the queue holds less than `bytes`. False when the signal aborted or the time passed before. */
  async waitBelow(bytes: number, signal: AbortSignal, milliseconds?: number): Promise<boolean> {
    let over = signal.aborted;
    const giveUp = (): void => {
      over = true;
      this.#wakeWriter?.();
    };
    signal.addEventListener('abort', giveUp);
    const timer = milliseconds === undefined ? undefined : setTimeout(giveUp, milliseconds);
    try {
      while (this.#bytes >= bytes) {
        if (over) return false;
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
      }
      return true;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Nothing follows; with an error, the taker gets it after the items that are there. */
  end(failure: { error?: unknown } = {}): void {
    this.#end = failure;
    this.#wakeReader?.();
  }

  /** The items in order. An item counts until the next one is asked for: until then it is being written. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        yield item;
        this.#bytes -= item.bytes;
        this.#wakeWriter?.();
      } else if (this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      } else if ('error' in this.#end) {
        throw this.#end.error;
      } else {
        return;
      }
    }
  }
}
