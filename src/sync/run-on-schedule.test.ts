import { expect, test } from 'vitest';
import { syncError } from '../runner/errors.ts';
import type { Outcome, RunResult } from './result.ts';
import { runOnSchedule } from './run-on-schedule.ts';
import { createIntervalSchedule, type NextStart } from './schedule.ts';

const MINUTE = 60_000;

const COMPLETE: Outcome = { kind: 'complete' };
const FAILED: Outcome = { kind: 'failed', errors: [syncError('configuration_invalid', 'The password is wrong.')] };

/** Runs on a schedule of five minutes, with a clock that only waits and runs advance. */
async function go(runs: { outcome: Outcome; takes: number }[]): Promise<{
  starts: number[];
  next: NextStart[];
  last: RunResult | undefined;
  longestWait: number;
  hasReportedStop: boolean;
}> {
  const stop = new AbortController();
  const starts: number[] = [];
  const next: NextStart[] = [];
  let clock = 0;
  let longestWait = 0;
  let hasReportedStop = false;
  const last = await runOnSchedule(
    async () => {
      starts.push(clock);
      const run = runs[starts.length - 1];
      if (run === undefined) throw new Error('It should have stopped.');
      clock += run.takes;
      return {
        outcome: run.outcome,
        rowsRead: 0,
        rowsAccepted: 0,
        rowsRejected: 0,
        milliseconds: 0,
        state: { kind: 'untouched' },
      };
    },
    createIntervalSchedule('5m', 0),
    {
      reporter: {
        ...NO_REPORTER,
        nextRun: (start) => next.push(start),
        stopped: () => {
          hasReportedStop = true;
        },
      },
      stop: stop.signal,
      now: () => clock,
    },
    {
      random: () => 0,
      wait: async (milliseconds) => {
        longestWait = Math.max(longestWait, milliseconds);
        clock += milliseconds;
        if (starts.length === runs.length) stop.abort();
      },
    },
  );
  return { starts, next, last, longestWait, hasReportedStop };
}

const ignore = (): void => {};
const NO_REPORTER = {
  progressIntervalMs: 0,
  runStarted: ignore,
  progress: ignore,
  lastProgress: ignore,
  log: ignore,
  runEnded: ignore,
  nextRun: ignore,
  stopped: ignore,
  failed: ignore,
};

test('starts the first run at once, the others on schedule, and reports the next start', async () => {
  const { starts, next, last, longestWait, hasReportedStop } = await go([
    { outcome: COMPLETE, takes: MINUTE },
    { outcome: COMPLETE, takes: 7 * MINUTE },
    { outcome: COMPLETE, takes: 0 },
  ]);
  expect(starts).toEqual([0, 5 * MINUTE, 15 * MINUTE]);
  expect(next).toEqual([
    { at: 5 * MINUTE, skipped: false, failedRuns: 0 },
    { at: 15 * MINUTE, skipped: true, failedRuns: 0 },
    { at: 20 * MINUTE, skipped: false, failedRuns: 0 },
  ]);
  // It was stopped while it waited.
  expect([last, hasReportedStop]).toEqual([undefined, true]);
  expect(longestWait).toBe(MINUTE / 2);
});

test('backs off after failed runs, and returns to the schedule after a successful one', async () => {
  const failed = { outcome: FAILED, takes: 0 };
  const { starts } = await go([failed, failed, failed, failed, failed, { outcome: COMPLETE, takes: 0 }, failed]);
  expect(starts.map((start) => start / MINUTE)).toEqual([0, 5, 10, 15, 23, 39, 40]);
});
