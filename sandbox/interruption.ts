/**
 * Aborted by the first Ctrl-C or SIGTERM, in place of the end of the process. A second one changes nothing: the terminal
 * sends it to all of a group, and tsx hands it on once more, which would end the process while it cleans up.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => controller.abort(new Error('it was interrupted.')));
  }
  return controller.signal;
}

/** Resolves when it is aborted. */
export async function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
