import { describe, expect, test } from 'vitest';
import type { Finished } from '../../sandbox/launcher.ts';
import { type CheckResult, check as checkSource } from '../../src/source-clickhouse/check/check.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  catalogOf,
  clickHouseWith,
  errors,
  lastState,
  logs,
  numbers,
  ofStream,
  sorted,
  sourceConfiguration,
  sourceReader,
  states,
  statuses,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const file = temporaryFiles();
const server = clickHouseWith('shop');
const { read, readArguments } = sourceReader(server, 'shop', runInProcess);

const table = (name: string, cursor = 'DateTime64(6)'): string =>
  createTableSql(`shop.${name}`, 'n UInt64', { cursor, orderBy: 'tuple()' });

const insert = (name: string, ...rows: [n: number, cursor: string][]): string =>
  `INSERT INTO shop.${name} VALUES ${rows.map(([n, cursor]) => `('u1', 'purchase', ${cursor}, ${n})`).join(', ')}`;

function delivered(result: Pick<Finished, 'messages'>, name: string): number[] {
  return sorted(numbers(ofStream(result, name)));
}

/** The last state of each stream, as a platform keeps them. */
function kept(result: Pick<Finished, 'messages'>, names: readonly string[]): unknown[] {
  return names.flatMap((name) => lastState(ofStream(result, name)));
}

/** The cursors of the states of a stream. */
function cursors(result: Pick<Finished, 'messages'>, name: string): unknown[] {
  return states(ofStream(result, name)).map(({ stream }) => stream.stream_state.cursor);
}

describe('a time', () => {
  const START = '2026-01-01T02:00:05.5+02:00';
  /** For each type of cursor: the last value before the start, and the start, as SQL; and the start in the state. */
  const types: [type: string, before: string, start: string, inState: string][] = [
    [
      "DateTime('Asia/Kolkata')",
      "toDateTime('2026-01-01 00:00:04', 'UTC')",
      "toDateTime('2026-01-01 00:00:05', 'UTC')",
      '2026-01-01T00:00:05Z',
    ],
    [
      'DateTime64(3)',
      "toDateTime64('2026-01-01 00:00:05.499', 3, 'UTC')",
      "toDateTime64('2026-01-01 00:00:05.5', 3, 'UTC')",
      '2026-01-01T00:00:05.500Z',
    ],
    [
      'Nullable(DateTime64(9))',
      "toDateTime64('2026-01-01 00:00:05.499999999', 9, 'UTC')",
      "toDateTime64('2026-01-01 00:00:05.5', 9, 'UTC')",
      '2026-01-01T00:00:05.500000000Z',
    ],
    ['Date', "'2025-12-31'", "'2026-01-01'", '2026-01-01'],
    ['Nullable(Date32)', "'2025-12-31'", "'2026-01-01'", '2026-01-01'],
  ];
  const names = types.map((_, index) => `type${index}`);
  const catalogs = [catalogOf('incremental', ...names, 'empty'), catalogOf('full_refresh', 'refreshed')];
  const catalog = { streams: catalogs.flatMap(({ streams }) => streams) };

  test('is where the first run and each full refresh begin, including the rows at this time', async () => {
    for (const [index, [type, before, start]] of types.entries()) {
      await server().execute(table(`type${index}`, type), insert(`type${index}`, [0, before], [1, start], [2, start]));
    }
    await server().execute(
      table('empty', 'DateTime'),
      table('refreshed'),
      insert('refreshed', [0, "'2025-12-31 00:00:00'"], [1, "'2026-06-01 00:00:00'"]),
    );
    const first = await read('', { catalog, config: { start_from: START } });
    expect([first.code, first.stderr]).toEqual([0, '']);
    for (const [index, [type, , , inState]] of types.entries()) {
      expect(delivered(first, `type${index}`), type).toEqual([1, 2]);
      expect(cursors(first, `type${index}`)[0], type).toBe(inState);
    }
    expect(delivered(first, 'refreshed')).toEqual([1]);
    expect(cursors(first, 'empty')).toEqual(['2026-01-01T00:00:05Z', '2026-01-01T00:00:05Z']);
    expect(logs(first)).toContain(
      `INFO type1: the first run begins at 2026-01-01T00:00:05.500Z ("start_from" is "${START}").`,
    );
    // Without a lookback, the position moves over the rows at once. The rows at the start are still read.
    await server().execute(
      insert('empty', [0, "'2026-01-01 00:00:04'"], [1, "'2026-01-01 00:00:05'"], [2, 'now() - 60']),
    );
    const config = { start_from: '2020-01-01T00:00:00Z', lookback_seconds: 0 };
    const second = await read('', { catalog, config, state: kept(first, [...names, 'empty', 'refreshed']) });
    expect(delivered(second, 'empty')).toEqual([1, 2]);
    expect(delivered(second, 'type0')).toEqual([]);
    // A full refresh has no state: it begins at the start that is configured now.
    expect(delivered(second, 'refreshed')).toEqual([0, 1]);
  });
});

