import { Cron } from 'croner';
import type { ConnectorError } from '../protocol/errors.ts';
import { syncError } from '../runner/errors.ts';
import { parseDuration } from './duration.ts';

/** Determines when runs start. All times are in milliseconds since the epoch. */
export type Schedule = {
  first: number;
  /** Returns the first start after a time. */
  after: (time: number) => number;
};

/** The next start, and what influenced its time. */
export type NextStart = {
  at: number;
  /** Whether a run was due during the last one, and was skipped. */
  skipped: boolean;
  /** The number of failed runs in a row. */
  failedRuns: number;
};

/** The minimum and maximum wait after a failed run, in milliseconds. The wait doubles with each further failure in a row. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/**
 * The maximum random part that is added to a wait, as a share of the wait. Without it, syncs that failed at the same time would
 * retry at the same time.
 */
const JITTER = 0.1;

/**
 * Creates a schedule whose first run starts immediately. The next runs are due at equal intervals after that.
 *
 * @param interval such as 30s, 5m, 2h or 1d.
 * @param now milliseconds since the epoch.
 * @throws ConnectorError (config_error) if the interval is invalid.
 */
export function createIntervalSchedule(interval: string, now: number): Schedule {
  const period = parseDuration('--every', interval);
  return { first: now, after: (time) => now + (Math.floor((time - now) / period) + 1) * period };
}

/**
 * Creates a schedule that starts at the times of a cron pattern, in the time zone of this machine.
 *
 * @param now milliseconds since the epoch.
 * @throws ConnectorError (config_error) if the pattern is invalid, or never matches.
 */
export function createCronSchedule(pattern: string, now: number): Schedule {
  const explain = (problem: string): ConnectorError =>
    syncError(
      'command_invalid',
      `--cron "${pattern}" ${problem}. Give minute, hour, day, month and weekday, as in "0 3 * * *" for 3:00 every night.`,
    );
  const cron = parseCron(pattern, explain);
  const after = (time: number): number => {
    const next = cron.nextRun(new Date(time));
    if (next === null) throw explain('never matches');
    return next.getTime();
  };
  return { first: after(now), after };
}

function parseCron(pattern: string, explain: (problem: string) => ConnectorError): Cron {
  // The library would also accept a date, but a date matches only once.
  if (/\d:\d/.test(pattern)) throw explain('is a date');
  try {
    return new Cron(pattern, { paused: true, mode: '5-part' });
  } catch {
    throw explain("isn't a valid cron pattern");
  }
}

/**
 * Plans the next start after a run. After 1, 2, 3 … failed runs in a row, the wait is at least 1, 2, 4 … minutes, up to an hour. No
 * run starts earlier than scheduled.
 *
 * @param last when the last run was due, and when it ended.
 * @param random returns a number from 0 to 1.
 */
export function planNextStart(
  schedule: Schedule,
  last: { start: number; end: number },
  failedRuns: number,
  random: () => number,
): NextStart {
  const scheduled = schedule.after(last.end);
  const skipped = schedule.after(last.start) <= last.end;
  if (failedRuns === 0) return { at: scheduled, skipped, failedRuns };
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failedRuns - 1));
  const waited = last.end + Math.round(wait * (1 + JITTER * random()));
  return { at: Math.max(scheduled, waited), skipped, failedRuns };
}
