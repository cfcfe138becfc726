import { formatCount, formatDuration, formatNumber } from '../../shared/format.ts';

/** How often progress is logged, in milliseconds. */
export const PROGRESS_INTERVAL_MS = 10_000;

/** Describes the progress of a read. */
export class Progress {
  readonly #now: () => number;
  readonly #start: number;
  #next: number;

  /** @param now returns the time in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
    this.#next = this.#start + PROGRESS_INTERVAL_MS;
  }

  /**
   * Describes the progress if PROGRESS_INTERVAL_MS have passed since the last description. Otherwise returns undefined.
   *
   * @param rows the number of rows read.
   * @param cursor the cursor of the last row.
   * @param showsAge whether to add the cursor, which must then be a time, and its age.
   */
  describe(rows: number, cursor: string | null, showsAge: boolean): string | undefined {
    const now = this.#now();
    if (now < this.#next) return undefined;
    this.#next = now + PROGRESS_INTERVAL_MS;
    return `${this.describeTotal(rows)}${showsAge && cursor !== null ? `, now at ${cursor}, ${formatDuration(Math.max(1_000, now - Date.parse(cursor)))} ago` : ''}`;
  }

  /** Describes the number of rows read, and the rate. */
  describeTotal(rows: number): string {
    const seconds = (this.#now() - this.#start) / 1000;
    const rate = seconds >= 1 ? `, ${formatNumber(Math.round(rows / seconds))} a second` : '';
    return `${formatCount(rows, 'row')} read${rate}`;
  }
}
