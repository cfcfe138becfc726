import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each([
  ['90s', 90_000],
  ['5m', 5 * MINUTE],
  ['5min', 5 * MINUTE],
  ['5mins', 5 * MINUTE],
  ['5 minutes', 5 * MINUTE],
  ['1.5h', 90 * MINUTE],
  ['2hours', 2 * HOUR],
  ['7d', 7 * 24 * HOUR],
])('%s is a duration', (text, expected) => {
  expect(parseDuration('--every', text)).toBe(expected);
});

test.each(['5', 'often', '', 'm', '-5m', '5M', '5  m', '5mo', '1y', '1w', '0s', '367d', '99999999999d'])(
  '%j is not a duration',
  (text) => {
    expect(() => parseDuration('--every', text)).toThrow(
      `--every ${text} isn't a valid duration. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d.`,
    );
  },
);
