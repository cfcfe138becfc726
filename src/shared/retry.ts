import pRetry from 'p-retry';
import { onAbort } from './abort.ts';

export type RetryOptions = {
  /** The time in which attempts may be repeated, from the start of the first one, in milliseconds; 0 makes a single attempt. */
  forMs: number;
  /**
   * The minimum delay before the first retry, in milliseconds. The minimum doubles with each further retry. The actual delay is the
   * minimum times a random factor from 1 to 2, but at most `maxDelayMs`.
   */
  minDelayMs: number;
  /** The maximum delay, in milliseconds. */
  maxDelayMs: number;
  /** Aborting it ends a delay and prevents further attempts. An attempt in progress can still succeed. */
  signal?: AbortSignal;
  /** Checks whether another attempt may succeed. `remainingMs` is the time left for retries. */
  shouldRetry: (error: Error, remainingMs: number) => boolean;
  /** Called before each delay. */
  onRetry?: (error: Error, attemptNumber: number) => void;
};

/**
 * Runs an attempt repeatedly, with exponential backoff, until it succeeds, the time is over, `signal` is aborted or `shouldRetry`
 * returns false.
 *
 * @throws the error of the last attempt.
 */
export async function retryFor<T>(
  { forMs, minDelayMs, maxDelayMs, signal, shouldRetry, onRetry }: RetryOptions,
  attempt: (attemptNumber: number) => Promise<T>,
): Promise<T> {
  const giveUpAt = performance.now() + forMs;
  const delay = new AbortController();
  let delayedBy: Error | undefined;
  const endDelay = (): void => {
    if (delayedBy !== undefined) delay.abort(delayedBy);
  };
  const stopListening = signal === undefined ? undefined : onAbort(signal, endDelay);
  try {
    return await pRetry(
      (attemptNumber) => {
        delayedBy = undefined;
        return attempt(attemptNumber);
      },
      {
        retries: Number.POSITIVE_INFINITY,
        maxRetryTime: forMs,
        minTimeout: minDelayMs,
        maxTimeout: maxDelayMs,
        randomize: true,
        signal: delay.signal,
        shouldRetry: ({ error, attemptNumber }) => {
          // p-retry starts its own clock later, so it may call this function when no time is left.
          const remainingMs = giveUpAt - performance.now();
          if (signal?.aborted || remainingMs <= 0 || !shouldRetry(error, remainingMs)) return false;
          delayedBy = error;
          onRetry?.(error, attemptNumber);
          return true;
        },
      },
    );
  } finally {
    stopListening?.();
  }
}
