/** A wake-up for a loop that waits for a condition: check it, wait, check it again. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  /** Ends all waits that have begun. */
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
 * Returns a function that runs works one after another, in the order of its calls, and returns what each one returns.
 * A work that fails does not stop the next.
 */
export function serial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
