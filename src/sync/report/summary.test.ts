import { expect, test } from 'vitest';
import { syncError } from '../../runner/errors.ts';
import type { RunResult } from '../result.ts';
import { summarizeRun } from './summary.ts';

test.each([
  [true, 'Up to 1,500 rows since the last saved state will be read again, and some of them may reach Batch twice.'],
  [false, 'Up to 1,500 rows since the last saved state will be read again.'],
])('reports that rows may reach Batch twice only if they may: %s', (mayComeTwice, expected) => {
  const summary = summarizeRun(
    {
      outcome: { kind: 'failed', errors: [syncError('connector_crashed', 'It was killed.')] },
      rowsRead: 1_500,
      rowsAccepted: 0,
      rowsRejected: 0,
      milliseconds: 1_000,
      state: { kind: 'kept', rowsToComeAgain: 1_500, mayComeTwice, positions: ['events: id 5'] },
    },
    'connector',
  );
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
  expect(summarizeRun({ ...ended, ...changes }, 'connector')[0]).toBe(expected);
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
  expect(summarizeRun(one, 'connector')).toEqual(['Done in 1s: 1 row read, 1 accepted, 0 rejected.']);
});

test('prints the command that explains rejected rows', () => {
  expect(summarizeRun({ ...ended, outcome: { kind: 'complete' } }, 'bin/x')[1]).toBe(
    'The next run does not send rejected rows again. The reasons are listed above. What to do about each: bin/x explain CODE',
  );
});

const nothing = { rowsRead: 0, rowsAccepted: 0, rowsRejected: 0 };

test('prints one line if there are no new rows', () => {
  expect(summarizeRun({ ...ended, ...nothing, outcome: { kind: 'complete' } }, 'connector')).toEqual(['No new rows.']);
});

test('prints nothing about a run that failed before its first row', () => {
  const failed = { kind: 'failed' as const, errors: [syncError('stream_unknown', 'No.')] as const };
  expect(summarizeRun({ ...ended, ...nothing, outcome: failed, state: { kind: 'untouched' } }, 'connector')).toEqual(
    [],
  );
});
