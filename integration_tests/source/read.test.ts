import { beforeAll, describe, expect, test } from 'vitest';
import { READER_WITH_SETTINGS, readerWith } from '../../sandbox/clickhouse/users.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  catalogOf,
  clickHouseWith,
  errors,
  expectSame,
  lastState,
  logs,
  numbers,
  records,
  sorted,
  sourceReader,
  states,
  statuses,
  upTo,
} from '../support/support.ts';
import { COLUMNS, FEW, MANY, MANY_ROWS } from './example-tables.ts';

/**
 * For this user, the server reads a table from its beginning to its end, and sends one small block of rows after the other. An
 * exception drops the blocks that the server has read but not sent. With the default size, these can be all rows before it.
 */
const READER_OF_SMALL_BLOCKS = readerWith('reader_of_small_blocks', {
  settings: { max_threads: 1, max_block_size: 1000 },
});

const server = clickHouseWith('shop', [READER_OF_SMALL_BLOCKS]);
const { read, readArguments } = sourceReader(server, 'shop', runInProcess);

beforeAll(() =>
  server().execute(
    ...FEW,
    ...MANY_ROWS,
    `CREATE TABLE shop.none (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
  ),
);

describe('a read without a state', () => {
  let few: Finished;
  let many: Finished;

  beforeAll(async () => {
    [few, many] = await Promise.all([read('few'), read('many')]);
  });

  test('writes every row as a RECORD in the order of the cursor, with STATE and TRACE messages', () => {
    expect(few.code).toBe(0);
    expect(few.stderr).toBe('');
    expect(numbers(few)).toEqual(upTo(10));
    expect(few.messages.map(({ type }) => type)).toEqual([
      'TRACE',
      'TRACE',
      'TRACE',
      ...Array(10).fill('RECORD'),
      'STATE',
      'STATE',
      'LOG',
      'TRACE',
    ]);
    expect(statuses(few)).toEqual(['STARTED', 'RUNNING', 'COMPLETE']);
  });

  test("writes timestamps as RFC 3339 in UTC, NULL as null, and the stream's name of the catalog", () => {
    const record = few.messages.find(({ type }) => type === 'RECORD')?.record;
    expect(record).toEqual({
      stream: 'few',
      emitted_at: expect.any(Number),
      data: {
        custom_id: 'u0',
        event_name: 'purchase',
        last_updated_at: '2026-01-01T00:00:00.000000Z',
        n: 0,
        note: null,
      },
    });
    expect(record?.emitted_at).toBeGreaterThan(Date.now() - 60_000);
  });

  test('counts the records of each STATE in sourceStats', () => {
    const counts = states(many).map(({ sourceStats }) => sourceStats?.recordCount ?? 0);
    expect(counts.length).toBeGreaterThan(5);
    expect(counts.reduce((sum, count) => sum + count)).toBe(MANY);
    expect(many.stdout).toMatch(/"sourceStats":\{"recordCount":\d+\.0\}/);
  });

  test('writes a STATE for an empty table, too', async () => {
    const result = await read('none');
    expect(result.code).toBe(0);
    expect(statuses(result)).toEqual(['STARTED', 'COMPLETE']);
    expect(states(result)).toEqual([
      {
        type: 'STREAM',
        stream: {
          stream_descriptor: { name: 'none' },
          stream_state: { version: 2, cursor: null, cursor_column: 'last_updated_at', cursor_type: 'DateTime64(6)' },
        },
        sourceStats: { recordCount: 0 },
      },
    ]);
  });

  test("reports the server's clock with --report-metrics", async () => {
    const { messages } = await run('source-clickhouse', [...readArguments('none'), '--report-metrics']);
    const clocks = messages.flatMap(({ trace }) => trace?.analytics ?? []);
    expect(clocks).toEqual([{ type: 'source-clickhouse-clock', value: expect.any(String) }]);
    const { server_time } = JSON.parse(clocks[0]?.value ?? '');
    expect(server_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const [row] = await server().query<{ now: string }>('SELECT toString(toUnixTimestamp64Milli(now64(3))) AS now');
    const age = Number(row?.now) - Date.parse(server_time);
    expect(age).toBeGreaterThanOrEqual(0);
    // Much less than an hour, which would be the error of a wrong time zone.
    expect(age).toBeLessThan(900_000);
  });

  test('reads a table with another sorting key, and a view, completely and in the order of the cursor', async () => {
    for (const result of [many, await read('many_view')]) {
      expectSame(sorted(numbers(result)), upTo(MANY));
      const cursors = records(result).map((row) => String(row.last_updated_at));
      expectSame(cursors, cursors.toSorted());
    }
  });

  test('estimates rows and bytes before the first row', () => {
    const [estimate, ...more] = many.messages.flatMap(({ trace }) => trace?.estimate ?? []);
    expect(more).toEqual([]);
    expect(estimate).toEqual({
      type: 'STREAM',
      name: 'many',
      row_estimate: MANY,
      byte_estimate: expect.any(Number),
    });
    expect(estimate?.byte_estimate).toBeGreaterThan(MANY * 200);
  });

  test('reads the columns that the catalog selects, and the required columns', async () => {
    const catalog = {
      streams: [
        {
          stream: { name: 'few', json_schema: { properties: { n: {}, gone: {} } } },
          sync_mode: 'incremental',
          cursor_field: null,
        },
      ],
    };
    const result = await read('few', { catalog });
    expect(Object.keys(records(result)[0] ?? {})).toEqual(['custom_id', 'event_name', 'last_updated_at', 'n']);
    expect(logs(result)).toContainEqual(expect.stringMatching(/WARN few no longer has gone/));
  });

  test('reads as a user with readonly = 2, too', async () => {
    expect(numbers(await read('few', { user: READER_WITH_SETTINGS }))).toEqual(upTo(10));
  });
});

describe('the option cursor_column', () => {
  beforeAll(() =>
    server().execute(
      'CREATE TABLE shop.own_cursor (custom_id String, event_name String, inserted_at DateTime64(3), n UInt64) ENGINE = MergeTree ORDER BY inserted_at',
      "INSERT INTO shop.own_cursor SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number, number FROM numbers(10)",
    ),
  );

  test('reads by another cursor column, and rejects its state for a stream with a different one', async () => {
    const config = { cursor_column: 'inserted_at' };
    const whole = await read('own_cursor', { config });
    expect(numbers(whole)).toEqual(upTo(10));
    expect(numbers(await read('own_cursor', { config, state: lastState(whole) }))).toEqual([]);
    const other = await read('few', {
      state: [
        {
          ...states(whole).at(-1),
          stream: { stream_descriptor: { name: 'few' }, stream_state: states(whole).at(-1)?.stream.stream_state },
        },
      ],
    });
    expect(other.code).toBe(1);
    expect(errors(other)[0]?.message).toMatch(
      /for the cursor column "inserted_at", but "cursor_column" is "last_updated_at"/,
    );
  });
});

describe('the option use_final', () => {
  test('FINAL reads only the latest version of a row of a ReplacingMergeTree', async () => {
    await server().execute(
      'CREATE TABLE shop.replaced (custom_id String, event_name String, last_updated_at DateTime64(6), n UInt64) ENGINE = ReplacingMergeTree(n) ORDER BY custom_id',
      'SYSTEM STOP MERGES shop.replaced',
      "INSERT INTO shop.replaced SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), 1",
      "INSERT INTO shop.replaced SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), 2",
    );
    expect(sorted(numbers(await read('replaced')))).toEqual([1, 2]);
    expect(numbers(await read('replaced', { config: { use_final: true } }))).toEqual([2]);
  });
});

describe('a read in which a stream fails', () => {
  test('reads the next streams, and ends with exit code 1', async () => {
    const result = await read('few', { catalog: catalogOf('incremental', 'missing', 'few') });
    expect(result.code).toBe(1);
    expect(numbers(result)).toEqual(upTo(10));
    expect(statuses(result)).toEqual(['STARTED', 'INCOMPLETE', 'STARTED', 'RUNNING', 'COMPLETE']);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/no table or view "missing"/) },
    ]);
  });

  test('keeps the rows and states before an exception of the server, quotes it, and can be resumed', async () => {
    await server().execute(
      `CREATE TABLE shop.explosive (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
      `INSERT INTO shop.explosive SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, repeat('x', 1000) FROM numbers(30000)`,
      `CREATE VIEW shop.explodes AS SELECT *, throwIf(n = 28000, 'kaboom') AS fuse FROM shop.explosive`,
    );
    const broken = await read('explodes', { user: READER_OF_SMALL_BLOCKS });
    expect(broken.code).toBe(1);
    expect(statuses(broken).at(-1)).toBe('INCOMPLETE');
    expect(errors(broken)[0]?.message).toMatch(/kaboom/);
    const seen = numbers(broken);
    expect(seen.length).toBeGreaterThan(0);
    expectSame(seen, upTo(seen.length));
    await server().execute('CREATE OR REPLACE VIEW shop.explodes AS SELECT *, 0 AS fuse FROM shop.explosive');
    const rest = await read('explodes', { state: lastState(broken) });
    expectSame([...seen, ...numbers(rest)], upTo(30_000));
  });
});

describe('an invalid catalog is a config_error', () => {
  test.concurrent.each<[string, unknown, RegExp]>([
    ['an unknown sync mode', { streams: [{ stream: { name: 'few' }, sync_mode: 'INVALID' }] }, /sync_mode/],
    ['no streams', {}, /streams/],
    [
      'another database',
      { streams: [{ stream: { name: 'few', namespace: 'elsewhere' }, sync_mode: 'incremental' }] },
      /database "elsewhere".*names "shop"/,
    ],
  ])('%s', async (_, catalog, expected) => {
    const result = await read('few', { catalog });
    expect(result.code).toBe(1);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
  });
});
