import { serial } from '../../shared/async.ts';

/** Time, as far as pacing needs it. Injected, so that tests need not wait. */
export type Clock = {
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
  /** Resolves after so many milliseconds; rejects when the signal aborts before. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/** After a refusal the pace is halved, and grows again, evenly: from nothing to the whole in so many milliseconds. */
const RECOVERY_MS = 60_000;
const SLOWER = 0.5;
/** While the pace grows, a wait turns out shorter than it seemed: so often it is looked at again. */
const LOOK_AGAIN_MS = 500;
/** The pace never falls below this share of the whole, so that it can be noticed when Batch takes updates again. */
const LEAST_SHARE = 1 / 64;

/**
 * A token bucket: it holds `capacity` tokens at the most, gets `perSecond` more each second, and hands them out first
 * come, first served. Batch counts its updates in such a one; ours keeps in step with it, so that Batch never has to
 * refuse.
 */
export class TokenBucket {
  readonly #capacity: number;
  /** The whole pace. */
  readonly perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;
  #pausedUntil = 0;
  /** The share of the whole pace at which tokens come now. */
  #share = 1;
  readonly #inTurn = serial();

  constructor(options: { capacity: number; perSecond: number; clock: Clock }) {
    this.#capacity = options.capacity;
    this.perSecond = options.perSecond;
    this.#clock = options.clock;
    this.#tokens = options.capacity;
    this.#filledAt = options.clock.now();
  }

  /** Resolves when `count` tokens (no more than the capacity) have been taken. Rejects when the signal aborts. */
  take(count: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#take(count, signal));
  }

  /** Puts back tokens that were taken and not used. */
  refund(count: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + count);
  }

  /** Hands out nothing for so many milliseconds, and then starts from an empty bucket. */
  pause(milliseconds: number): void {
    this.#refill();
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + milliseconds);
    this.#tokens = 0;
    this.#filledAt = this.#pausedUntil;
  }

  /**
   * Somebody else uses the same rate, or it is less than we think: pauses, and goes on at half the pace, which then grows
   * back. Of several refusals of one burst the first alone counts, as the others tell the same.
   */
  slowDown(pauseMilliseconds: number): void {
    if (this.#clock.now() >= this.#pausedUntil) {
      this.#refill();
      this.#share = Math.max(LEAST_SHARE, this.#share * SLOWER);
    }
    this.pause(pauseMilliseconds);
  }

  async #take(count: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const wait = this.#millisecondsUntil(count);
      if (wait <= 0) break;
      await this.#clock.sleep(wait, signal);
    }
    this.#tokens -= count;
  }

  #millisecondsUntil(count: number): number {
    const now = this.#clock.now();
    if (now < this.#pausedUntil) return this.#pausedUntil - now;
    this.#refill();
    const wait = Math.ceil(((count - this.#tokens) / (this.perSecond * this.#share)) * 1000);
    return this.#share < 1 ? Math.min(wait, LOOK_AGAIN_MS) : wait;
  }

  /** Brings tokens and pace up to now. While the pace grows, what came is its mean times the time. */
  #refill(): void {
    const now = this.#clock.now();
    const elapsed = now - this.#filledAt;
    if (elapsed <= 0) return;
    const share = Math.min(1, this.#share + elapsed / RECOVERY_MS);
    const came = (elapsed / 1000) * this.perSecond * ((this.#share + share) / 2);
    this.#tokens = Math.min(this.#capacity, this.#tokens + came);
    this.#share = share;
    this.#filledAt = now;
  }
}
