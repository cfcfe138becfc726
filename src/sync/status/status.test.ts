import { describe, expect, test } from 'vitest';
import { describeTerminal } from '../../runner/terminal/terminal.ts';
import type { RunRecord } from '../history/run-record.ts';
import type { LockStatus, StateStore } from '../state/store.ts';
import { formatStatusAsJson } from './json.ts';
import { readStatus, STATUS_EXIT_CODES, type SyncStatus } from './status.ts';
import { formatHistory, formatStatus } from './text.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const HOUR_MS = 3_600_000;

function stream(name: string, rows: number, rejected = 0): RunRecord['streams'][number] {
  const cursor = { cursor_column: 'last_updated_at', cursor: null, cursor_time: null };
  return { name, namespace: 'shop', rows_accepted: rows, rows_rejected: rejected, ...cursor };
}

function run(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    ...{ started_at: '2026-01-01T11:56:00.000Z', ended_at: '2026-01-01T11:57:00.000Z', outcome: 'succeeded' },
    ...{ sync_mode: 'incremental', rows_read: 1_500, rows_accepted: 1_500, rows_rejected: 0, rejected: {} },
    ...{ error: null, server_clock_offset_ms: 0, streams: [stream('events', 1_500)] },
    ...changes,
  };
}

function stateOf(name: string, cursor: string | null, recent?: string): unknown {
  return {
    type: 'STREAM',
    stream: {
      stream_descriptor: { name, namespace: 'shop' },
      stream_state: {
        cursor,
        cursor_column: 'last_updated_at',
        ...(recent === undefined ? {} : { recent_rows: { [recent]: 'AAAAAAAAAAA' } }),
      },
    },
  };
}

const EVENTS = stateOf('events', '2026-01-01T11:00:00.000000Z', '2026-01-01T11:55:00');

type Stored = { states?: unknown[] | undefined; runs?: RunRecord[] | string | undefined; lock?: LockStatus };

function status({ states = [EVENTS], runs = [run()], lock = { kind: 'unlocked' } }: Stored, staleAfterMs?: number) {
  const refuse = (): never => {
    throw new Error('status changes nothing.');
  };
  const history = typeof runs === 'string' ? runs : JSON.stringify({ version: 1, alert: null, runs });
  const store: StateStore = {
    location: 'state.json',
    readState: async () => (states.length === 0 ? undefined : JSON.stringify(states)),
    readRuns: async () => (runs.length === 0 ? undefined : history),
    readLock: async () => lock,
    ...{ writeState: refuse, writeRuns: refuse, lock: refuse },
  };
  const warnings: string[] = [];
  return readStatus(store, NOW, staleAfterMs, (message) => warnings.push(message)).then((found) => ({
    found,
    warnings,
  }));
}

async function found(...args: Parameters<typeof status>): Promise<SyncStatus> {
  return (await status(...args)).found;
}

const FAILED: Partial<RunRecord> = {
  outcome: 'failed',
  error: { code: 'clickhouse_unreachable', failure_type: 'transient_error', message: "Can't reach it.", help: 'x' },
};
const REJECTED: Partial<RunRecord> = { rows_rejected: 3, rejected: { custom_id_missing: 2, event_too_old: 1 } };

describe('the condition', () => {
  test.each<[string, SyncStatus['condition'], number, Stored, number?]>([
    ['is ok after a run that accepted every row', 'ok', 0, {}],
    ['is ok after a run that a signal stopped', 'ok', 0, { runs: [run(FAILED), run({ outcome: 'stopped' })] }],
    ['is rejected after a run that rejected rows', 'rejected', 3, { runs: [run(REJECTED)] }],
    ['is ok again after the next run', 'ok', 0, { runs: [run(REJECTED), run()] }],
    [
      'is failed after a run that failed, even if it rejected rows',
      'failed',
      1,
      { runs: [run({ ...FAILED, ...REJECTED })] },
    ],
    ['is ok if the newest row inside the lookback is younger than the limit', 'ok', 0, {}, HOUR_MS / 10],
    ['is stale if the newest row is older than the limit', 'stale', 1, {}, HOUR_MS / 20],
    ["is stale by the server's clock", 'stale', 1, { runs: [run({ server_clock_offset_ms: HOUR_MS })] }, HOUR_MS],
    ['is unknown before the first record', 'unknown', 0, { runs: [] }],
    ['is stale without a record, too', 'stale', 1, { runs: [] }, HOUR_MS / 20],
    ['is unknown if the records are damaged', 'unknown', 0, { runs: '{}' }],
    [
      'is unknown during the first run',
      'unknown',
      0,
      { states: [], runs: [], lock: { kind: 'locked', owner: undefined } },
    ],
  ])('%s', async (_, condition, exitCode, stored, staleAfterMs) => {
    const { found, warnings } = await status(stored, staleAfterMs);
    expect([found.condition, STATUS_EXIT_CODES[found.condition]]).toEqual([condition, exitCode]);
    expect(warnings).toHaveLength(stored.runs === '{}' ? 1 : 0);
  });

  test('depends on the last success if the cursor is not a time', async () => {
    const states = [stateOf('events', '42')];
    const runs = [run({ ended_at: '2026-01-01T11:00:00.000Z' }), run({ outcome: 'stopped' })];
    expect((await found({ states, runs }, HOUR_MS / 2)).condition).toBe('stale');
    expect((await found({ states, runs }, 2 * HOUR_MS)).condition).toBe('ok');
  });

  test('ignores a stream that the last run left out', async () => {
    const states = [EVENTS, stateOf('old', '2025-01-01T00:00:00Z')];
    const { condition, streams } = await found({ states }, HOUR_MS);
    expect(condition).toBe('ok');
    expect(streams.map(({ name, isStale }) => [name, isStale])).toEqual([
      ['events', false],
      ['old', null],
    ]);
  });
});

