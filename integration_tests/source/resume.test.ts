import { beforeAll, describe, expect, test } from 'vitest';
import type { Finished, PrintedMessage } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  catalogOf,
  clickHouseWith,
  errors,
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
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { COLUMNS, FEW, MANY, MANY_ROWS } from './example-tables.ts';

const server = clickHouseWith('shop');
const { read } = sourceReader(server, 'shop', runInProcess);

beforeAll(() =>
  server().execute(
    ...FEW,
    ...MANY_ROWS,
    // Rows that are equal in every column are separate events.
    `CREATE TABLE shop.alike (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.alike SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number % 2, repeat('z', 200) FROM numbers(20000)`,
  ),
);

describe('resuming from a state', () => {
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
      'also states of other streams',
      [streamState({ name: 'many' }, 1), streamState({ name: 'few', namespace: 'shop' })],
      [7, 8, 9],
    ],
    ['only a state of another namespace', [streamState({ name: 'few', namespace: 'other' })], upTo(10)],
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
    ['not JSON', '{', /state file .* is not valid JSON/],
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
      /was UInt64\. Its type is now DateTime64\(6\).*reset/s,
    ],
  ])('%s is a config_error, and no row is read', async (_, state, expected) => {
    const result = await read('few', { state });
    expect(result.code).toBe(1);
    expect(records(result)).toEqual([]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
  });

  test('estimates the remaining rows, for a partition its share, and nothing if the number is unknown', async () => {
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

  test('a full refresh ignores the state of an incremental read', async () => {
    expect(numbers(await read('few', { mode: 'full_refresh', state: [streamState({ name: 'few' })] }))).toEqual(
      upTo(10),
    );
  });

  test.each(['many', 'alike'])(
    'I3: each STATE of a read of "%s" resumes at exactly the rows after it',
    async (table) => {
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
    },
  );

  test('reads only the rows that were added since', async () => {
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

  describe('resuming among rows with one cursor value', () => {
    beforeAll(() =>
      server().execute(
        `CREATE TABLE shop.altered (${COLUMNS}, more UInt8) ENGINE = MergeTree ORDER BY last_updated_at`,
        `INSERT INTO shop.altered SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number, repeat('x', 200), 0 FROM numbers(10000)`,
      ),
    );

    test('continues after the last row when a column was added since', async () => {
      const { messages } = await read('altered');
      const place = messages.findIndex(({ type }) => type === 'STATE');
      const state = messages[place]?.state;
      expect(state?.stream.stream_state.tie_break).toBeDefined();
      await server().execute('ALTER TABLE shop.altered ADD COLUMN later Nullable(UInt8)');
      const rest = await read('altered', { state: [state] });
      expectSame(sorted([...numbers({ messages: messages.slice(0, place) }), ...numbers(rest)]), upTo(10_000));
      expect(logs(rest).join()).not.toContain('WARN');
    });

    test('reads the group again, with a warning, when a column was dropped since', async () => {
      const middle = states(await read('altered'))[0];
      await server().execute('ALTER TABLE shop.altered DROP COLUMN more');
      const rest = await read('altered', { state: [middle] });
      expectSame(sorted(numbers(rest)), upTo(10_000));
      expect(logs(rest)).toContainEqual(
        expect.stringMatching(
          /WARN Columns of altered were dropped.*Rows with the cursor 2026-01-01T00:00:00.000000Z are read again.*sent twice/,
        ),
      );
    });
  });
});

describe('reads and resumes by a cursor of the type', () => {
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

  test('a cursor of a type without an order is a config_error', async () => {
    await server().execute(createTableSql('shop.unordered', '', { cursor: 'Array(UInt8)', orderBy: 'tuple()' }));
    const result = await read('unordered');
    expect(result.code).toBe(1);
    expect(errors(result)[0]?.message).toMatch(
      /last_updated_at .* has the type Array\(UInt8\), which has no useful order/,
    );
  });
});
