import { expect, test } from 'vitest';
import { RunProgress } from './progress.ts';

test('computes rate and time left from the settled rows, from the first row on', () => {
  let clock = 0;
  const progress = new RunProgress(() => clock);
  progress.setEstimate('events', 600);
  progress.setEstimate('orders', 400);
  clock = 60_000;
  progress.countRead(500);
  clock += 500;
  progress.countSettled({ key: 'events', accepted: 90, rejected: 10 });
  expect(progress.current).toEqual({
    rowsRead: 500,
    rowsEstimated: 1_000,
    rowsAccepted: 90,
    rowsRejected: 10,
    rowsPerSecond: undefined,
    millisecondsLeft: undefined,
  });
  clock += 1_500;
  expect(progress.current).toMatchObject({ rowsPerSecond: 50, millisecondsLeft: 18_000 });
});

test('ignores an estimate that was too low, and needs none once all rows are read', () => {
  let clock = 0;
  const progress = new RunProgress(() => clock);
  progress.setEstimate('events', 10);
  progress.countRead(20);
  clock = 2_000;
  progress.countSettled({ key: 'events', accepted: 10, rejected: 0 });
  expect(progress.current).toMatchObject({ rowsEstimated: undefined, millisecondsLeft: undefined });
  progress.markAllRead();
  expect(progress.current).toMatchObject({ rowsEstimated: 20, millisecondsLeft: 2_000 });
  progress.countSettled({ key: 'events', accepted: 10, rejected: 0 });
  expect(progress.current.millisecondsLeft).toBeUndefined();
});
