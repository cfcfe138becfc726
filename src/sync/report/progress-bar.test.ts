import { expect, test } from 'vitest';
import type { Progress } from '../progress.ts';
import { drawBar } from './progress-bar.ts';

const HALFWAY: Progress = {
  rowsRead: 12_345_678,
  rowsEstimated: 20_000_000,
  rowsAccepted: 9_999_988,
  rowsRejected: 12,
  rowsPerSecond: 9_800,
  millisecondsLeft: 17 * 60_000 + 4_000,
};

test('the bar shows the settled rows, and fills the space beside the text', () => {
  expect(drawBar(HALFWAY, 80)).toBe(' 50% █████░░░░░ 12.3M of ~20M read, 10M accepted, 12 rejected, 9.8K/s, 17m left');
  expect(drawBar(HALFWAY, 200)).toContain(`${'█'.repeat(15)}${'░'.repeat(15)}`);
});

test('shows only text without an estimate', () => {
  const unknown = { ...HALFWAY, rowsEstimated: undefined, millisecondsLeft: undefined };
  expect(drawBar(unknown, 80)).toBe('12.3M read, 10M accepted, 12 rejected, 9.8K/s');
});

test.each([20, 60, 80, 120])('fits the line into %i columns', (columns) => {
  for (const rowsRejected of [0, 999_499]) {
    for (const rowsEstimated of [undefined, 0, 1, 999_499_000]) {
      const line = drawBar({ ...HALFWAY, rowsRead: 999_499_000, rowsRejected, rowsEstimated }, columns);
      expect(line.length).toBeLessThan(columns);
    }
  }
});
