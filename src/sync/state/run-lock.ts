import { hostname } from 'node:os';
import { asConnectorError } from '../../protocol/errors.ts';
import { waitByTimer } from '../../shared/abort.ts';
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
    const self = { pid: process.pid, host: hostname(), since: new Date(now()).toISOString() };
    lock.#unlock = await store.lock(self, {
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
   * Runs something that must end if another process may have acquired the lock. It ends at once then: the other process may send
   * the same rows by now.
   *
   * @returns the result of the run; a failed one if it was stopped because this process could not renew the lock.
   */
  async guard<Context extends SyncContext, Result extends RunResult>(
    context: Context,
    run: (context: Context) => Promise<Result>,
  ): Promise<Result> {
    this.#uncertain = new AbortController();
    const uncertain = this.#uncertain.signal;
    const stopAtOnce = AbortSignal.any([context.stopAtOnce, this.lost, uncertain]);
    const result = await run({ ...context, stopAtOnce, stop: AbortSignal.any([context.stop, stopAtOnce]) });
    // A run that is complete has saved its state, for which it had the lock.
    if (!uncertain.aborted || result.outcome.kind === 'complete') return result;
    const error = asConnectorError(uncertain.reason);
    // The store could likely not be reached either when the state was saved.
    const others =
      result.outcome.kind === 'failed' ? result.outcome.errors.filter(({ code }) => code !== error.code) : [];
    return { ...result, outcome: { kind: 'failed', errors: [error, ...others] } };
  }

  async release(): Promise<void> {
    await this.#unlock?.();
  }
}
