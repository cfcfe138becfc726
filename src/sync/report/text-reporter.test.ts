import { expect, test } from 'vitest';
import { asConnectorError } from '../../protocol/errors.ts';
import { troubleshootingPage } from '../../protocol/help-pages.ts';
import { syncError } from '../../runner/errors.ts';
import { shortenMessage, TextReporter } from './text-reporter.ts';

const HOSTILE = 'a\u001b[31mb\u0007';

test('escapes control characters in names and messages', () => {
  let shown = '';
  const line = (text: string): void => {
    shown += `${text}\n`;
  };
  const reporter = new TextReporter({ intervalMs: 1, show: () => {}, line, end: () => {} }, line, () => 0);
  const error = syncError('stream_unknown', `There is no ${HOSTILE}.\nSecond line.`);
  reporter.runStarted({ streams: [{ name: HOSTILE }], syncMode: 'incremental', resumes: true });
  reporter.log('WARN', 'destination', HOSTILE);
  reporter.failed(error);
  reporter.runEnded({
    outcome: { kind: 'failed', errors: [error] },
    rowsRead: 1,
    rowsAccepted: 0,
    rowsRejected: 0,
    milliseconds: 1,
    state: { kind: 'kept', rowsToComeAgain: 1, mayComeTwice: true, positions: [`events: id ${HOSTILE}`] },
  });
  expect([shown.includes('\u001b'), shown.includes('\u0007')]).toEqual([false, false]);
  expect(shown.split('a\\u001b[31mb\\u0007')).toHaveLength(6);
  expect(shown).toContain('\nSecond line.');
});

test('prints the stack of an unexpected error, but not of a config_error', () => {
  let shown = '';
  const line = (text: string): void => {
    shown += `${text}\n`;
  };
  const reporter = new TextReporter({ intervalMs: 1, show: () => {}, line, end: () => {} }, line, () => 0);
  reporter.failed(asConnectorError(new TypeError('x is not a function')));
  expect(shown).toMatch(
    /^ERROR Unexpected error .*: x is not a function\. See .*unexpected_fault\.md\nTypeError: x is not a function\n {4}at /,
  );
  shown = '';
  reporter.failed(syncError('stream_unknown', 'There is no such stream.', { cause: new Error() }));
  expect(shown).toMatch(/^ERROR There is no such stream\. See \S+\n$/);
});

test('prints no position after another process wrote the state file', () => {
  let summary = '';
  const reporter = new TextReporter(
    { intervalMs: 1, show: () => {}, line: () => {}, end: () => {} },
    (text) => {
      summary += text;
    },
    () => 0,
  );
  const error = syncError('state_file_changed', 'It was changed.');
  reporter.runEnded({
    outcome: { kind: 'failed', errors: [error] },
    rowsRead: 2,
    rowsAccepted: 2,
    rowsRejected: 0,
    milliseconds: 1_000,
    state: { kind: 'changed' },
  });
  expect(summary).toBe(
    'Failed after 1s: 2 rows read, 2 accepted, 0 rejected.\nThe next run continues from the state that the other process wrote.\n',
  );
});

test('prints rejected rows with the same shortened line once', () => {
  const shown: string[] = [];
  const line = (text: string): void => void shown.push(text);
  const reporter = new TextReporter({ intervalMs: 1, show: () => {}, line, end: () => {} }, line, () => 0);
  const rejected = (columns: string): string =>
    `A row is rejected (custom_id_missing): it is NULL. Its columns: ${columns}.`;
  reporter.log('WARN', 'destination', rejected('a'));
  reporter.log('WARN', 'destination', rejected('b'));
  reporter.log('WARN', 'destination', 'It waits.');
  reporter.log('WARN', 'destination', 'It waits.');
  reporter.log('WARN', 'destination', rejected('c'));
  expect(shown).toEqual([
    'WARN  destination: A row is rejected (custom_id_missing): it is NULL.',
    'WARN  destination: It waits.',
    'WARN  destination: It waits.',
    'WARN  destination: A row is rejected (custom_id_missing): it is NULL.',
  ]);
});

test.each([
  ['A plain one.', 'A plain one.'],
  [
    `A row of events is rejected (custom_id_missing): it is NULL. Its columns: a (text), b (text). See ${troubleshootingPage('custom_id_missing')}`,
    'A row of events is rejected (custom_id_missing): it is NULL.',
  ],
  [
    `The column "a" of events is blank (text_blank; shown once per column). See ${troubleshootingPage('text_blank')}`,
    'The column "a" of events is blank (text_blank; shown once per column).',
  ],
  [
    `Batch left out the attribute "a" (shown once per attribute). See ${troubleshootingPage('attribute_refused_by_batch')}`,
    'Batch left out the attribute "a" (shown once per attribute). (attribute_refused_by_batch)',
  ],
])('shortens the log message: %s', (message, expected) => {
  expect(shortenMessage(message)).toBe(expected);
});

test.each([
  ['incremental', undefined, 'events: all rows: there is no state yet.'],
  ['incremental', '23h', 'events: the rows from "start_from" (23h) on: there is no state yet.'],
  [
    'full_refresh',
    '23h',
    'events: the rows from "start_from" (23h) on, including rows already sent; the state does not change.',
  ],
] as const)('reports which rows a first run sends: %s, start_from %s', (syncMode, startFrom, expected) => {
  const shown: string[] = [];
  const line = (text: string): void => void shown.push(text);
  const reporter = new TextReporter({ intervalMs: 1, show: () => {}, line, end: () => {} }, line, () => 0);
  reporter.runStarted({ streams: [{ name: 'events' }], syncMode, resumes: false, startFrom });
  expect(shown).toEqual([expected]);
});
