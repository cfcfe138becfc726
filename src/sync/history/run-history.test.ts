import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileStateStore } from '../state/file-store.ts';
import { RunLog } from './run-history.ts';
import type { RunRecord } from './run-record.ts';

let folder: string;
let path: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-history-test-'));
  path = join(folder, 'state.json.runs.json');
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): RunLog {
  return new RunLog(new FileStateStore(join(folder, 'state.json')), (message) => warnings.push(message));
}

function runOf(rows: number): RunRecord {
  return {
    ...{ started_at: '2026-01-01T00:00:00.000Z', ended_at: '2026-01-01T00:00:01.000Z', outcome: 'succeeded' },
    ...{ rows_read: rows, rows_accepted: rows, rows_rejected: 0, rejected: {}, error: null },
    ...{ sync_mode: 'incremental', server_clock_offset_ms: -3, streams: [] },
  };
}

function stored(): { alert: unknown; runs: RunRecord[] } {
  return JSON.parse(readFileSync(path, 'utf8'));
}

test('keeps the runs of several processes in order, and the last alert; only the owner can read them', async () => {
  await open().add(runOf(1));
  const second = open();
  expect(await second.alert()).toBeNull();
  await second.setAlert({ status: 'failed', since: '2026-01-01T00:00:01.000Z' });
  await second.add(runOf(2));
  expect(stored()).toEqual({
    version: 1,
    alert: { status: 'failed', since: '2026-01-01T00:00:01.000Z' },
    runs: [runOf(1), runOf(2)],
  });
  expect(await open().alert()).toEqual(stored().alert);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(warnings).toEqual([]);
});

test('drops the oldest of more than 100 runs', async () => {
  const log = open();
  for (let run = 1; run <= 102; run += 1) await log.add(runOf(run));
  expect(stored().runs.map(({ rows_read }) => rows_read)).toEqual(Array.from({ length: 100 }, (_, index) => index + 3));
});

test.each([
  [
    'is damaged',
    () => writeFileSync(path, '{"version":1,"alert":null,"runs":[{}]}'),
    /^The history of the runs of .*state\.json is damaged\. A new history of the runs is started/,
  ],
  [
    'is empty',
    () => writeFileSync(path, ''),
    /^The history of the runs of .*state\.json is damaged\. A new history of the runs is started/,
  ],
])('a history that %s is started again, with a warning', async (_, damage, expected) => {
  damage();
  const log = open();
  await log.add(runOf(1));
  await log.add(runOf(2));
  expect(stored().runs).toEqual([runOf(1), runOf(2)]);
  expect(warnings).toEqual([expect.stringMatching(expected)]);
});

test("reports once that a history can't be read, and once that it can't be written", async () => {
  mkdirSync(path);
  const log = open();
  await log.add(runOf(1));
  await log.add(runOf(2));
  expect(warnings).toEqual([
    expect.stringMatching(/^Can't read .*state\.json\.runs\.json: .* A new history of the runs is started/),
    expect.stringMatching(/^Can't write .*state\.json\.runs\.json: .* The state is not affected/),
  ]);
});
