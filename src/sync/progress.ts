/** How far a run is. */
export type Progress = {
  rowsRead: number;
  /** How many there will be, as the source estimates it; undefined when it can't tell. */
  rowsEstimated: number | undefined;
  rowsAccepted: number;
  rowsRejected: number;
  /** Rows accepted or rejected a second, since the first was read. */
  rowsPerSecond: number | undefined;
  millisecondsLeft: number | undefined;
};

/** So long, in milliseconds, a rate is mere chance. */
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

  /** No row follows: how many there are is no estimate any more. */
  allRead(): void {
    this.#isAllRead = true;
  }

  settled({ accepted, rejected }: { accepted: number; rejected: number }): void {
    this.#accepted += accepted;
    this.#rejected += rejected;
  }

  /** Time left is counted by what is settled: what was read may wait for long. */
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

  /** Undefined when there is none, and when more rows came than it says. */
  #estimate(): number | undefined {
    const sum = [...this.#estimates.values()].reduce((total, rows) => total + rows, 0);
    return this.#estimates.size > 0 && sum >= this.#read ? sum : undefined;
  }
}
