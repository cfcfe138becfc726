import { TokenHistory } from './token-history.ts';

export type BucketSize = {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Most tokens in the bucket; a new bucket is full. */
  readonly capacity: number;
};

/**
 * The token bucket of Batch's rate limit for the updates of a project [documented: source MASS in docs/batch-api.md]. The
 * clock, in milliseconds, may stop or go back: the bucket never loses tokens because of it.
 */
export class TokenBucket {
  #size: BucketSize;
  #tokens: number;
  #filledAt: number;
  #used = 0;
  readonly #history = new TokenHistory();
  readonly #now: () => number;

  constructor(size: BucketSize, now: () => number) {
    this.#size = size;
    this.#tokens = size.capacity;
    this.#filledAt = now();
    this.#now = now;
  }

  /** Takes all of `cost`, or nothing: no source says that a refused call costs tokens [inferred]. */
  take(cost: number): boolean {
    this.#fill();
    if (cost > this.#tokens) return false;
    this.#tokens -= cost;
    this.#used += cost;
    this.#history.note(this.#filledAt, this.#tokens);
    return true;
  }

  get left(): number {
    this.#fill();
    return this.#tokens;
  }

  /** Tokens taken since the bucket was new or last refilled by {@link reset}. */
  get used(): number {
    return this.#used;
  }

  get size(): BucketSize {
    return this.#size;
  }

  /** The fewest tokens left in each of the last seconds, oldest first. */
  get fewestLeft(): readonly number[] {
    return this.#history.fewestLeft(this.#now(), this.#size);
  }

  /** Seconds until there are `cost` tokens; infinite if there never will be. */
  secondsUntil(cost: number): number {
    const missing = cost - this.left;
    if (missing <= 0) return 0;
    return cost > this.#size.capacity ? Number.POSITIVE_INFINITY : missing / this.#size.perSecond;
  }

  /** Tokens earned so far stay as they are, up to the new capacity. */
  resize(size: BucketSize): void {
    this.#fill();
    this.#size = size;
  }

  reset(): void {
    this.#tokens = this.#size.capacity;
    this.#filledAt = this.#now();
    this.#used = 0;
    this.#history.clear();
  }

  #fill(): void {
    const now = this.#now();
    const seconds = Math.max(0, now - this.#filledAt) / 1000;
    this.#tokens = Math.min(this.#size.capacity, this.#tokens + seconds * this.#size.perSecond);
    this.#filledAt = now;
  }
}
