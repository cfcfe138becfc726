import { expect, test } from 'vitest';
import { formatStopping } from './format.ts';

test.each([
  [
    1_000,
    3,
    'Stopping: sending the 997 rows already read. Press Ctrl-C again to stop now: the next run then reads these rows again, and some may reach Batch twice.',
  ],
  [
    4,
    3,
    'Stopping: sending the 1 row already read. Press Ctrl-C again to stop now: the next run then reads this row again, and it may reach Batch twice.',
  ],
  [3, 3, 'Stopping. Press Ctrl-C again to stop now.'],
])('the first SIGINT reports what a second one does: %i rows read, %i settled', (rowsRead, rowsAccepted, expected) => {
  expect(formatStopping({ rowsRead, rowsAccepted, rowsRejected: 0 })).toBe(expected);
});
