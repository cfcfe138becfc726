/**
 * What has been read and not yet been written: it lets the server send at full speed while the reader of our output
 * takes its time. One side puts, the other takes.
 */
export class ByteQueue<Item extends { bytes: number }> {
  readonly #items: Item[] = [];
  #bytes = 0;
  #end: { error?: unknown } | undefined;
  #wakeTaker: (() => void) | undefined;
  #wakePutter: (() => void) | undefined;

  put(item: Item): void {
    this.#items.push(item);
    this.#bytes += item.bytes;
    this.#wakeTaker?.();
  }

  /** Waits until the queue holds less than `bytes`. False when `until` aborted before. */
  async waitBelow(bytes: number, until: AbortSignal): Promise<boolean> {
    while (this.#bytes >= bytes) {
      if (until.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#wakePutter = resolve;
        until.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return true;
  }

  /** Nothing follows; with an error, the taker gets it after the items that are there. */
  end(failure: { error?: unknown } = {}): void {
    this.#end = failure;
    this.#wakeTaker?.();
  }

  /** The items in order. An item counts until the next one is asked for: until then it is being written. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        yield item;
        this.#bytes -= item.bytes;
        this.#wakePutter?.();
      } else if (this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wakeTaker = resolve;
        });
      } else if ('error' in this.#end) {
        throw this.#end.error;
      } else {
        return;
      }
    }
  }
}
