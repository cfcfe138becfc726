import { beforeEach, expect, test } from 'vitest';
import { syncError } from '../../runner/errors.ts';
import { onAbort } from '../../shared/abort.ts';
import type { SyncContext } from '../context.ts';
import type { Outcome, RunResult } from '../result.ts';
import { RunLock } from './run-lock.ts';
import type { LockOptions } from './store.ts';

const UNCERTAIN = syncError('state_store_unreachable', 'The lock could not be renewed.');
const LOST = syncError('state_file_changed', 'The lock was lost.');

const ignore = (): void => {};
let logs: string[];
let context: SyncContext;
beforeEach(() => {
  logs = [];
  context = {
    program: ['false'],
    reporter: {
      progressIntervalMs: 1_000,
      runStarted: ignore,
      progress: ignore,
      lastProgress: ignore,
      log: (level, speaker, message) => logs.push(`${level} ${speaker}: ${message}`),
      runEnded: ignore,
      nextRun: ignore,
      stopped: () => {},
      failed: ignore,
    },
    stop: new AbortController().signal,
    stopAtOnce: new AbortController().signal,
    now: Date.now,
  };
});

/** A lock, and the listeners that its store got. */
async function acquire(): Promise<{ lock: RunLock; listeners: LockOptions }> {
  let listeners: LockOptions | undefined;
  const lock = await RunLock.acquire(
    {
      lock: async (_, options) => {
        listeners = options;
        return async () => {};
      },
    },
    context,
  );
  if (lock === undefined || listeners === undefined) throw new Error('There is no lock.');
  return { lock, listeners };
}

function result(outcome: Outcome): RunResult {
  return { outcome, rowsRead: 0, rowsAccepted: 0, rowsRejected: 0, milliseconds: 0, state: { kind: 'untouched' } };
}

/** A run that continues until it is stopped at once. */
async function endless({ stop, stopAtOnce }: SyncContext): Promise<RunResult> {
  await new Promise<void>((resolve) => onAbort(stopAtOnce, resolve));
  return result(stop.aborted ? { kind: 'stopped', atOnce: true } : { kind: 'complete' });
}

test('logs who holds the lock, and when it expires', async () => {
  const { listeners } = await acquire();
  listeners.onWaiting('process 7 on host-a', 60_000);
  expect(logs).toEqual([
    'WARN sync: The state file is locked by process 7 on host-a. If that process has died, the lock expires within 60 s.',
  ]);
});

test('ends a run at once when the lock is lost', async () => {
  const { lock, listeners } = await acquire();
  const run = lock.guard(context, endless);
  listeners.onLost(LOST);
  expect((await run).outcome).toEqual({ kind: 'failed', errors: [LOST] });
  expect(logs).toEqual([expect.stringMatching(/^WARN sync: This run may no longer hold its lock .*Stopping now\.$/)]);
  expect(() => lock.lost.throwIfAborted()).toThrow(LOST);
});

test("fails a run when the lock can't be renewed, and starts the next one as usual", async () => {
  const { lock, listeners } = await acquire();
  const run = lock.guard(context, endless);
  listeners.onUncertain(UNCERTAIN);
  listeners.onUncertain(syncError('state_store_unreachable', 'Again.'));
  expect((await run).outcome).toEqual({ kind: 'failed', errors: [UNCERTAIN] });
  expect(lock.lost.aborted).toBe(false);
  const next = await lock.guard(context, async ({ stop }) =>
    result(stop.aborted ? { kind: 'stopped', atOnce: false } : { kind: 'complete' }),
  );
  expect(next.outcome).toEqual({ kind: 'complete' });
});

test('keeps the result of a run that completes before it is stopped', async () => {
  const { lock, listeners } = await acquire();
  const run = lock.guard(context, async () => {
    listeners.onUncertain(UNCERTAIN);
    return result({ kind: 'complete' });
  });
  expect((await run).outcome).toEqual({ kind: 'complete' });
});
