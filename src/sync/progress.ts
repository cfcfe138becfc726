import type { DestinationMetrics } from '../protocol/analytics.ts';

/** The progress of a run. */
export type Progress = {
  rowsRead: number;
  /** The total number of rows: estimated by the source, and exact once all rows are read; undefined if unknown. */
  rowsEstimated: number | undefined;
  rowsAccepted: number;
  rowsRejected: number;
  /** Rows accepted or rejected per second since the first row was read; undefined at the beginning. */
  rowsPerSecond: number | undefined;
  millisecondsLeft: number | undefined;
};

/**
 * No rate is computed until this many milliseconds after the first row, because a rate over a shorter time would be meaningless.
 */
const NO_RATE_MS = 1_000;

/** The number of rows of a stream that Batch accepted, and the number that were rejected. */
type StreamCounts = { accepted: number; rejected: number };

/** Collects what the connectors report during a run: the numbers of rows, and the metrics. */
export class RunProgress {
  readonly #now: () => number;
  readonly #estimates = new Map<string, number>();
  #firstRowAt: number | undefined;
  #read = 0;
  readonly #settled = new Map<string, StreamCounts>();
  #accepted = 0;
  #rejected = 0;
  #isAllRead = false;
  /** The destination's last metrics; undefined before the first ones. */
  metrics: DestinationMetrics | undefined;
  /** The number of milliseconds by which the server's clock is ahead of this machine's; undefined until the server answers. */
  serverClockOffsetMs: number | undefined;

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  setEstimate(stream: string, rows: number): void {
    this.#estimates.set(stream, rows);
  }

  countRead(rows: number): void {
    if (rows > 0) this.#firstRowAt ??= this.#now();
    this.#read += rows;
  }

  /**
   * Called when all rows have been read, or when the source is asked to stop: from then on, the total number of rows is the number
   * that were read, and the time left is the time to send them.
   */
  markAllRead(): void {
    this.#isAllRead = true;
  }

  /** Counts rows that were accepted or rejected. @param key the key of their stream. */
  countSettled({ key, accepted, rejected }: { key: string } & StreamCounts): void {
    this.#accepted += accepted;
    this.#rejected += rejected;
    const counts = this.settledOf(key);
    this.#settled.set(key, { accepted: counts.accepted + accepted, rejected: counts.rejected + rejected });
  }

  /** The rows of a stream that were accepted or rejected. @param key the key of the stream. */
  settledOf(key: string): StreamCounts {
    return this.#settled.get(key) ?? { accepted: 0, rejected: 0 };
  }

  /**
   * The current progress. It counts a row as accepted or rejected only after the destination has echoed a state that follows it.
   */
  get current(): Progress {
    return this.#describe(this.#accepted, this.#rejected);
  }

  /**
   * The current progress, with the rows that were accepted or rejected according to the destination's last metrics. The states
   * cover these rows later.
   */
  get live(): Progress {
    const { events_accepted: accepted = 0, rows_rejected: byCode = {} } = this.metrics ?? {};
    const rejected = Object.values(byCode).reduce((sum, rows) => sum + rows, 0);
    return this.#describe(Math.max(accepted, this.#accepted), Math.max(rejected, this.#rejected));
  }

  /**
   * The time left is computed from the rows that were accepted or rejected, not from the rows that were read, because a row that
   * was read may have to wait before it is sent.
   */
  #describe(accepted: number, rejected: number): Progress {
    const elapsed = this.#firstRowAt === undefined ? 0 : this.#now() - this.#firstRowAt;
    const settled = accepted + rejected;
    const rate = elapsed < NO_RATE_MS || settled === 0 ? undefined : (settled * 1_000) / elapsed;
    const estimated = this.#isAllRead ? this.#read : this.#estimate();
    return {
      rowsRead: this.#read,
      rowsEstimated: estimated,
      rowsAccepted: accepted,
      rowsRejected: rejected,
      rowsPerSecond: rate,
      millisecondsLeft:
        rate === undefined || estimated === undefined || settled >= estimated
          ? undefined
          : ((estimated - settled) * 1_000) / rate,
    };
  }

  /** Adds up the estimates of all streams. Returns undefined if there are none, or if more rows were read than estimated. */
  #estimate(): number | undefined {
    const sum = [...this.#estimates.values()].reduce((total, rows) => total + rows, 0);
    return this.#estimates.size > 0 && sum >= this.#read ? sum : undefined;
  }
}
