import type { BucketSize } from './token-bucket.ts';

/** Seconds that a history goes back, the present one included. */
export const HISTORY_SECONDS = 120;

/**
 * The fewest tokens that a bucket held in each second of the last two minutes. Only what calls took is noted, so that it
 * costs nothing while there are none: in the seconds between them, a bucket fills as its rate says.
 */
export class TokenHistory {
  /** By second since 1970, in the order in which they were first noted. */
  readonly #fewest = new Map<number, number>();

  /** @param now milliseconds since 1970 at which a call left so many tokens. */
  note(now: number, left: number): void {
    const second = secondOf(now);
    this.#fewest.set(second, Math.min(left, this.#fewest.get(second) ?? left));
    if (this.#fewest.size <= HISTORY_SECONDS) return;
    const [oldest] = this.#fewest.keys();
    if (oldest !== undefined) this.#fewest.delete(oldest);
  }

  /** A number for each second, that of `now` last. A bucket that nothing was taken from before is full. */
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
