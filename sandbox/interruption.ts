/**
 * Returns a signal that the first Ctrl-C or SIGTERM aborts, instead of ending the process. A second one is ignored: the
 * terminal sends Ctrl-C to the whole process group, and tsx forwards it again, which would end the process during cleanup.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => controller.abort(new Error('it was interrupted.')));
  }
  return controller.signal;
}

/** Resolves when the signal is aborted. */
export async function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
