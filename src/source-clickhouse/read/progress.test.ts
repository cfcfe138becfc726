import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

/** A clock for tests, in milliseconds. */
function clock(start: number): { now: () => number; at: (time: number) => void } {
  let time = start;
  return {
    now: () => time,
    at: (next) => {
      time = next;
    },
  };
}

const START = Date.parse('2026-01-01T00:00:00Z');

test('describes the progress every ten seconds, with the rate and the age of the cursor', () => {
  const { now, at } = clock(START);
  const progress = new Progress(now);
  expect(progress.describe(1, '2025-12-31T00:00:00Z', true)).toBeUndefined();
  at(START + 9_999);
  expect(progress.describe(2, '2025-12-31T00:00:00Z', true)).toBeUndefined();
  at(START + 10_000);
  expect(progress.describe(1_234_567, '2025-12-31T23:00:00.123456Z', true)).toBe(
    '1,234,567 rows read, 123,457 a second, now at 2025-12-31T23:00:00.123456Z, 1h ago',
  );
  expect(progress.describe(1_234_568, '2025-12-31T23:00:00Z', true)).toBeUndefined();
  at(START + 25_000);
  expect(progress.describe(2_500_000, '42', false)).toBe('2,500,000 rows read, 100,000 a second');
});

test.each([
  ['2026-01-01T00:00:10Z', '1s ago'],
  ['2026-01-01T00:05:00Z', '1s ago'],
  ['2025-12-31T23:59:40Z', '30s ago'],
  ['2025-12-31T23:00:10Z', '1h ago'],
  ['2025-12-01T00:00:10Z', '31d ago'],
])('the age of a row of %s is %s', (cursor, words) => {
  const { now, at } = clock(START);
  const progress = new Progress(now);
  at(START + 10_000);
  expect(progress.describe(1, cursor, true)).toContain(`, ${words}`);
});

test('the total has no rate in the first second', () => {
  const { now, at } = clock(START);
  const progress = new Progress(now);
  expect(progress.describeTotal(7)).toBe('7 rows read');
  at(START + 2_000);
  expect(progress.describeTotal(3_000)).toBe('3,000 rows read, 1,500 a second');
});
