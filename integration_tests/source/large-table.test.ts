import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { finished, type PrintedMessage } from '../../sandbox/launcher.ts';
import {
  clickHouseWith,
  errors,
  eventually,
  expectSame,
  lastState,
  logs,
  numbers,
  sorted,
  sourceReader,
  statuses,
  upTo,
} from '../support/support.ts';
import { COLUMNS } from './example-tables.ts';

const server = clickHouseWith('shop');
const { read, startRead } = sourceReader(server, 'shop');

describe('reading a large table', () => {
  /** Twice as many rows as the source keeps in memory. */
  const ROWS = 50_000;
  /** Four times as many: enough to be visible in the memory of a process that keeps too much. */
  const STALLED_ROWS = 100_000;
  const NOTE_BYTES = 2000;

  /** Its stdout is not read while the other tests run. */
  let stalled: ChildProcess;

  beforeAll(async () => {
    await server().execute(
      `CREATE TABLE shop.stalled (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
      `INSERT INTO shop.stalled SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, ${ROWS / 8}), number, repeat('x', ${NOTE_BYTES}) FROM numbers(${STALLED_ROWS})`,
      'CREATE TABLE shop.large AS shop.stalled',
      `INSERT INTO shop.large SELECT * FROM shop.stalled WHERE n < ${ROWS}`,
    );
    stalled = startRead('stalled');
    await eventually(async () => expect(await queriesFor('stalled')).toBe(1));
  });

  test('I4: SIGTERM ends a read with a STATE, and the next run resumes from it without a duplicate', async () => {
    const child = startRead('large');
    const ended = finished(child);
    if (child.stdout !== null) await once(child.stdout, 'readable');
    child.kill('SIGTERM');
    const result = await ended;
    expect(result.signal).toBe('SIGTERM');
    expect(result.stderr).toBe('');
    expect(statuses(result).at(-1)).toBe('INCOMPLETE');
    const rest = await read('large', { state: lastState(result) });
    expect(rest.code).toBe(0);
    expect(numbers(rest).length).toBeGreaterThan(0);
    expectSame(sorted([...numbers(result), ...numbers(rest)]), upTo(ROWS));
  });

  test('I3: after SIGKILL, a read resumes from its last STATE without losing a row', async () => {
    const child = startRead('large');
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout ?? process.stdin });
    for await (const line of reader) {
      lines.push(line);
      if (lines.length === 0.4 * ROWS) break;
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const seen = { messages: lines.map((line): PrintedMessage => JSON.parse(line)) };
    const rest = await read('large', { state: lastState(seen) });
    const all = new Set([...numbers(seen), ...numbers(rest)]);
    expect(all.size).toBe(ROWS);
  });

  test('ends with exit code 1 when the reader of stdout goes away', async () => {
    const child = startRead('large');
    if (child.stdout !== null) await once(child.stdout, 'readable');
    child.stdout?.destroy();
    await once(child, 'exit');
    expect(child.exitCode).toBe(1);
  });

  test('I5, I6: backpressure: memory stays bounded and the ClickHouse response is closed while nothing reads stdout', async () => {
    // Its queue is full, and the source closes the response after ten seconds.
    await eventually(async () => expect(await queriesFor('stalled')).toBe(0));
    const peak = peakMemory(stalled.pid);
    const result = await finished(stalled);
    expect(result.code).toBe(0);
    expectSame(sorted(numbers(result)), upTo(STALLED_ROWS));
    expect(peak).toBeLessThan(250 * 1024 * 1024);
  });

  test('retries after ClickHouse is killed and restarted, and sends each row once', async () => {
    const child = startRead('large');
    // After the first rows, the query that runs is the one for the rows: until the test reads stdout, it can't end.
    if (child.stdout !== null) await once(child.stdout, 'readable');
    await eventually(async () => expect(await queriesFor('large')).toBe(1));
    await server().kill();
    // The output is read at once: a source that waits in the middle of a response does not notice that it was cut.
    const [result] = await Promise.all([finished(child), server().restart()]);
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expectSame(sorted(numbers(result)), upTo(ROWS));
    expect(logs(result)).toContainEqual(
      expect.stringMatching(/WARN large: .*Retrying: reading continues after the last page/),
    );
  });
});

/** How many queries of the source for rows of a table, without its lookups, are running. */
async function queriesFor(table: string): Promise<number> {
  const rows = await server().query<{ queries: string }>(
    `SELECT count() AS queries FROM system.processes WHERE user = 'batch_reader' AND startsWith(query, 'WITH concat(') AND query LIKE '%FROM shop.${table} AS %'`,
  );
  return Number(rows[0]?.queries);
}

/** The peak memory of a process in bytes, as Linux counts it. */
function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
