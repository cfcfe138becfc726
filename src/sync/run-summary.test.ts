import { expect, test } from 'vitest';
import { runSummary } from './run-summary.ts';
import { syncError } from './sync-error.ts';

test.each([
  [
    true,
    'It reads up to 1,500 rows again, those behind the last state that was kept: some of them may reach Batch twice.',
  ],
  [false, 'It reads up to 1,500 rows again, those behind the last state that was kept.'],
])('of rows that come again it says that they may reach Batch twice only if they may: %s', (mayComeTwice, expected) => {
  const summary = runSummary({
    outcome: { kind: 'failed', errors: [syncError('connector_crashed', 'It was killed.')] },
    rowsRead: 1_500,
    rowsAccepted: 0,
    rowsRejected: 0,
    milliseconds: 1_000,
    state: { kind: 'kept', rowsToComeAgain: 1_500, mayComeTwice, positions: ['events: id 5'] },
  });
  expect(summary).toEqual([
    'Failed after 1s: 1,500 rows read, 0 accepted, 0 rejected, 1,500 not settled.',
    'The next run goes on behind events: id 5.',
    expected,
  ]);
});
