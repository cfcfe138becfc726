/** Wakes up loops that wait for a condition: a loop checks the condition, waits for the signal, and checks again. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  /** Resolves all pending waits. */
  notify(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next `notify`, or once `abort` is aborted. */
  wait(abort?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        abort?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      if (abort?.aborted) wake();
      else abort?.addEventListener('abort', wake);
    });
  }
}

/**
 * Returns a function that runs tasks one after another, in the order of the calls, and returns the result of each task. A task
 * that fails does not stop the next one.
 */
export function serial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
