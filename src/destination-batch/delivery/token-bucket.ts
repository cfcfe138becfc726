import { serial } from '../../shared/async.ts';

/** The time. Injected, so that tests don't wait. */
export type Clock = {
  /** Milliseconds of a monotonic clock. */
  now: () => number;
  /** Resolves after a number of milliseconds; rejects when the signal is aborted before. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/** After HTTP 429 the rate is halved. It then grows back linearly, at a speed of the full rate in this many milliseconds. */
const RECOVERY_MS = 60_000;
const SLOWER = 0.5;
/** While the rate grows, a wait gets shorter than calculated. It is calculated again after this many milliseconds. */
const LOOK_AGAIN_MS = 500;
/** The lowest share of the full rate, so that it is noticed when Batch accepts updates again. */
const LEAST_SHARE = 1 / 64;

/**
 * A token bucket for the rate limit: it has at most `capacity` tokens, gains `perSecond` tokens each second, and serves
 * requests in their order. Batch limits updates with a token bucket; ours keeps in step with it, so that Batch refuses none.
 */
export class TokenBucket {
  readonly #capacity: number;
  /** The full rate. */
  readonly perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;
  #pausedUntil = 0;
  /** The current share of the full rate. */
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

  /** Returns tokens that were taken and not used. */
  refund(count: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + count);
  }

  /** Pauses for a number of milliseconds, then continues with an empty bucket. */
  pause(milliseconds: number): void {
    this.#refill();
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + milliseconds);
    this.#tokens = 0;
    this.#filledAt = this.#pausedUntil;
  }

  /**
   * After HTTP 429: another client uses the same rate limit, or it is lower than expected. Pauses, then continues at half
   * the rate, which grows back. Of several refusals of one burst only the first counts.
   */
  slowDownAfter429(pauseMilliseconds: number): void {
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

  /** Updates the tokens and the rate. While the rate grows, its mean over the elapsed time counts. */
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