describe('"now"', () => {
  test('is resolved once: rows before it are never sent, and no later row is lost', async () => {
    await server().execute(
      ...['old', 'empty_now', 'added'].map((name) => table(name)),
      ...['old', 'added'].map((name) =>
        insert(name, [0, "'2026-01-01 00:00:00'"], [1, 'now64(6) - toIntervalSecond(3)']),
      ),
    );
    const config = { start_from: 'now' };
    const first = await read('', { catalog: catalogOf('incremental', 'old', 'empty_now'), config });
    expect(numbers(first)).toEqual([]);
    expect(statuses(first)).toEqual(['STARTED', 'STARTED', 'COMPLETE', 'COMPLETE']);
    const [start] = cursors(first, 'old');
    expect([...cursors(first, 'old'), ...cursors(first, 'empty_now')]).toEqual([start, start, start, start]);
    expect(Math.abs(Date.parse(String(start)) - Date.now())).toBeLessThan(600_000);

    // All of these are inside the lookback. Those with a cursor before the start became visible after it.
    const at = `parseDateTime64BestEffort('${start}', 6, 'UTC')`;
    const late = (n: number): [number, string][] => [
      [n, `${at} - toIntervalSecond(10)`],
      [n + 1, `${at} - toIntervalMicrosecond(1)`],
      [n + 2, at],
      [n + 3, `${at} + toIntervalMicrosecond(1)`],
    ];
    const later = { catalog: catalogOf('incremental', 'old', 'empty_now', 'added'), config };
    await server().execute(insert('old', ...late(2)));
    const second = await read('', { ...later, state: kept(first, ['old', 'empty_now']) });
    expect([delivered(second, 'old'), delivered(second, 'empty_now')]).toEqual([[4, 5], []]);
    // A stream that is added later has its own start.
    expect(delivered(second, 'added')).toEqual([]);
    expect(String(cursors(second, 'added')[0]) > String(start)).toBe(true);

    await server().execute(insert('old', ...late(6)), insert('empty_now', ...late(6)));
    const third = await read('', { ...later, state: kept(second, ['old', 'empty_now', 'added']) });
    expect([delivered(third, 'old'), delivered(third, 'empty_now')]).toEqual([
      [8, 9],
      [8, 9],
    ]);
    expect(delivered(third, 'added')).toEqual([]);
    expect(logs(third).filter((line) => line.startsWith('WARN'))).toEqual([]);
  });

  test('is the same for a stream that an interrupted run does not reach', async () => {
    await server().execute(
      ...['reached', 'not_reached'].map((name) => table(name)),
      insert('reached', [0, 'now64(6) + toIntervalHour(1)'], [1, 'now64(6) + toIntervalHour(2)']),
    );
    const catalog = catalogOf('incremental', 'reached', 'not_reached');
    const args = [...readArguments('', { catalog, config: { start_from: 'now' } }), '--limit', '1'];
    const limited = await runInProcess('source-clickhouse', args);
    expect(delivered(limited, 'reached')).toEqual([0]);
    expect(cursors(limited, 'not_reached')).toEqual(cursors(limited, 'reached').slice(0, 1));
  });
});

