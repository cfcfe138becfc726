import { describe, expect, test } from 'vitest';
import { createCronSchedule, createIntervalSchedule, planNextStart } from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A time in the time zone of this machine, which cron patterns use. */
function at(day: number, hour: number, minute = 0): number {
  return new Date(2026, 5, day, hour, minute).getTime();
}

describe('--every', () => {
  test.each([
    ['30s', 30_000],
    ['5m', 5 * MINUTE],
    ['2h', 2 * HOUR],
    ['1d', 24 * HOUR],
    ['1.5h', 90 * MINUTE],
  ])('%s starts at once, and then at equal intervals', (interval, period) => {
    const now = at(1, 12);
    const schedule = createIntervalSchedule(interval, now);
    expect(schedule.first).toBe(now);
    const starts = [now, now + period - 1, now + period].map((time) => schedule.after(time));
    expect(starts).toEqual([now + period, now + period, now + 2 * period]);
  });

  test.each(['0s', '5', 'often', '-5m', 'm', '', '5M', '1y', '367d', '99999999999d'])('%j is refused', (interval) => {
    expect(() => createIntervalSchedule(interval, 0)).toThrow(expect.objectContaining({ failureType: 'config_error' }));
    expect(() => createIntervalSchedule(interval, 0)).toThrow(
      /isn't a valid duration\. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d/,
    );
  });
});

describe('--cron', () => {
  test('starts when the pattern matches', () => {
    const schedule = createCronSchedule('30 3 * * 1-5', at(5, 12));
    // 5 June 2026 is a Friday.
    expect(schedule.first).toBe(at(8, 3, 30));
    expect(schedule.after(schedule.first)).toBe(at(9, 3, 30));
  });

  test.each(['', 'at night', '61 * * * *', '* * * *x', '0 0 31 2 *', '* * * * * *', '2100-01-01T03:00:00'])(
    '%j is refused',
    (pattern) => {
      expect(() => createCronSchedule(pattern, at(1, 12))).toThrow(
        expect.objectContaining({ failureType: 'config_error' }),
      );
      expect(() => createCronSchedule(pattern, at(1, 12))).toThrow(
        /^--cron ".*" (isn't a valid cron pattern|never matches|is a date)\. .* as in "0 3 \* \* \*"/,
      );
    },
  );
});

describe('the next start', () => {
  const night = createCronSchedule('0 3 * * *', at(1, 12));

  test('is never earlier than scheduled, even after a failed run', () => {
    const last = { start: at(2, 3), end: at(2, 3, 20) };
    expect(planNextStart(night, last, 1, () => 0)).toEqual({ at: at(3, 3), skipped: false, failedRuns: 1 });
  });

  test('skips a start that was due during the run, and reports it', () => {
    expect(planNextStart(night, { start: at(2, 3), end: at(3, 4) }, 0, () => 0)).toEqual({
      at: at(4, 3),
      skipped: true,
      failedRuns: 0,
    });
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [6, 32],
    [7, 60],
    [2_000, 60],
  ])('after %i failed runs waits %i minutes, with a jitter of a tenth', (failedRuns, minutes) => {
    const often = createIntervalSchedule('1s', 0);
    const wait = (random: number): number => planNextStart(often, { start: 0, end: 0 }, failedRuns, () => random).at;
    expect([wait(0), wait(1)]).toEqual([minutes * MINUTE, minutes * 66_000]);
  });
});
