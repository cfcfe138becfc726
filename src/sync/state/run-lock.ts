import { asConnectorError } from '../../protocol/errors.ts';
import { onAbort, waitByTimer } from '../../shared/abort.ts';
import { thisProcess } from '../../shared/process-owner.ts';
import type { SyncContext } from '../context.ts';
import type { RunResult } from '../result.ts';
import type { StateStore } from './store.ts';

/** The lock that a sync has on its state, for one or more runs. */
export class RunLock {
  readonly #lost = new AbortController();
  /** Aborted when the current run must end, because another process may acquire the lock. */
  #uncertain = new AbortController();
  #unlock: (() => Promise<void>) | undefined;

  /**
   * Locks a state.
   *
   * @returns undefined if a signal arrived while this process waited for the lock.
   * @throws ConnectorError if another process holds the lock, or if the store is unusable.
   */
  static async acquire(
    store: Pick<StateStore, 'lock'>,
    { reporter, stop, now, wait = waitByTimer }: SyncContext,
  ): Promise<RunLock | undefined> {
    const lock = new RunLock();
    lock.#unlock = await store.lock(thisProcess(now()), {
      stop,
      wait,
      onWaiting: (owner, expiresInMs) =>
        reporter.log(
          'WARN',
          'sync',
          `The state file is locked by ${owner}. If that process has died, the lock expires within ${expiresInMs / 1_000} s.`,
        ),
      onLost: (error) => lock.#lost.abort(error),
      onUncertain: (error) => lock.#uncertain.abort(error),
    });
    return lock.#unlock === undefined ? undefined : lock;
  }

  /** Aborted when another process has acquired the lock. The reason is a ConnectorError. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Runs something, and stops it at once if another process may have acquired the lock, because the other process may already be
   * sending the same rows.
   *
   * @returns the result of the run; a failed one if the lock was lost or could not be renewed before the run was complete.
   */
  async guard<Context extends SyncContext, Result extends RunResult>(
    context: Context,
    run: (context: Context) => Promise<Result>,
  ): Promise<Result> {
    this.#uncertain = new AbortController();
    const unlocked = AbortSignal.any([this.lost, this.#uncertain.signal]);
    const stopAtOnce = AbortSignal.any([context.stopAtOnce, unlocked]);
    const stop = AbortSignal.any([context.stop, stopAtOnce]);
    const removeListener = onAbort(unlocked, () =>
      context.reporter.log('WARN', 'sync', 'This run may no longer hold its lock (details below). Stopping now.'),
    );
    try {
      const result = await run({ ...context, stop, stopAtOnce });
      return unlocked.aborted && result.outcome.kind !== 'complete' ? fail(result, unlocked.reason) : result;
    } finally {
      removeListener();
    }
  }

  async release(): Promise<void> {
    await this.#unlock?.();
  }
}

/**
 * Turns a result into a failed one. An error of the run with the same code is not repeated: the last save of the state has likely
 * failed for the same reason.
 */
function fail<Result extends RunResult>(result: Result, reason: unknown): Result {
  const error = asConnectorError(reason);
  const errors = result.outcome.kind === 'failed' ? result.outcome.errors : [];
  return {
    ...result,
    outcome: { kind: 'failed', errors: [error, ...errors.filter(({ code }) => code !== error.code)] },
  };
}
