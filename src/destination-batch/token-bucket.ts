/** Time, as far as pacing needs it. Injected, so that tests need not wait. */
export type Clock = {
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
  /** Resolves after so many milliseconds; rejects when the signal aborts before. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/**
 * A token bucket: it holds `capacity` tokens at the most, gets `perSecond` more each second, and hands them out first
 * come, first served. Batch counts its updates in such a one; ours keeps in step with it, so that Batch never has to
 * refuse.
 */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;
  #pausedUntil = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: { capacity: number; perSecond: number; clock: Clock }) {
    this.#capacity = options.capacity;
    this.#perSecond = options.perSecond;
    this.#clock = options.clock;
    this.#tokens = options.capacity;
    this.#filledAt = options.clock.now();
  }

  /** Resolves when `count` tokens (no more than the capacity) have been taken. Rejects when the signal aborts. */
  take(count: number, signal: AbortSignal): Promise<void> {
    const taken = this.#turn.then(() => this.#takeInTurn(count, signal));
    this.#turn = taken.catch(() => {});
    return taken;
  }

  /** Puts back tokens that were taken and not used. */
  giveBack(count: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + count);
  }

  /** Hands out nothing for so many milliseconds, and then starts from an empty bucket: somebody else has used it up. */
  pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + milliseconds);
    this.#tokens = 0;
    this.#filledAt = this.#pausedUntil;
  }

  async #takeInTurn(count: number, signal: AbortSignal): Promise<void> {
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
    this.#tokens = Math.min(this.#capacity, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    return Math.ceil(((count - this.#tokens) / this.#perSecond) * 1000);
  }
}
