import { describe, expect, it, vi } from 'vitest';
import { type RetryOptions, retryFor } from './retry.ts';

const options: RetryOptions = { forMs: 5_000, minDelayMs: 1, maxDelayMs: 5, shouldRetry: () => true };

/** An attempt that fails with "error 1", "error 2" ... before it succeeds. */
function failing(times: number): (attemptNumber: number) => Promise<string> {
  return async (attemptNumber) => {
    if (attemptNumber <= times) throw new Error(`error ${attemptNumber}`);
    return `attempt ${attemptNumber}`;
  };
}

describe('retryFor', () => {
  it('retries until an attempt succeeds, and reports each error before the delay', async () => {
    const onRetry = vi.fn<(error: Error, attemptNumber: number) => void>();

    expect(await retryFor({ ...options, onRetry }, failing(2))).toBe('attempt 3');

    expect(onRetry.mock.calls.map(([{ message }, attemptNumber]) => [message, attemptNumber])).toEqual([
      ['error 1', 1],
      ['error 2', 2],
    ]);
  });

  it('does not retry an error that another attempt cannot fix', async () => {
    const shouldRetry = ({ message }: Error): boolean => message === 'error 1';

    await expect(retryFor({ ...options, shouldRetry }, failing(9))).rejects.toThrow('error 2');
  });

  it('makes a single attempt when there is no time for retries', async () => {
    await expect(retryFor({ ...options, forMs: 0 }, failing(9))).rejects.toThrow('error 1');
  });

  it('passes the remaining time to shouldRetry, and gives up when it is over', async () => {
    const remaining: number[] = [];
    const shouldRetry = (_error: Error, remainingMs: number): boolean => remaining.push(remainingMs) > 0;

    await expect(retryFor({ ...options, forMs: 50, shouldRetry }, failing(9_999))).rejects.toThrow(/^error \d+$/);

    expect(Math.max(...remaining)).toBeLessThanOrEqual(50);
    expect(Math.min(...remaining)).toBeGreaterThan(0);
  });

  it('ends a delay with the last error when the signal is aborted', async () => {
    const stop = new AbortController();
    const onRetry = (): void => queueMicrotask(() => stop.abort());

    const retrying = retryFor(
      { ...options, minDelayMs: 3_000, maxDelayMs: 3_000, signal: stop.signal, onRetry },
      failing(9),
    );

    await expect(retrying).rejects.toThrow('error 1');
  });

  it('returns the result of an attempt that was running when the signal was aborted', async () => {
    const stop = new AbortController();
    const attempt = async (): Promise<string> => {
      stop.abort();
      return 'result';
    };

    expect(await retryFor({ ...options, signal: stop.signal }, attempt)).toBe('result');
  });

  it('does not retry after the signal was aborted', async () => {
    const stop = new AbortController();
    stop.abort();

    await expect(retryFor({ ...options, signal: stop.signal }, failing(9))).rejects.toThrow('error 1');
  });
});
