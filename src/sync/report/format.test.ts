import { expect, test } from 'vitest';
import { formatStopping } from './format.ts';

test.each([
  [
    1_000,
    3,
    'It ends: what has been read is still delivered, 997 rows as yet. A second Ctrl-C ends at once; they then come again with the next run, some of them perhaps twice to Batch.',
  ],
  [
    4,
    3,
    'It ends: what has been read is still delivered, 1 row as yet. A second Ctrl-C ends at once; it then comes again with the next run, and perhaps twice to Batch.',
  ],
  [3, 3, 'It ends: what has been read is still delivered. A second Ctrl-C ends at once.'],
])('a first Ctrl-C tells what a second one does: %i rows read, %i settled', (rowsRead, rowsAccepted, expected) => {
  expect(formatStopping({ rowsRead, rowsAccepted, rowsRejected: 0 })).toBe(expected);
});
