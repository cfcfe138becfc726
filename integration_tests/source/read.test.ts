import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { READER_WITH_SETTINGS, readerWith } from '../../sandbox/clickhouse/users.ts';
import { type Finished, finished, type PrintedMessage } from '../../sandbox/launcher.ts';
import {
  catalogOf,
  clickHouseWith,
  errors,
  eventually,
  expectSame,
  lastState,
  logs,
  numbers,
  ofStream,
  type ReadOptions,
  records,
  sorted,
  sourceReader,
  states,
  statuses,
  upTo,
} from '../support/support.ts';
import { createTableSql, eventColumns } from '../support/tables.ts';

/** For whom the server works on a table from its beginning to its end, and not in two places at once. */
const READER_IN_ONE_THREAD = readerWith('reader_in_one_thread', { settings: { max_threads: 1 } });

const server = clickHouseWith('shop', [READER_IN_ONE_THREAD]);
const { read, startRead } = sourceReader(server, 'shop');

/** Ten pages, in each of which two groups of one stamp meet or a larger group goes on. */
const MANY = 30_000;

const COLUMNS = eventColumns('n UInt64, note Nullable(String)');

beforeAll(async () => {
  await server().execute(
    `CREATE TABLE shop.few (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.few SELECT concat('u', toString(number)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, if(number % 2 = 0, NULL, 'odd') FROM numbers(10)`,
    `CREATE TABLE shop.none (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    // Sorted by something else, in several parts, with groups of one stamp, one of them larger than several pages.
    `CREATE TABLE shop.many (${COLUMNS}) ENGINE = MergeTree ORDER BY custom_id`,
    `INSERT INTO shop.many SELECT concat('u', toString(cityHash64(number) % 1000)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 1000), number, repeat('x', 200) FROM numbers(${MANY / 2})`,
    `INSERT INTO shop.many SELECT concat('u', toString(cityHash64(number) % 1000)), 'purchase', toDateTime64('2026-01-02 00:00:00', 6, 'UTC'), number, repeat('y', 200) FROM numbers(${MANY / 2}, ${MANY / 2})`,
    'CREATE VIEW shop.many_view AS SELECT * FROM shop.many',
    // Rows that are alike in every column are events of their own.
    `CREATE TABLE shop.alike (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.alike SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number % 2, repeat('z', 200) FROM numbers(20000)`,
  );
});

describe('a first read', () => {
  let few: Finished;
  let many: Finished;

  beforeAll(async () => {
    [few, many] = await Promise.all([read('few'), read('many')]);
  });

  test('gives every row in cursor order, as a record, with states and statuses around them', () => {
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

  test('writes stamps as RFC 3339 in UTC, NULL as null, and the stream as the catalog names it', () => {
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

  test('counts the records of each state', () => {
    const counts = states(many).map(({ sourceStats }) => sourceStats?.recordCount ?? 0);
    expect(counts.length).toBeGreaterThan(5);
    expect(counts.reduce((sum, count) => sum + count)).toBe(MANY);
    expect(many.stdout).toMatch(/"sourceStats":\{"recordCount":\d+\.0\}/);
  });

  test('of an empty table gives a state too', async () => {
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

  test('of a table sorted by something else is in cursor order and complete, as is that of a view', async () => {
    for (const result of [many, await read('many_view')]) {
      expectSame(sorted(numbers(result)), upTo(MANY));
      const cursors = records(result).map((row) => String(row.last_updated_at));
      expectSame(cursors, cursors.toSorted());
    }
  });

  test('is estimated before, rows and bytes', () => {
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

  test('takes the columns that the catalog names, and the required ones', async () => {
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

  test('works for a user whose settings may be changed too', async () => {
    expect(numbers(await read('few', { user: READER_WITH_SETTINGS }))).toEqual(upTo(10));
  });
});

describe('a read from a state', () => {
  const cursorAt = (second: number): Record<string, unknown> => ({
    version: 2,
    cursor: `2026-01-01T00:00:0${second}.000000Z`,
    cursor_type: 'DateTime64(6)',
  });
  const streamState = (descriptor: Record<string, unknown>, second = 6): Record<string, unknown> => ({
    type: 'STREAM',
    stream: { stream_descriptor: descriptor, stream_state: cursorAt(second) },
  });

  test.concurrent.each<[string, unknown, number[]]>([
    ['[]', [], upTo(10)],
    ['an empty file', '', upTo(10)],
    ['an empty object', {}, upTo(10)],
    ['null', null, upTo(10)],
    ['a STREAM state', [streamState({ name: 'few', namespace: 'shop' })], [7, 8, 9]],
    ['a STREAM state without namespace', [streamState({ name: 'few' })], [7, 8, 9]],
    ['a STREAM state with a null namespace', [streamState({ name: 'few', namespace: null })], [7, 8, 9]],
    [
      'a STATE message as it was printed',
      { type: 'STATE', state: streamState({ name: 'few', namespace: 'shop' }) },
      [7, 8, 9],
    ],
    [
      'states of other streams beside it',
      [streamState({ name: 'many' }, 1), streamState({ name: 'few', namespace: 'shop' })],
      [7, 8, 9],
    ],
    ['a state of another namespace alone', [streamState({ name: 'few', namespace: 'other' })], upTo(10)],
    [
      'a state that was reset',
      [{ type: 'STREAM', stream: { stream_descriptor: { name: 'few' }, stream_state: null } }],
      upTo(10),
    ],
    [
      'a state that was reset as Airbyte writes it, to an empty object',
      [{ type: 'STREAM', stream: { stream_descriptor: { name: 'few', namespace: 'shop' }, stream_state: {} } }],
      upTo(10),
    ],
    [
      'a state in the future',
      [
        {
          type: 'STREAM',
          stream: {
            stream_descriptor: { name: 'few' },
            stream_state: { version: 2, cursor: '2199-01-01T00:00:00.000000Z', cursor_type: 'DateTime64(6)' },
          },
        },
      ],
      [],
    ],
  ])('%s', async (_, state, expected) => {
    const result = await read('few', { state });
    expect(result.code).toBe(0);
    expect(numbers(result)).toEqual(expected);
    expect(states(result).length).toBeGreaterThan(0);
  });

  test.concurrent.each<[string, unknown, RegExp]>([
    ['a legacy state', { few: { cursor: 1 } }, /not a list of STREAM states.*leave out --state/s],
    ['a GLOBAL state', [{ type: 'GLOBAL', global: { stream_states: [] } }], /not a list of STREAM states/],
    ['no JSON', '{', /state file .* is not valid JSON/],
    [
      'the state of another connector',
      [{ type: 'STREAM', stream: { stream_descriptor: { name: 'few' }, stream_state: { updated_at: '2026' } } }],
      /was not written by this source.*updated_at.*reset/s,
    ],
    [
      'a state of another cursor type',
      [
        {
          type: 'STREAM',
          stream: {
            stream_descriptor: { name: 'few' },
            stream_state: { version: 2, cursor: '7', cursor_type: 'UInt64' },
          },
        },
      ],
      /was a UInt64; it is a DateTime64\(6\) now.*reset/s,
    ],
  ])('%s is a config_error, and no row is read', async (_, state, expected) => {
    const result = await read('few', { state });
    expect(result.code).toBe(1);
    expect(records(result)).toEqual([]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
  });

  test('is estimated by what is left to read, for a part of the rows by its share, and not where nothing is known', async () => {
    await server().execute(
      `CREATE TABLE shop.sorted (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
      `INSERT INTO shop.sorted SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, NULL FROM numbers(100000)`,
      `CREATE TABLE shop.log (${COLUMNS}) ENGINE = Log`,
    );
    const rowsOf = async (table: string, options?: ReadOptions): Promise<(number | undefined)[]> =>
      (await read(table, options)).messages.flatMap(({ trace }) =>
        trace?.estimate === undefined ? [] : [trace.estimate.row_estimate],
      );
    const stream_state = { version: 2, cursor: '2026-01-02T03:00:00.000000Z', cursor_type: 'DateTime64(6)' };
    const state = [{ type: 'STREAM', stream: { stream_descriptor: { name: 'sorted' }, stream_state } }];
    const [left] = await rowsOf('sorted', { state });
    expect(left).toBeGreaterThanOrEqual(2_800);
    expect(left).toBeLessThanOrEqual(2_800 + 8192);
    expect(await rowsOf('sorted', { config: { partition: { index: 0, count: 4 } } })).toEqual([25_000]);
    expect(await rowsOf('many_view')).toEqual([MANY]);
    expect(await rowsOf('log')).toEqual([]);
  });

  test('a full refresh reads everything all the same', async () => {
    expect(numbers(await read('few', { mode: 'full_refresh', state: [streamState({ name: 'few' })] }))).toEqual(
      upTo(10),
    );
  });

  test.each(['many', 'alike'])('any state of a read of "%s" leads to exactly the rows after it', async (table) => {
    const whole = await read(table);
    const lines = whole.stdout.split('\n');
    const positions = lines.flatMap((line, index) => (line.includes('"type":"STATE"') ? [index] : []));
    expect(positions.length).toBeGreaterThan(3);
    const chosen = [positions[0], positions[Math.floor(positions.length / 2)], positions.at(-2), positions.at(-1)];
    const rests = chosen.map(async (position = 0) => {
      const state = JSON.parse(lines[position] ?? '').state;
      const rest = await read(table, { state: [state] });
      const after = records({
        messages: lines
          .slice(position + 1)
          .filter((line) => line !== '')
          .map((line): PrintedMessage => JSON.parse(line)),
      });
      expectSame(records(rest), after);
    });
    await Promise.all(rests);
  });

  test('gives the rows that were added, and these alone', async () => {
    await server().execute(
      `CREATE TABLE shop.growing (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
      `INSERT INTO shop.growing SELECT 'u', 'purchase', now64(6), number, NULL FROM numbers(100)`,
    );
    const first = await read('growing');
    expect(sorted(numbers(first))).toEqual(upTo(100));
    expect(numbers(await read('growing', { state: lastState(first) }))).toEqual([]);
    await server().execute(
      `INSERT INTO shop.growing SELECT 'u', 'purchase', now64(6), number, NULL FROM numbers(100, 10)`,
    );
    const second = await read('growing', { state: lastState(first) });
    expect(sorted(numbers(second))).toEqual(upTo(110).slice(100));
  });

  describe('inside a group of one stamp', () => {
    beforeAll(() =>
      server().execute(
        `CREATE TABLE shop.altered (${COLUMNS}, more UInt8) ENGINE = MergeTree ORDER BY last_updated_at`,
        `INSERT INTO shop.altered SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number, repeat('x', 200), 0 FROM numbers(10000)`,
      ),
    );

    test('that got a new column since, goes on where it was', async () => {
      const { messages } = await read('altered');
      const place = messages.findIndex(({ type }) => type === 'STATE');
      const state = messages[place]?.state;
      expect(state?.stream.stream_state.tie_break).toBeDefined();
      await server().execute('ALTER TABLE shop.altered ADD COLUMN later Nullable(UInt8)');
      const rest = await read('altered', { state: [state] });
      expectSame(sorted([...numbers({ messages: messages.slice(0, place) }), ...numbers(rest)]), upTo(10_000));
      expect(logs(rest).join()).not.toContain('WARN');
    });

    test('that lost a column since, reads the group again and says so', async () => {
      const middle = states(await read('altered'))[0];
      await server().execute('ALTER TABLE shop.altered DROP COLUMN more');
      const rest = await read('altered', { state: [middle] });
      expectSame(sorted(numbers(rest)), upTo(10_000));
      expect(logs(rest)).toContainEqual(
        expect.stringMatching(
          /WARN Columns of altered were dropped.*Rows of 2026-01-01T00:00:00.000000Z are read again.*sent twice/,
        ),
      );
    });
  });
});

describe('a cursor of another type', () => {
  const TYPES: [type: string, value: string, fifth: string][] = [
    ['DateTime', "toDateTime('2026-01-01 00:00:00', 'UTC') + number", '2026-01-01T00:00:04Z'],
    ["DateTime('Europe/Paris')", "toDateTime('2026-10-25 00:30:00', 'UTC') + number * 900", '2026-10-25T01:30:00Z'],
    [
      'DateTime64(9)',
      "toDateTime64('2026-01-01 00:00:00.123456789', 9, 'UTC') + toIntervalNanosecond(number)",
      '2026-01-01T00:00:00.123456793Z',
    ],
    [
      'Nullable(DateTime64(3))',
      "if(number = 9, NULL, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number)",
      '2026-01-01T00:00:04.000Z',
    ],
    ['Date', "toDate('2026-01-01') + number", '2026-01-05'],
    ['UInt64', '9007199254740993 + number', '9007199254740997'],
    ['Int32', 'toInt32(number) - 5', '-1'],
    ['String', "concat('é\"\\\\', leftPad(toString(number), 3, '0'))", 'é"\\004'],
  ];
  const tables = TYPES.map((_, index) => `typed${index}`);
  const catalog = catalogOf('incremental', ...tables);
  let whole: Finished;
  let behindFifth: Finished;

  beforeAll(async () => {
    for (const [index, [type, value]] of TYPES.entries()) {
      await server().execute(
        createTableSql(`shop.typed${index}`, 'n UInt64', { cursor: type, orderBy: 'tuple()' }),
        `INSERT INTO shop.typed${index} SELECT 'u', 'purchase', ${value}, number FROM numbers(10)`,
      );
    }
    const state = TYPES.map(([cursor_type, , cursor], index) => ({
      type: 'STREAM',
      stream: { stream_descriptor: { name: tables[index] }, stream_state: { version: 2, cursor, cursor_type } },
    }));
    [whole, behindFifth] = await Promise.all([read('typed', { catalog }), read('typed', { catalog, state })]);
  });

  test.each(TYPES.map(([type], index) => [type, tables[index] ?? ''] as const))('%s', (type, table) => {
    const rows = upTo(type.startsWith('Nullable') ? 9 : 10);
    expect(numbers(ofStream(whole, table))).toEqual(rows);
    expect(numbers(ofStream(behindFifth, table))).toEqual(rows.slice(5));
    expect(states(ofStream(whole, table)).at(-1)?.stream.stream_state.cursor_type).toBe(type);
  });

  test('a type without order is a config_error', async () => {
    await server().execute(createTableSql('shop.unordered', '', { cursor: 'Array(UInt8)', orderBy: 'tuple()' }));
    const result = await read('unordered');
    expect(result.code).toBe(1);
    expect(errors(result)[0]?.message).toMatch(
      /last_updated_at .* has the type Array\(UInt8\), which has no useful order/,
    );
  });
});

describe('another cursor column', () => {
  beforeAll(() =>
    server().execute(
      'CREATE TABLE shop.own_cursor (custom_id String, event_name String, inserted_at DateTime64(3), n UInt64) ENGINE = MergeTree ORDER BY inserted_at',
      "INSERT INTO shop.own_cursor SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number, number FROM numbers(10)",
    ),
  );

  test('is read by, needs no view, and its state is not taken for one of another column', async () => {
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

describe('several readers that share the rows', () => {
  const part = (index: number, count: number): ReadOptions => ({ config: { partition: { index, count } } });

  test('give each row exactly once together, all rows of a profile to the same one', async () => {
    const parts = await Promise.all([0, 1, 2, 3].map((index) => read('many', part(index, 4))));
    expectSame(sorted(parts.flatMap(numbers)), upTo(MANY));
    const readers = parts.map((result) => new Set(records(result).map(({ custom_id }) => String(custom_id))));
    const profiles = readers.flatMap((reader) => [...reader]);
    expect(new Set(profiles).size).toBe(profiles.length);
    for (const result of parts) expect(numbers(result).length).toBeGreaterThan(MANY / 6);
  });

  test('give the rows without a profile, too, so that they are accounted for', async () => {
    await server().execute(
      'CREATE TABLE shop.anonymous (custom_id Nullable(String), event_name String, last_updated_at DateTime64(6), n UInt64) ENGINE = MergeTree ORDER BY n',
      "INSERT INTO shop.anonymous SELECT if(number % 2 = 0, NULL, concat('u', toString(number))), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number FROM numbers(20)",
    );
    const parts = await Promise.all([0, 1].map((index) => read('anonymous', part(index, 2))));
    expect(sorted(parts.flatMap(numbers))).toEqual(upTo(20));
  });

  test('do not take the state of another part, nor one of another number of parts', async () => {
    const first = await read('few', part(0, 2));
    const state = lastState(first);
    const [same, ...others] = await Promise.all(
      [part(0, 2), part(1, 2), part(0, 3), {}].map((options) => read('few', { ...options, state })),
    );
    expect(same?.code).toBe(0);
    expect(same && numbers(same)).toEqual([]);
    for (const result of others) {
      expect(result.code).toBe(1);
      expect(errors(result)[0]?.message).toMatch(/is for part 0 of 2, but the configuration selects/);
    }
  });

  test('an index that is too large is refused', async () => {
    const result = await read('few', part(2, 2));
    expect(errors(result)[0]?.message).toMatch(/partition: index must be less than count/);
  });
});

describe('with FINAL', () => {
  test('of the versions of a row the last alone is read', async () => {
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

describe('a stream that fails', () => {
  test('does not keep the next one from being read, but the exit code tells', async () => {
    const result = await read('few', { catalog: catalogOf('incremental', 'missing', 'few') });
    expect(result.code).toBe(1);
    expect(numbers(result)).toEqual(upTo(10));
    expect(statuses(result)).toEqual(['STARTED', 'INCOMPLETE', 'STARTED', 'RUNNING', 'COMPLETE']);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/no table or view "missing"/) },
    ]);
  });

  test('in mid-answer keeps the rows and states before, tells in the words of the server, and can be resumed', async () => {
    await server().execute(
      `CREATE TABLE shop.explosive (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
      `INSERT INTO shop.explosive SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, repeat('x', 1000) FROM numbers(30000)`,
      `CREATE VIEW shop.explodes AS SELECT *, throwIf(n = 28000, 'kaboom') AS fuse FROM shop.explosive`,
    );
    const broken = await read('explodes', { user: READER_IN_ONE_THREAD });
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

describe('a catalog that is none', () => {
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

describe('a large table', () => {
  /** With these, twice of what the source keeps in memory, */
  const ROWS = 50_000;
  /** and four times: so many show in the memory of one that keeps too much. */
  const STALLED_ROWS = 100_000;
  const NOTE_BYTES = 2000;

  /** Nobody reads what it writes while the other tests run. */
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

  test('stopped by SIGTERM ends with a state from which the rest is read, each row once', async () => {
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

  test('killed, goes on from its last state without losing a row', async () => {
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

  test('whose reader goes away ends by itself', async () => {
    const child = startRead('large');
    if (child.stdout !== null) await once(child.stdout, 'readable');
    child.stdout?.destroy();
    await once(child, 'exit');
    expect(child.exitCode).toBe(1);
  });

  test('in front of a reader that stalls takes bounded memory, leaves the server alone, and arrives whole', async () => {
    // Its queue is full, and the answer is left after ten seconds.
    await eventually(async () => expect(await queriesFor('stalled')).toBe(0));
    const peak = peakMemory(stalled.pid);
    const result = await finished(stalled);
    expect(result.code).toBe(0);
    expectSame(sorted(numbers(result)), upTo(STALLED_ROWS));
    expect(peak).toBeLessThan(250 * 1024 * 1024);
  });

  test('goes on when the server is killed and started again, each row once', async () => {
    const child = startRead('large');
    // The first rows are out, so that the query that runs is the one of the rows: until somebody reads on, it can't end.
    if (child.stdout !== null) await once(child.stdout, 'readable');
    await eventually(async () => expect(await queriesFor('large')).toBe(1));
    await server().kill();
    // Somebody reads on at once: a source that waits with an answer in its hands does not see that it was cut.
    const [result] = await Promise.all([finished(child), server().restart()]);
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expectSame(sorted(numbers(result)), upTo(ROWS));
    expect(logs(result)).toContainEqual(
      expect.stringMatching(/WARN large: .*Asking again for the rows after the last page/),
    );
  });
});

/** How many queries of the source for rows of a table, and not for what is looked up before, the server is busy with. */
async function queriesFor(table: string): Promise<number> {
  const rows = await server().query<{ queries: string }>(
    `SELECT count() AS queries FROM system.processes WHERE user = 'batch_reader' AND startsWith(query, 'WITH concat(') AND query LIKE '%FROM shop.${table} AS %'`,
  );
  return Number(rows[0]?.queries);
}

/** The most memory that a process has had, in bytes, as Linux counts it. */
function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
