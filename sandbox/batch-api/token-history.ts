import type { BucketSize } from './token-bucket.ts';

/** How many seconds a history covers, including the current one. */
export const HISTORY_SECONDS = 120;

/**
 * The fewest tokens in a bucket in each second of the last two minutes. Only calls are recorded, so an idle bucket costs
 * nothing: in the seconds between calls, the bucket fills at its rate.
 */
export class TokenHistory {
  /** By second since 1970, in the order in which they were recorded. */
  readonly #fewest = new Map<number, number>();

  /** @param now when a call left this many tokens, in milliseconds since 1970. */
  note(now: number, left: number): void {
    const second = secondOf(now);
    this.#fewest.set(second, Math.min(left, this.#fewest.get(second) ?? left));
    if (this.#fewest.size <= HISTORY_SECONDS) return;
    const [oldest] = this.#fewest.keys();
    if (oldest !== undefined) this.#fewest.delete(oldest);
  }

  /** A number for each second, that of `now` last. A bucket without earlier calls is full. */
  fewestLeft(now: number, { capacity, perSecond }: BucketSize): readonly number[] {
    const first = secondOf(now) - HISTORY_SECONDS + 1;
    let [last] = [...this.#fewest].filter(([second]) => second < first).sort(([a], [b]) => b - a);
    return Array.from({ length: HISTORY_SECONDS }, (_, index) => {
      const second = first + index;
      const noted = this.#fewest.get(second);
      if (noted !== undefined) last = [second, noted];
      if (last === undefined) return capacity;
      return Math.floor(Math.min(capacity, last[1] + (second - last[0]) * perSecond));
    });
  }

  clear(): void {
    this.#fewest.clear();
  }
}

function secondOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
