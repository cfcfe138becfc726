import { type Wait, waitByTimer } from '../shared/abort.ts';
import type { SyncContext } from './context.ts';
import type { RunResult } from './result.ts';
import { planNextStart, type Schedule } from './schedule.ts';

/** The longest timer, in milliseconds. Timers of Node don't advance while a laptop sleeps, and have a maximum length. */
const LONGEST_TIMER_MS = 30_000;

/**
 * Starts one run after another by the schedule, until a signal stops it.
 *
 * @param random returns a number from 0 to 1.
 * @returns the result of the run that was stopped; undefined when it was stopped between two runs.
 */
export async function runOnSchedule(
  run: () => Promise<RunResult>,
  schedule: Schedule,
  { reporter, stop, now }: Pick<SyncContext, 'reporter' | 'stop' | 'now'>,
  { random = Math.random, wait = waitByTimer }: { random?: () => number; wait?: Wait } = {},
): Promise<RunResult | undefined> {
  let failedRuns = 0;
  let start = schedule.first;
  if (start > now()) reporter.nextRun({ at: start, skipped: false, failedRuns });
  for (;;) {
    for (let left = start - now(); left > 0 && !stop.aborted; left = start - now()) {
      await wait(Math.min(left, LONGEST_TIMER_MS), stop);
    }
    if (stop.aborted) return undefined;
    const result = await run();
    if (stop.aborted) return result;
    failedRuns = result.outcome.kind === 'failed' ? failedRuns + 1 : 0;
    const next = planNextStart(schedule, { start, end: now() }, failedRuns, random);
    reporter.nextRun(next);
    start = next.at;
  }
}
