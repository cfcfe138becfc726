import { expect, test } from 'vitest';
import { asConnectorError } from '../../protocol/errors.ts';
import { troubleshootingPage } from '../../protocol/help-pages.ts';
import { describeRetry } from '../../protocol/retries.ts';
import { syncError } from '../../runner/errors.ts';
import { describeTerminal } from '../../runner/terminal/terminal.ts';
import type { Progress } from '../progress.ts';
import type { RunResult } from '../result.ts';
import { shortenMessage, TextReporter } from './text-reporter.ts';

const HOSTILE = 'a\u001b[31mb\u0007';

/** A reporter whose output is collected. Messages about waiting are in parentheses, and summaries are after "> ". */
function collect(terminal = describeTerminal({})): {
  reporter: TextReporter;
  shown: string[];
  advance: (ms: number) => void;
} {
  const shown: string[] = [];
  let now = 0;
  const reporter = new TextReporter({
    display: {
      intervalMs: 1,
      show: ({ rowsRead }) => shown.push(`[${rowsRead}]`),
      showWaiting: (text) => shown.push(`(${text})`),
      line: (text) => shown.push(text),
      end: () => {},
    },
    terminal,
    write: (text) => shown.push(`> ${text}`),
    now: () => now,
    launcher: 'bin/connector',
  });
  return {
    reporter,
    shown,
    advance: (ms) => {
      now += ms;
    },
  };
}

const ENDED: RunResult = {
  outcome: { kind: 'complete' },
  rowsRead: 0,
  rowsAccepted: 0,
  rowsRejected: 0,
  milliseconds: 1_000,
  state: { kind: 'kept', rowsToComeAgain: 0, mayComeTwice: false, positions: [] },
};

const PROGRESS: Progress = {
  rowsRead: 0,
  rowsEstimated: undefined,
  rowsAccepted: 0,
  rowsRejected: 0,
  rowsPerSecond: undefined,
  millisecondsLeft: undefined,
};

const STARTED = { streams: [{ name: 'events' }], syncMode: 'incremental', resumes: true } as const;

test('escapes control characters in names and messages, but not in summaries, which the command writes', () => {
  const { reporter, shown } = collect();
  reporter.runStarted({ ...STARTED, streams: [{ name: HOSTILE }], resumes: false });
  reporter.log('WARN', 'destination', HOSTILE);
  reporter.failed(syncError('stream_unknown', `There is no ${HOSTILE}.\nSecond line.`));
  const text = shown.join('\n');
  expect([text.includes('\u001b'), text.includes('\u0007')]).toEqual([false, false]);
  expect(text.split('a\\u001b[31mb\\u0007')).toHaveLength(4);
  expect(text).toContain('\nSecond line.');
});

test('prints the stack of an unexpected error, but not of a config_error', () => {
  const { reporter, shown } = collect();
  reporter.failed(asConnectorError(new TypeError('x is not a function')));
  reporter.failed(syncError('stream_unknown', 'There is no such stream.', { cause: new Error() }));
  expect(shown).toEqual([
    expect.stringMatching(
      /^ERROR Unexpected error .*: x is not a function\. See .*unexpected_fault\.md\nTypeError: x is not a function\n {4}at /,
    ),
    expect.stringMatching(/^ERROR There is no such stream\. See \S+$/),
  ]);
});

test('wraps messages between words in a terminal, and explains an error with the launcher', () => {
  const { reporter, shown } = collect(describeTerminal({ isTTY: true, columns: 30, hasColors: () => true }));
  reporter.log('WARN', 'source', 'Rows with an earlier cursor are never sent.');
  reporter.failed(
    syncError('stream_unknown', 'There is no such stream. Run:\n\n  SELECT 1 FROM a_table_with_a_long_name'),
  );
  expect(shown).toEqual([
    '\u001b[33mWARN  \u001b[39msource: Rows with an\n      earlier cursor are never\n      sent.',
    '\u001b[31mERROR \u001b[39mThere is no such stream.\n      Run:\n\n  SELECT 1 FROM a_table_with_a_long_name\n\n      More: bin/connector\n      explain stream_unknown',
  ]);
});

test('prints one line for a run without new rows, and none about the next run', () => {
  const { reporter, shown } = collect();
  reporter.runStarted(STARTED);
  reporter.progress(PROGRESS);
  reporter.runEnded(ENDED);
  expect(shown).toEqual(['> No new rows.\n']);
});

test('prints which rows a run sends when there are some, before any other line', () => {
  const { reporter, shown } = collect();
  reporter.runStarted(STARTED);
  reporter.log('WARN', 'source', 'Look.');
  reporter.runEnded({ ...ENDED, rowsRead: 1, rowsAccepted: 1 });
  expect(shown).toEqual([
    'events: the rows since the last run.',
    'WARN  source: Look.',
    '> Done in 1s: 1 row read, 1 accepted, 0 rejected.\n',
  ]);
});

test('reports a repeated failure once, then counts its attempts until rows move again', () => {
  const { reporter, shown, advance } = collect(describeTerminal({ isTTY: true, columns: 80 }));
  for (const attempt of [1, 2, 3]) {
    reporter.log('WARN', 'source', describeRetry('Nothing listens.', attempt));
    advance(1_000);
  }
  reporter.log('WARN', 'destination', describeRetry('Batch asks to wait.', 1));
  reporter.progress(PROGRESS);
  advance(1_000);
  reporter.progress(PROGRESS);
  reporter.progress({ ...PROGRESS, rowsRead: 1 });
  expect(shown).toEqual([
    'WARN  source: Nothing listens.',
    '(Waiting for ClickHouse (attempt 3, 1s))',
    '(Waiting for ClickHouse (attempt 4, 2s))',
    'WARN  destination: Batch asks to wait.',
    '(Waiting for Batch (attempt 2, 0ms))',
    '(Waiting for Batch (attempt 2, 1s))',
    '[1]',
  ]);
});

test('prints "Stopped." if a signal arrives between two runs', () => {
  const { reporter, shown } = collect();
  reporter.nextRun({ at: 5_000, skipped: false, failedRuns: 0 });
  reporter.stopped();
  expect(shown).toEqual([expect.stringMatching(/^\(Next run at .*, in 5s\.\)$/), '> Stopped.\n']);
});

test('prints no position after another process wrote the state file', () => {
  const { reporter, shown } = collect();
  const error = syncError('state_file_changed', 'It was changed.');
  const changed = { ...ENDED, rowsRead: 2, rowsAccepted: 2, state: { kind: 'changed' } } as const;
  reporter.runEnded({ ...changed, outcome: { kind: 'failed', errors: [error] } });
  expect(shown.at(-1)).toBe(
    '> Failed after 1s: 2 rows read, 2 accepted, 0 rejected.\nThe next run continues from the state that the other process wrote.\n',
  );
});

test('prints rejected rows with the same shortened line once', () => {
  const { reporter, shown } = collect();
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
  [
    `The table lacks a column. Run:\n\n  SELECT 1\n\nSee ${troubleshootingPage('columns_missing')}`,
    'The table lacks a column. Run:\n\n  SELECT 1\n\n(columns_missing)',
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
  const { reporter, shown } = collect();
  reporter.runStarted({ streams: [{ name: 'events' }], syncMode, resumes: false, startFrom });
  expect(shown).toEqual([expected]);
});
