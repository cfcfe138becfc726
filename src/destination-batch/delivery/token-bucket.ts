import { serial } from '../../shared/async.ts';

/** A clock. It is injected, so that tests don't have to wait. */
export type Clock = {
  /** Returns the time of a monotonic clock, in milliseconds. */
  now: () => number;
  /** Resolves after a number of milliseconds. Rejects if the signal is aborted before that. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/**
 * The time in which the rate would grow from zero to the full rate, in milliseconds. After HTTP 429, the rate grows
 * linearly.
 */
const RECOVERY_MS = 60_000;
/** The factor by which HTTP 429 reduces the rate. */
const SLOWER = 0.5;
/** The maximum wait while the rate grows, in milliseconds. The wait is then calculated again, with the higher rate. */
const LOOK_AGAIN_MS = 500;
/**
 * The minimum share of the full rate. It is above zero, so that requests find out when Batch accepts updates again.
 */
const LEAST_SHARE = 1 / 64;

/**
 * A token bucket for the rate limit. It holds at most `capacity` tokens, gains `perSecond` tokens each second, and
 * serves calls of `take` in order. Batch limits updates with a token bucket too. This one stays in step with Batch's
 * bucket, so that Batch refuses no request.
 */
export class TokenBucket {
  readonly #capacity: number;
  /** The full rate, in tokens per second. */
  readonly perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;
  #pausedUntil = 0;
  /** The current rate as a share of the full rate. */
  #share = 1;
  readonly #inTurn = serial();

  constructor(options: { capacity: number; perSecond: number; clock: Clock }) {
    this.#capacity = options.capacity;
    this.perSecond = options.perSecond;
    this.#clock = options.clock;
    this.#tokens = options.capacity;
    this.#filledAt = options.clock.now();
  }

  /**
   * Waits until there are enough tokens, then takes them. Rejects if the signal is aborted.
   *
   * @param count the number of tokens, at most the capacity.
   */
  take(count: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#take(count, signal));
  }

  /** The number of whole tokens in the bucket. */
  get tokens(): number {
    this.#refill();
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** Puts back tokens that were taken but not used. */
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
   * Pauses after HTTP 429, then continues at half the rate, which rises again. A 429 means that another client uses the
   * same rate limit, or that the limit is lower than expected. If several requests of one burst are refused, the rate
   * is halved only once.
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

  /** Adds the tokens for the elapsed time, calculated from the mean rate over that time, and lets the rate grow. */
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