test('explains a state that no sync has used', async () => {
  await expect(status({ states: [], runs: [] })).rejects.toMatchObject({
    code: 'file_unreadable',
    message: expect.stringMatching(/^No sync has run with the state state\.json: .* Check the path\./),
  });
});

const TERMINAL = describeTerminal({ columns: 80 });

test('is formatted for a terminal', async () => {
  const since = '2026-01-01T10:00:00.000Z';
  const shown = await found({
    states: [EVENTS, stateOf('day', '2025-12-31'), stateOf('id', '42'), stateOf('none', null)],
    runs: [run({ ...FAILED, ...REJECTED, streams: [stream('events', 1_500, 3)] })],
    lock: { kind: 'locked', owner: { pid: 7, host: 'worker', since } },
  });
  expect(formatStatus(shown, NOW, TERMINAL, 'bin/connector').split('\n')).toEqual([
    'state.json: failed',
    '',
    'Last run  failed 3m ago, after 1m: 1,500 rows read, 1,500 accepted, 3 rejected',
    'Rejected  2 × custom_id_missing, 1 × event_too_old. What to do about each:',
    '          bin/connector explain CODE',
    "Error     Can't reach it. (clickhouse_unreachable)",
    'Alert     none was sent',
    'Lock      locked by a sync that is running: process 7 on worker, since',
    expect.stringMatching(/^ {10}2026-01-01 \d\d:00:00$/),
    '',
    'stream  accepted  rejected  age  cursor',
    'events  1,500     3         5m   last_updated_at 2026-01-01T11:55:00Z',
    'day     -         -         2d   last_updated_at 2025-12-31',
    'id      -         -         -    last_updated_at 42',
    'none    -         -         -    no row yet',
    '',
  ]);
});

test('lists the runs in 80 columns', () => {
  const lines = formatHistory([run(REJECTED), run(FAILED)], TERMINAL).split('\n');
  expect(lines[0]).toBe('started              took  read   accepted  rejected  outcome');
  expect(lines[1]).toMatch(/^2026-01-01 \d\d:56:00 {2}1m {4}1,500 {2}1,500 {5}3 {9}succeeded$/);
  expect(lines[2]).toMatch(/^2026-01-01 \d\d:56:00 {2}1m {4}1,500 {2}1,500 {5}0 {9}failed:$/);
  expect(lines[3]?.trim()).toBe('clickhouse_unreachable');
  expect(formatHistory([], TERMINAL)).toBe('No run is recorded.\n');
});

test('is one line of JSON for programs, with the runs if asked for', async () => {
  const owner = { pid: 7, host: 'worker', since: '2026-01-01T10:00:00.000Z' };
  const runs = [run(), run(REJECTED)];
  const shown = await found({ runs, lock: { kind: 'locked', owner } }, HOUR_MS);
  const expected = {
    ...{ state: 'state.json', status: 'rejected', exit_code: 3, last_run: runs[1], alert: null, lock: owner },
    streams: [
      {
        ...{ name: 'events', namespace: 'shop', cursor_column: 'last_updated_at', cursor: '2026-01-01T11:55:00Z' },
        ...{ cursor_time: '2026-01-01T11:55:00Z', cursor_age_seconds: 300, is_stale: false },
        ...{ rows_accepted: 1_500, rows_rejected: 0 },
      },
    ],
  };
  expect(formatStatusAsJson(shown, false)).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(formatStatusAsJson(shown, false))).toEqual(expected);
  expect(JSON.parse(formatStatusAsJson(shown, true))).toEqual({ ...expected, history: runs });
});
