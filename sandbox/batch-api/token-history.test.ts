import { expect, test } from 'vitest';
import { HISTORY_SECONDS, TokenHistory } from './token-history.ts';

const now = Date.parse('2026-04-17T12:00:00Z');
const size = { capacity: 100, perSecond: 10 };

/** The last seconds of a history. */
function end(history: TokenHistory, seconds: number, at = now): readonly number[] {
  return history.fewestLeft(at, size).slice(-seconds);
}

test('an unused bucket was always full', () => {
  expect(new TokenHistory().fewestLeft(now, size)).toEqual(Array(HISTORY_SECONDS).fill(100));
});

test('records the fewest tokens of each second, and refills between seconds', () => {
  const history = new TokenHistory();
  history.note(now - 4_000, 80);
  history.note(now - 3_800, 20);
  history.note(now - 3_100, 35);
  history.note(now, 5);
  expect(end(history, 6)).toEqual([100, 20, 30, 40, 50, 5]);
});

test('never fills beyond the capacity', () => {
  const history = new TokenHistory();
  history.note(now - 4_000, 85);
  expect(end(history, 5)).toEqual([85, 95, 100, 100, 100]);
});

test('starts from a call that is older than the history', () => {
  const history = new TokenHistory();
  history.note(now - (HISTORY_SECONDS + 1) * 1_000, 0);
  expect(history.fewestLeft(now, size).slice(0, 3)).toEqual([20, 30, 40]);
});

test('keeps only the seconds of the history', () => {
  const history = new TokenHistory();
  for (let second = 0; second <= HISTORY_SECONDS; second += 1) history.note(now + second * 1_000, second / 10);
  const fewest = history.fewestLeft(now + HISTORY_SECONDS * 1_000, size);
  expect([fewest.length, fewest[10], fewest.at(-1)]).toEqual([HISTORY_SECONDS, 1, HISTORY_SECONDS / 10]);
  expect(history.fewestLeft(now, size)[HISTORY_SECONDS - 1]).toBe(100);
});

test('a cleared history is empty', () => {
  const history = new TokenHistory();
  history.note(now, 5);
  history.clear();
  expect(end(history, 1)).toEqual([100]);
});
