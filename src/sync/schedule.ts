import { Cron } from 'croner';
import ms from 'ms';
import { type ConnectorError, messageOf } from '../protocol/errors.ts';
import { syncError } from '../runner/errors.ts';

/** When runs start. Times are milliseconds since the epoch. */
export type Schedule = {
  first: number;
  /** The first start after a time. */
  after: (time: number) => number;
};

/** The next start, and why then. */
export type NextStart = {
  at: number;
  /** Whether a start came due while the last run was under way, and was left out. */
  skipped: boolean;
  /** How many runs have failed one after the other. */
  failedRuns: number;
};

/** What a person writes for --every. */
const INTERVAL = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

/** The wait after a first failed run, and the longest, in milliseconds; it doubles in between. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/** By so much of its length a wait is longer at random: others that failed for the same reason come at other times. */
const JITTER = 0.1;

/** A year: what is longer is a slip. */
const LONGEST_PERIOD_MS = 366 * 24 * 3_600_000;

/**
 * A start at once, and then at intervals from that on.
 *
 * @param interval such as 30s, 5m, 2h or 1d.
 * @param now milliseconds since the epoch.
 * @throws ConnectorError (config_error) when it is none.
 */
export function createIntervalSchedule(interval: string, now: number): Schedule {
  const period = isInterval(interval) ? ms(interval) : 0;
  if (period <= 0 || period > LONGEST_PERIOD_MS) {
    throw syncError(
      'command_invalid',
      `--every ${interval} is no interval of a year at the most. Give a number and its unit: 30s, 5m, 2h or 1d.`,
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
 * @throws ConnectorError (config_error) when it is none, or no time ever comes.
 */
export function createCronSchedule(pattern: string, now: number): Schedule {
  const explain = (why: string): ConnectorError =>
    syncError(
      'command_invalid',
      `--cron "${pattern}" can't be used: ${why}. Give minute, hour, day, month and weekday, as in "0 3 * * *" for 3:00 each night.`,
    );
  const cron = parseCron(pattern, explain);
  const after = (time: number): number => {
    const next = cron.nextRun(new Date(time));
    if (next === null) throw explain('no such time comes any more');
    return next.getTime();
  };
  return { first: after(now), after };
}

function parseCron(pattern: string, explain: (why: string) => ConnectorError): Cron {
  // The library takes a date as well, which comes once.
  if (/\d:\d/.test(pattern)) throw explain('it is a date');
  try {
    return new Cron(pattern, { paused: true, mode: '5-part' });
  } catch (error) {
    throw explain(messageOf(error).replace(/\.$/, ''));
  }
}

/**
 * When to start after a run. Runs that fail one after the other are followed by growing waits, of 1, 2, 4 … minutes up to
 * an hour; none starts earlier than the schedule has it.
 *
 * @param last when the last run was to start, and when it ended.
 * @param random from 0 to 1.
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
