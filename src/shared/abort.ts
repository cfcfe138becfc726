import { setTimeout as timer } from 'node:timers/promises';

/**
 * Calls `react` when a signal is aborted, or immediately if it already is.
 *
 * @returns a function that removes the listener.
 */
export function onAbort(signal: AbortSignal, react: () => void): () => void {
  if (signal.aborted) react();
  else signal.addEventListener('abort', react, { once: true });
  return () => signal.removeEventListener('abort', react);
}

/**
 * Creates a signal that is aborted when one of these signals is. Use it instead of AbortSignal.any if `aborted` is read often:
 * for a signal from AbortSignal.any, Node 26 checks all its parts at each read. The listeners on the given signals are never
 * removed.
 */
export function abortWithAny(...signals: AbortSignal[]): AbortSignal {
  const combined = new AbortController();
  for (const signal of signals) onAbort(signal, () => combined.abort(signal.reason));
  return combined.signal;
}

/** Creates a signal that is aborted `delayMs` after another signal, unless `cancel` is called before. */
export function abortLater(signal: AbortSignal, delayMs: number): { signal: AbortSignal; cancel: () => void } {
  const later = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stopListening = onAbort(signal, () => {
    timer = setTimeout(() => later.abort(), delayMs);
  });
  const cancel = (): void => {
    stopListening();
    clearTimeout(timer);
  };
  return { signal: later.signal, cancel };
}

/** Waits for a number of milliseconds, or until a signal is aborted. */
export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const waitByTimer: Wait = (milliseconds, signal) => timer(milliseconds, undefined, { signal }).catch(() => {});
