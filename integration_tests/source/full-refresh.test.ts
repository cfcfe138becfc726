import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Finished, PrintedMessage } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  clickHouseWith,
  expectSame,
  lastState,
  numbers,
  ofStream,
  type ReadOptions,
  sorted,
  sourceReader,
  states,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

// A full refresh is resumable (protocol 0.18.0, AirbyteStream.is_resumable): within one sync a platform hands its state
// to the next attempt, which reads the remaining rows. Any other full refresh reads everything, whatever its state.

/** Enough rows that a read is still running when it is killed: more than the source keeps in memory. */
const ROWS = 50_000;
const FEW = 27;

const server = clickHouseWith('refresh');
const { read, startRead } = sourceReader(server, 'refresh', runInProcess);

beforeAll(() =>
  server().execute(
    ...['large', 'few'].map((table) => createTableSql(`refresh.${table}`, 'n UInt64, note String')),
    // Groups that share a timestamp, so that the read is cut off in the middle of one.
    `INSERT INTO refresh.large SELECT 'u', 'e', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 10000), number, repeat('x', 2000) FROM numbers(${ROWS})`,
    insertFew(0, FEW),
  ),
);

function insertFew(from: number, rows: number): string {
  return `INSERT INTO refresh.few SELECT 'u', 'e', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, '' FROM numbers(${from}, ${rows})`;
}

type Ids = { generation_id?: number | null; minimum_generation_id?: number | null; sync_id?: number | null };

const FIRST_SYNC: Ids = { generation_id: 3, minimum_generation_id: 3, sync_id: 11 };

function refresh(ids: Ids, ...tables: string[]): ReadOptions {
  return {
    catalog: {
      streams: tables.map((name) => ({
        stream: { name, namespace: 'refresh', json_schema: {} },
        sync_mode: 'full_refresh',
        destination_sync_mode: 'append',
        ...ids,
      })),
    },
  };
}

/** The last state of each stream, as a platform keeps them. */
function kept(result: Pick<Finished, 'messages'>): unknown[] {
  return ['few', 'large'].flatMap((name) => lastState(ofStream(result, name)));
}

test('a later attempt of the same sync reads the remaining rows, and nothing of a stream that was read completely', async () => {
  const child = startRead('few', refresh(FIRST_SYNC, 'few', 'large'));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    lines.push(line);
    if (lines.length === 0.4 * ROWS) break;
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  const messages = lines.map((line): PrintedMessage => JSON.parse(line));
  // Rows after the last state are not committed, because the destination did not get a state for them.
  const covered = { messages: messages.slice(0, messages.findLastIndex(({ type }) => type === 'STATE') + 1) };
  expect(numbers(ofStream(covered, 'few'))).toEqual(upTo(FEW));

  const rest = await read('few', { ...refresh(FIRST_SYNC, 'few', 'large'), state: kept(covered) });
  expect(rest.code).toBe(0);
  expect(numbers(ofStream(rest, 'few'))).toEqual([]);
  expect(states(ofStream(rest, 'few'))).toHaveLength(1);
  expect(numbers(ofStream(rest, 'large')).length).toBeLessThan(ROWS);
  const delivered = [covered, rest].flatMap((result) => numbers(ofStream(result, 'large')));
  expectSame(sorted(delivered), upTo(ROWS));

  const another = await read('few', { ...refresh(FIRST_SYNC, 'few', 'large'), state: kept(rest) });
  expect(numbers(another)).toEqual([]);
});

describe('a full refresh reads everything', () => {
  const attempts = async (ids: Ids): Promise<unknown[]> => lastState(await read('few', refresh(ids, 'few')));

  test.each<[string, Ids, Ids]>([
    ['of the next sync', FIRST_SYNC, { ...FIRST_SYNC, sync_id: 12 }],
    ['of the next generation', FIRST_SYNC, { ...FIRST_SYNC, generation_id: 4 }],
    ['of a platform that gives no ids', {}, {}],
    [
      'of a platform that gives null for the ids',
      { generation_id: null, sync_id: null },
      { generation_id: null, sync_id: null },
    ],
    ['of a platform that gives a generation and no sync', { generation_id: 3 }, { generation_id: 3 }],
    ['with the state of a sync that had ids, and none now', FIRST_SYNC, {}],
  ])('%s', async (_, before, now) => {
    const result = await read('few', { ...refresh(now, 'few'), state: await attempts(before) });
    expect(numbers(result)).toEqual(upTo(FEW));
  });

  test('with the state of an incremental read', async () => {
    const incremental = await read('few');
    const result = await read('few', { ...refresh(FIRST_SYNC, 'few'), state: lastState(incremental) });
    expect(numbers(result)).toEqual(upTo(FEW));
  });
});

test('an incremental read continues after a full refresh, and its state is not one of a refresh', async () => {
  const whole = await read('few', refresh(FIRST_SYNC, 'few'));
  await server().execute(insertFew(FEW, 3));
  const incremental = await read('few', { state: lastState(whole) });
  expect(numbers(incremental)).toEqual([FEW, FEW + 1, FEW + 2]);
  const again = await read('few', { ...refresh(FIRST_SYNC, 'few'), state: lastState(incremental) });
  expect(numbers(again)).toEqual(upTo(FEW + 3));
});
