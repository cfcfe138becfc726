/** The limit of rows for a run, over all of its streams. */
export class RowLimit {
  #remaining: number;

  /** @param rows the maximum rows of the run; without it there is no limit. */
  constructor(rows: number = Number.POSITIVE_INFINITY) {
    this.#remaining = rows;
  }

  get remaining(): number {
    return this.#remaining;
  }

  get isReached(): boolean {
    return this.#remaining === 0;
  }

  /** @param rows at most the remaining rows. */
  count(rows: number): void {
    this.#remaining -= rows;
  }
}
