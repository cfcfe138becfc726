import { expect, test } from 'vitest';
import { syncError } from '../../runner/errors.ts';
import type { RunResult } from '../result.ts';
import { summarizeRun } from './summary.ts';

test.each([
  [true, 'Up to 1,500 rows since the last saved state will be read again, and some of them may reach Batch twice.'],
  [false, 'Up to 1,500 rows since the last saved state will be read again.'],
])('reports that rows may reach Batch twice only if they may: %s', (mayComeTwice, expected) => {
  const summary = summarizeRun({
    outcome: { kind: 'failed', errors: [syncError('connector_crashed', 'It was killed.')] },
    rowsRead: 1_500,
    rowsAccepted: 0,
    rowsRejected: 0,
    milliseconds: 1_000,
    state: { kind: 'kept', rowsToComeAgain: 1_500, mayComeTwice, positions: ['events: id 5'] },
  });
  expect(summary).toEqual([
    'Failed after 1s: 1,500 rows read. The state covers none of them.',
    'The next run continues after events: id 5.',
    expected,
  ]);
});

const ended: RunResult = {
  outcome: { kind: 'stopped', atOnce: true },
  rowsRead: 1_000,
  rowsAccepted: 400,
  rowsRejected: 1,
  milliseconds: 1_000,
  state: { kind: 'kept', rowsToComeAgain: 599, mayComeTwice: false, positions: ['events: id 5'] },
};

test.each<[string, Partial<RunResult>, string]>([
  [
    'covers some',
    {},
    'Stopped at once after 1s: 1,000 rows read. The state covers 401 of them: 400 accepted, 1 rejected.',
  ],
  [
    'could not be kept',
    { state: { kind: 'kept', rowsToComeAgain: 1_000, mayComeTwice: true, positions: [] } },
    'Stopped at once after 1s: 1,000 rows read. The state covers none of them.',
  ],
  [
    'could not be kept to the end',
    { state: { kind: 'kept', rowsToComeAgain: 700, mayComeTwice: true, positions: [] } },
    'Stopped at once after 1s: 1,000 rows read. The state covers 300 of them.',
  ],
  [
    'is unchanged',
    { state: { kind: 'untouched' } },
    'Stopped at once after 1s: 1,000 rows read, 400 accepted, 1 rejected, 599 neither accepted nor rejected.',
  ],
  [
    'covers all',
    {
      rowsRead: 401,
      outcome: { kind: 'stopped', atOnce: false },
      state: { kind: 'kept', rowsToComeAgain: 0, mayComeTwice: false, positions: [] },
    },
    'Stopped after 1s: 401 rows read, 400 accepted, 1 rejected.',
  ],
])('a stopped or failed run reports what the state covers when the state %s', (_, changes, expected) => {
  expect(summarizeRun({ ...ended, ...changes })[0]).toBe(expected);
});

test('uses the singular for one row', () => {
  const one = {
    ...ended,
    rowsRead: 1,
    rowsAccepted: 1,
    rowsRejected: 0,
    outcome: { kind: 'complete' as const },
    state: { kind: 'untouched' as const },
  };
  expect(summarizeRun(one)).toEqual(['Done in 1s: 1 row read, 1 accepted, 0 rejected.']);
});

test('points to connector explain after rejected rows', () => {
  expect(summarizeRun({ ...ended, outcome: { kind: 'complete' } })[1]).toBe(
    'The next run does not send rejected rows again. The reasons are listed above; clickhouse-to-batch explain CODE says what to do.',
  );
});
