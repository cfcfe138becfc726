import pRetry from 'p-retry';
import { onAbort } from './abort.ts';

export type RetryOptions = {
  /** How long a failed attempt is followed by another one, in milliseconds; 0 for a single attempt. */
  forMs: number;
  /** The delay before the second attempt, in milliseconds. It doubles each time, and is drawn between once and twice its length. */
  minDelayMs: number;
  /** The longest delay, in milliseconds. */
  maxDelayMs: number;
  /** When it is aborted, a delay ends and no attempt follows; an attempt that is running can still succeed. */
  signal?: AbortSignal;
  /** Whether another attempt may succeed, given the milliseconds that are left. */
  shouldRetry: (error: Error, remainingMs: number) => boolean;
  /** Called before each delay. */
  onRetry?: (error: Error, attemptNumber: number) => void;
};

/**
 * Runs an attempt until it succeeds, with exponential backoff.
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
          // p-retry's own time begins later, so it may ask when none is left.
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
