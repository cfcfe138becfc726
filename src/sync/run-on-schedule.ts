import { type Wait, waitByTimer } from '../shared/abort.ts';
import type { SyncContext } from './context.ts';
import type { RunResult } from './result.ts';
import { planNextStart, type Schedule } from './schedule.ts';

/**
 * The maximum duration of one timer, in milliseconds. Longer waits use several timers, because Node's timers have a maximum
 * duration, and don't advance while a laptop sleeps.
 */
const LONGEST_TIMER_MS = 30_000;

/**
 * Starts runs one after another on a schedule, until a signal arrives.
 *
 * @param random returns a number from 0 to 1.
 * @returns the result of the run that the signal stopped; undefined if the signal came between two runs.
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
    if (stop.aborted) {
      reporter.stopped();
      return undefined;
    }
    const result = await run();
    if (stop.aborted) return result;
    failedRuns = result.outcome.kind === 'failed' ? failedRuns + 1 : 0;
    const next = planNextStart(schedule, { start, end: now() }, failedRuns, random);
    reporter.nextRun(next);
    start = next.at;
  }
}
