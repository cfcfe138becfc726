/** The last entries of an endless list; older ones are dropped. */
export class LastEntries<Entry> {
  readonly #most: number;
  #entries: Entry[] = [];

  /** @param most entries that are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > this.#most) this.#entries.shift();
  }

  /** The last `limit` entries, oldest first. */
  last(limit: number): readonly Entry[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - limit));
  }

  clear(): void {
    this.#entries = [];
  }
}
