/** The row limit of a run, which all its streams share. */
export class RowLimit {
  #remaining: number;

  /** @param rows the maximum number of rows. By default, there is no limit. */
  constructor(rows: number = Number.POSITIVE_INFINITY) {
    this.#remaining = rows;
  }

  get remaining(): number {
    return this.#remaining;
  }

  get isReached(): boolean {
    return this.#remaining === 0;
  }

  /** Subtracts rows that were written. @param rows at most `remaining`. */
  count(rows: number): void {
    this.#remaining -= rows;
  }
}
