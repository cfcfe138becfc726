/** The progress of a run. */
export type Progress = {
  rowsRead: number;
  /** How many rows there will be, as the source estimates; undefined without an estimate. */
  rowsEstimated: number | undefined;
  rowsAccepted: number;
  rowsRejected: number;
  /** Rows accepted or rejected per second, since the first one was read. */
  rowsPerSecond: number | undefined;
  millisecondsLeft: number | undefined;
};

/** A rate over less time, in milliseconds, says nothing. */
const NO_RATE_MS = 1_000;

/** Counts the rows of a run. */
export class RunProgress {
  readonly #now: () => number;
  readonly #estimates = new Map<string, number>();
  #firstRowAt: number | undefined;
  #read = 0;
  #accepted = 0;
  #rejected = 0;
  #isAllRead = false;

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  estimated(stream: string, rows: number): void {
    this.#estimates.set(stream, rows);
  }

  read(rows: number): void {
    if (rows > 0) this.#firstRowAt ??= this.#now();
    this.#read += rows;
  }

  /** Called when no row follows: from then on the number of rows is exact. */
  allRead(): void {
    this.#isAllRead = true;
  }

  settled({ accepted, rejected }: { accepted: number; rejected: number }): void {
    this.#accepted += accepted;
    this.#rejected += rejected;
  }

  /** The time left follows from the rows that are settled: rows that are only read may have to wait. */
  get current(): Progress {
    const elapsed = this.#firstRowAt === undefined ? 0 : this.#now() - this.#firstRowAt;
    const settled = this.#accepted + this.#rejected;
    const rate = elapsed < NO_RATE_MS || settled === 0 ? undefined : (settled * 1_000) / elapsed;
    const estimated = this.#isAllRead ? this.#read : this.#estimate();
    return {
      rowsRead: this.#read,
      rowsEstimated: estimated,
      rowsAccepted: this.#accepted,
      rowsRejected: this.#rejected,
      rowsPerSecond: rate,
      millisecondsLeft:
        rate === undefined || estimated === undefined || settled >= estimated
          ? undefined
          : ((estimated - settled) * 1_000) / rate,
    };
  }

  /** Undefined without an estimate, and when there are more rows than estimated. */
  #estimate(): number | undefined {
    const sum = [...this.#estimates.values()].reduce((total, rows) => total + rows, 0);
    return this.#estimates.size > 0 && sum >= this.#read ? sum : undefined;
  }
}
