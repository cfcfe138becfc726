/** How many rows a run may still write, over all of its streams. */
export class RowLimit {
  #remaining: number;

  /** @param rows of the whole run; without one there is no end to them. */
  constructor(rows: number = Number.POSITIVE_INFINITY) {
    this.#remaining = rows;
  }

  get remaining(): number {
    return this.#remaining;
  }

  get isReached(): boolean {
    return this.#remaining === 0;
  }

  /** @param rows not more than are left. */
  count(rows: number): void {
    this.#remaining -= rows;
  }
}
