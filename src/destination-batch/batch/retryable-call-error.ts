/** A call that can be tried again. `outcomeUnknown` when it may have been stored all the same. */
export class RetryableCallError extends Error {
  readonly outcomeUnknown: boolean;
  readonly isRateLimit: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: { outcomeUnknown: boolean; isRateLimit?: boolean; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'RetryableCallError';
    this.outcomeUnknown = options.outcomeUnknown;
    this.isRateLimit = options.isRateLimit ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}
