/** The last entries of a list that has no end; older ones are forgotten. */
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

  /** So many of the last ones, oldest first. */
  last(limit: number): readonly Entry[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - limit));
  }

  clear(): void {
    this.#entries = [];
  }
}
