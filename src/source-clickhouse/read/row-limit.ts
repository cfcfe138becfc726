/** How many rows a run may still write, over all of its streams. */
export class RowBudget {
  #left: number;

  /** @param rows of the whole run; without one there is no end to them. */
  constructor(rows: number = Number.POSITIVE_INFINITY) {
    this.#left = rows;
  }

  get left(): number {
    return this.#left;
  }

  get isSpent(): boolean {
    return this.#left === 0;
  }

  /** @param rows not more than are left. */
  spend(rows: number): void {
    this.#left -= rows;
  }
}