test('a value of another type of cursor stops only its stream, before any of its rows', async () => {
  await server().execute(
    table('by_number', 'UInt32'),
    table('by_text', 'String'),
    table('by_time', 'DateTime'),
    ...['by_number', 'by_text', 'by_time'].map((name) => insert(name, [0, "'9'"], [1, "'10'"], [2, "'11'"])),
  );
  const catalog = catalogOf('incremental', 'by_time', 'by_number', 'by_text');
  const result = await read('', { catalog, config: { start_from: '10' } });
  expect(result.code).toBe(1);
  expect(errors(result)).toMatchObject([
    {
      failure_type: 'config_error',
      message: expect.stringMatching(/^by_time: "start_from" is "10", but .* DateTime\./),
    },
  ]);
  expect([delivered(result, 'by_time'), cursors(result, 'by_time')]).toEqual([[], []]);
  expect(delivered(result, 'by_number')).toEqual([1, 2]);
  expect(delivered(result, 'by_text')).toEqual([0, 1, 2]);
});

describe('check', () => {
  /** What `check` prints about a table. */
  async function check(name: string, config: Record<string, unknown>): Promise<CheckResult> {
    const parsed = sourceConfigurationSchema.parse(sourceConfiguration(server(), 'shop', { table: name, ...config }));
    const clickhouse = new ClickHouse(parsed);
    try {
      return await checkSource(clickhouse, parsed, new AbortController().signal);
    } finally {
      await clickhouse.close();
    }
  }

  const tableByCursor = (name: string, cursor?: string): string =>
    createTableSql(`shop.${name}`, 'n UInt64', cursor === undefined ? {} : { cursor });

  test('shows where the first run begins and how many rows it sends', async () => {
    await server().execute(
      tableByCursor('shown'),
      insert('shown', [0, "'2026-01-01 00:00:00'"], [1, 'now64(6) - 60'], [2, 'now64(6) - 60']),
    );
    const config = file('source.json', sourceConfiguration(server(), 'shop', { table: 'shown', start_from: '24h' }));
    const result = await runInProcess('source-clickhouse', ['check', '--config', config]);
    expect(logs(result)).toEqual([
      expect.stringMatching(
        /^INFO The first run of "shown" begins at 20\d\d-\d\d-\d\dT[\d:.]+Z \("start_from" is "24h"\): 2 rows\.$/,
      ),
    ]);
    expect(await check('shown', { start_from: 'now' })).toMatchObject({
      notes: [expect.stringMatching(/^The first run of "shown" begins at .* \("start_from" is "now"\): 0 rows\.$/)],
      warnings: [],
    });
    expect(await check('shown', { start_from: '2100-01-01T00:00:00Z' })).toMatchObject({
      notes: [],
      warnings: [
        'The first run of "shown" begins at 2100-01-01T00:00:00.000000Z ("start_from" is "2100-01-01T00:00:00Z"), which is in the future. Rows with an earlier last_updated_at are never sent.',
      ],
    });
  });

  test('counts at most a million rows', async () => {
    await server().execute(
      tableByCursor('large', 'UInt32'),
      "INSERT INTO shop.large SELECT 'u', 'e', number, number FROM numbers(1000002)",
    );
    const notesFrom = async (start_from: string): Promise<string[]> => (await check('large', { start_from })).notes;
    expect(await notesFrom('1')).toEqual([
      'The first run of "large" begins at 1 ("start_from" is "1"): at least 1,000,000 rows.',
    ]);
    expect(await notesFrom('0002')).toEqual([
      'The first run of "large" begins at 2 ("start_from" is "0002"): 1,000,000 rows.',
    ]);
  });

  test('counts the rows of a partition', async () => {
    await server().execute(
      tableByCursor('parted'),
      "INSERT INTO shop.parted SELECT toString(number), 'e', now64(6), number FROM numbers(100)",
    );
    const parts = await Promise.all(
      [0, 1].map((index) => check('parted', { start_from: '1h', partition: { index, count: 2 } })),
    );
    const rows = parts.map(({ notes }) => Number(/: (\d+) rows\.$/.exec(notes[0] ?? '')?.[1]));
    expect(rows[0]).toBeGreaterThan(0);
    expect(rows[0]).toBeLessThan(100);
    expect((rows[0] ?? 0) + (rows[1] ?? 0)).toBe(100);
  });
});
