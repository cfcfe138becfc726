import { Cron } from 'croner';
import ms from 'ms';
import type { ConnectorError } from '../protocol/errors.ts';
import { syncError } from '../runner/errors.ts';

/** When runs start. Times are milliseconds since the epoch. */
export type Schedule = {
  first: number;
  /** The first start after a time. */
  after: (time: number) => number;
};

/** The next start, and why it is then. */
export type NextStart = {
  at: number;
  /** Whether a run was due during the last one, and was skipped. */
  skipped: boolean;
  /** How many runs in a row have failed. */
  failedRuns: number;
};

/** A value of --every. */
const INTERVAL = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

/** The shortest and the longest wait after a failed run, in milliseconds. It doubles with each further one. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/** The share of a wait that is added at random, so that syncs that failed together don't retry together. */
const JITTER = 0.1;

/** A year: a longer interval is a typing error. */
const LONGEST_PERIOD_MS = 366 * 24 * 3_600_000;

/**
 * Starts at once, and then at equal intervals.
 *
 * @param interval such as 30s, 5m, 2h or 1d.
 * @param now milliseconds since the epoch.
 * @throws ConnectorError (config_error) when it isn't an interval.
 */
export function createIntervalSchedule(interval: string, now: number): Schedule {
  const period = isInterval(interval) ? ms(interval) : 0;
  if (period <= 0 || period > LONGEST_PERIOD_MS) {
    throw syncError(
      'command_invalid',
      `--every ${interval} isn't a valid interval. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d.`,
    );
  }
  return { first: now, after: (time) => now + (Math.floor((time - now) / period) + 1) * period };
}

function isInterval(text: string): text is ms.StringValue {
  return INTERVAL.test(text);
}

/**
 * Starts at the times of a cron pattern, in this machine's zone.
 *
 * @param now milliseconds since the epoch.
 * @throws ConnectorError (config_error) when it isn't a cron pattern, or never matches.
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
  // The library also accepts a date, which matches once.
  if (/\d:\d/.test(pattern)) throw explain('is a date');
  try {
    return new Cron(pattern, { paused: true, mode: '5-part' });
  } catch {
    throw explain("isn't a valid cron pattern");
  }
}

/**
 * Plans the start after a run. After failed runs in a row it waits 1, 2, 4 … minutes, up to an hour; no run starts earlier than
 * scheduled.
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
