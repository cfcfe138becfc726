import { formatCount, formatDuration, formatNumber } from '../../shared/format.ts';

/** How often a person is told how far a read is, in milliseconds. */
export const PROGRESS_INTERVAL_MS = 10_000;

/** Says now and then how a read goes on. */
export class Progress {
  readonly #now: () => number;
  readonly #start: number;
  #next: number;

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
    this.#next = this.#start + PROGRESS_INTERVAL_MS;
  }

  /**
   * The words for a person, when it is time for some.
   *
   * @param rows how many rows have been read.
   * @param cursor the last row's.
   * @param isTime whether that is a time, which tells how far behind now it is.
   */
  describe(rows: number, cursor: string | null, isTime: boolean): string | undefined {
    const now = this.#now();
    if (now < this.#next) return undefined;
    this.#next = now + PROGRESS_INTERVAL_MS;
    return `${this.describeTotal(rows)}${isTime && cursor !== null ? `, now at ${cursor}, ${formatDuration(Math.max(1_000, now - Date.parse(cursor)))} ago` : ''}`;
  }

  /** How many rows were read, and how many a second. */
  describeTotal(rows: number): string {
    const seconds = (this.#now() - this.#start) / 1000;
    const rate = seconds >= 1 ? `, ${formatNumber(Math.round(rows / seconds))} a second` : '';
    return `${formatCount(rows, 'row')} read${rate}`;
  }
}
