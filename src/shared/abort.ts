/**
 * Calls `react` once a signal is aborted, or now if it is.
 *
 * @returns what takes that back.
 */
export function onAbort(signal: AbortSignal, react: () => void): () => void {
  if (signal.aborted) react();
  else signal.addEventListener('abort', react, { once: true });
  return () => signal.removeEventListener('abort', react);
}
