import { describe, expect, test } from 'vitest';
import type { Finished } from '../../sandbox/launcher.ts';
import { MAX_EMITTED_ROWS } from '../../src/source-clickhouse/state/emitted-rows.ts';
import { expectOnPage } from '../docs/troubleshooting-page.ts';
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
  statuses,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const server = clickHouseWith('shop');
const { read } = sourceReader(server, 'shop', runInProcess);

/** Creates a table whose cursor has a type. Each test has its own, because tests run in parallel. */
async function table(name: string, cursorType = 'DateTime64(6)', more = ''): Promise<void> {
  await server().execute(createTableSql(`shop.${name}`, `n UInt64${more}`, { cursor: cursorType, orderBy: 'tuple()' }));
}

/** Inserts rows whose numbers are `from` … `to` (exclusive), with a timestamp in SQL. */
async function insert(name: string, from: number, to: number, stamp: string): Promise<void> {
  await server().execute(
    `INSERT INTO shop.${name} (custom_id, event_name, last_updated_at, n) SELECT concat('u', toString(number % 7)), 'purchase', ${stamp}, number FROM numbers(${from}, ${to - from})`,
  );
}

/** The timestamp of a row that becomes visible this number of seconds later. */
function ago(seconds: number): string {
  return `now64(6) - toIntervalSecond(${seconds})`;
}

/** Runs that each begin with the state of the previous one. Returns what each of them delivered. */
function runs(name: string, firstState: unknown[] = []): (options?: ReadOptions) => Promise<Finished> {
  let state = firstState;
  return async (options = {}) => {
    const result = await read(name, { state, ...options });
    if (result.code === 0 || states(result).length > 0) state = lastState(result);
    return result;
  };
}

/** The same for several tables, which one process reads. */
function runsOf(names: readonly string[]): () => Promise<Finished> {
  let state: unknown[] = [];
  return async () => {
    const result = await read('', { catalog: catalogOf('incremental', ...names), state });
    state = names.flatMap((name) => lastState(ofStream(result, name)));
    return result;
  };
}

/** The numbers of the rows, sorted: rows with one timestamp are read in the order of their hashes. */
function delivered(result: Pick<Finished, 'messages'>): number[] {
  return sorted(numbers(result));
}

describe.concurrent('lookback: a row that becomes visible after a later row was read', () => {
  test('is read by the next run, and the lookback deduplicates the others', async () => {
    await table('late');
    const run = runs('late');
    await insert('late', 0, 5, ago(400));
    await insert('late', 5, 10, ago(3));
    expect(delivered(await run())).toEqual(upTo(10));
    await insert('late', 10, 13, ago(200));
    await insert('late', 13, 15, ago(0));
    expect(delivered(await run())).toEqual([10, 11, 12, 13, 14]);
    expect(delivered(await run())).toEqual([]);
    await insert('late', 15, 17, ago(100));
    expect(delivered(await run())).toEqual([15, 16]);
    expect(delivered(await run())).toEqual([]);
  });

  test('is not read when it becomes visible later than the lookback', async () => {
    await table('too_late');
    const run = runs('too_late');
    await insert('too_late', 0, 5, ago(60));
    expect(delivered(await run({ config: { lookback_seconds: 30 } }))).toEqual(upTo(5));
    await insert('too_late', 5, 6, ago(70));
    await insert('too_late', 6, 7, ago(20));
    expect(delivered(await run({ config: { lookback_seconds: 30 } }))).toEqual([6]);
  });

  test('is read once when it has the same cursor as that row, for each type of cursor', async () => {
    const types = [
      'DateTime',
      "DateTime('Asia/Kolkata')",
      'Date',
      'Date32',
      'Nullable(DateTime64(0))',
      'DateTime64(9)',
    ];
    const tables = types.map((_, index) => `same${index}`);
    const run = runsOf(tables);
    for (const [index, type] of types.entries()) await table(`same${index}`, type);
    for (const round of [0, 1, 2]) {
      for (const name of tables) await insert(name, round * 3, round * 3 + 3, 'now64(9)');
      const result = await run();
      for (const [index, name] of tables.entries()) {
        expect(delivered(ofStream(result, name)), types[index]).toEqual([0, 1, 2].map((n) => round * 3 + n));
      }
    }
    expect(delivered(await run())).toEqual([]);
  });

  test('is read when it equals that row in every column: each is a separate event', async () => {
    await table('alike');
    const run = runs('alike');
    const stamp = "toDateTime64('2026-01-01 00:00:00', 6, 'UTC')";
    const config = { lookback_seconds: 7 * 24 * 3600 };
    // In the future for every clock that runs these tests, and near enough for the lookback.
    const soon = `${stamp} + toIntervalYear(200)`;
    await server().execute(`INSERT INTO shop.alike SELECT 'u', 'purchase', ${soon}, 1 FROM numbers(3)`);
    expect(delivered(await run({ config }))).toEqual([1, 1, 1]);
    await server().execute(`INSERT INTO shop.alike SELECT 'u', 'purchase', ${soon}, 1 FROM numbers(2)`);
    expect(delivered(await run({ config }))).toEqual([1, 1]);
    expect(delivered(await run({ config }))).toEqual([]);
  });

  test('is read once by its partition', async () => {
    await table('shared');
    const readers = [0, 1, 2].map((index) => {
      const run = runs('shared');
      return () => run({ config: { partition: { index, count: 3 } } });
    });
    const all = async (): Promise<number[]> => {
      const results = await Promise.all(readers.map((reader) => reader()));
      return sorted(results.flatMap(numbers));
    };
    await insert('shared', 0, 20, ago(3));
    expect(await all()).toEqual(upTo(20));
    await insert('shared', 20, 40, ago(60));
    expect(await all()).toEqual(upTo(40).slice(20));
    expect(await all()).toEqual([]);
  });
});

describe.concurrent('lookback: rows that an earlier run has sent', () => {
  test('are deduplicated when a column is added', async () => {
    await table('widened');
    const run = runs('widened');
    await insert('widened', 0, 5, ago(3));
    expect(delivered(await run())).toEqual(upTo(5));
    await server().execute("ALTER TABLE shop.widened ADD COLUMN note String DEFAULT 'x'");
    await insert('widened', 5, 8, ago(20));
    expect(delivered(await run())).toEqual([5, 6, 7]);
    expect(delivered(await run())).toEqual([]);
  });

  test('are deduplicated when the type of a column is changed to a wider one', async () => {
    const changes = [
      ["Enum8('paid' = 1)", "Enum8('paid' = 1, 'refunded' = 2)", "'paid'"],
      ['UInt32', 'UInt64', '4294967295'],
      ['LowCardinality(String)', 'String', "'paid'"],
      ['String', 'LowCardinality(Nullable(String))', "'paid'"],
      ['Decimal(9, 2)', 'Decimal(18, 2)', "'1.50'"],
      ["DateTime64(3, 'UTC')", "DateTime64(3, 'Asia/Tokyo')", "'2026-01-01 00:00:00.120'"],
      ['Date', 'Date32', "'2026-01-01'"],
      ['Array(UInt8)', 'Array(Nullable(Int16))', '[1, 255]'],
    ];
    const tables = changes.map((_, index) => `retyped${index}`);
    const run = runsOf(tables);
    for (const [index, [before, , value]] of changes.entries()) {
      await table(`retyped${index}`, 'DateTime64(6)', `, v ${before} DEFAULT ${value}`);
      await insert(`retyped${index}`, 0, 5, ago(3));
    }
    await run();
    for (const [index, [, after]] of changes.entries()) {
      await server().execute(`ALTER TABLE shop.retyped${index} MODIFY COLUMN v ${after}`);
      await insert(`retyped${index}`, 5, 6, ago(2));
    }
    const next = await run();
    for (const [index, name] of tables.entries()) {
      expect(delivered(ofStream(next, name)), changes[index]?.join(' -> ')).toEqual([5]);
    }
    expect(logs(next).join()).not.toContain('WARN');
    expect(delivered(await run())).toEqual([]);
  });

  test('are not confused with rows that differ only in a column that was added since', async () => {
    await table('widened_alone', 'DateTime');
    const run = runs('widened_alone');
    await insert('widened_alone', 0, 5, ago(3));
    expect(delivered(await run())).toEqual(upTo(5));
    await server().execute('ALTER TABLE shop.widened_alone ADD COLUMN item UInt64');
    const stamp = `toDateTime(${Math.floor(Date.now() / 1000) - 10})`;
    const items: number[] = [];
    // Late rows that differ only in their item: whichever the hash puts first, none is mistaken for another.
    for (const item of upTo(6)) {
      await server().execute(`INSERT INTO shop.widened_alone SELECT 'u', 'purchase', ${stamp}, 7, ${item}`);
      items.push(...records(await run()).map((record) => Number(record.item)));
    }
    expect(items).toEqual(upTo(6));
  });

  test('are sent again, with a warning, when a column is dropped', async () => {
    await table('narrowed', 'DateTime64(6)', ', note String');
    const run = runs('narrowed');
    await insert('narrowed', 0, 5, ago(3));
    await run();
    await server().execute('ALTER TABLE shop.narrowed DROP COLUMN note');
    const again = await run();
    expect(delivered(again)).toEqual(upTo(5));
    expect(logs(again)).toContainEqual(expect.stringMatching(/WARN Columns of narrowed were dropped.*sent twice/));
    expect(delivered(await run())).toEqual([]);
  });

  test('whose cursor is the zero of its type are not read after the first run, with a warning in each', async () => {
    await table('unset', 'DateTime');
    const run = runs('unset');
    await server().execute(
      "INSERT INTO shop.unset (custom_id, event_name, last_updated_at, n) VALUES ('u', 'x', 0, 0), ('u', 'x', now() - 1000, 1)",
    );
    const first = await run();
    expect([delivered(first), logs(first).filter((line) => line.startsWith('WARN'))]).toEqual([[0, 1], []]);
    await server().execute("INSERT INTO shop.unset (custom_id, event_name, n) VALUES ('u', 'x', 2)");
    const second = await run();
    expect([delivered(second), logs(second)]).toEqual([
      [],
      expect.arrayContaining([expect.stringMatching(/^WARN 2 rows of "unset" have the last_updated_at 1970-01-01, /)]),
    ]);
  });

  test('are sent again, with a warning, when a column has a different value at each read', async () => {
    await table('base');
    await server().execute('CREATE VIEW shop.looked_at AS SELECT *, now64(6) AS looked_at FROM shop.base');
    const run = runs('looked_at');
    await insert('base', 0, 3, ago(5));
    expect(logs(await run()).join()).not.toContain('WARN');
    const again = await run();
    expect(delivered(again)).toEqual([0, 1, 2]);
    expect(logs(again)).toContainEqual(
      expect.stringMatching(/^WARN looked_at: This run found none of the rows .+ now\(\), rand\(\)/),
    );
  });

  test('in a table that replaced another one (EXCHANGE TABLES) are read from the lookback on, with a warning', async () => {
    await table('exchanged');
    await table('replacement');
    const run = runs('exchanged');
    await insert('exchanged', 0, 1, ago(1_000));
    // Filled from the same source, with the same timestamps.
    const stamp = `toDateTime64(${Math.floor(Date.now() / 1_000) - 10}, 6)`;
    await insert('exchanged', 1, 6, stamp);
    await run();
    await insert('replacement', 10, 20, ago(4_000));
    await insert('replacement', 20, 25, stamp);
    await server().execute('EXCHANGE TABLES shop.exchanged AND shop.replacement');
    const again = await run();
    expect(delivered(again)).toEqual([20, 21, 22, 23, 24]);
    expect(logs(again)).toContainEqual(
      expect.stringMatching(/^WARN exchanged: .*the table was replaced \(EXCHANGE TABLES, .*reset the stream/),
    );
    expect(delivered(await run({ state: [] }))).toEqual(upTo(15).map((n) => n + 10));
  });

  test('are sent again when their cursor changes with each read, and the cause is logged', async () => {
    await server().execute(
      'CREATE TABLE shop.unstamped (custom_id String, event_name String, n UInt64) ENGINE = MergeTree ORDER BY n',
      "INSERT INTO shop.unstamped SELECT 'u', 'purchase', number FROM numbers(5)",
      'ALTER TABLE shop.unstamped ADD COLUMN last_updated_at DateTime64(6) DEFAULT now64(6)',
    );
    const run = runs('unstamped');
    expect(logs(await run()).join()).not.toContain('WARN');
    const again = await run();
    expect(delivered(again)).toEqual(upTo(5));
    expect(logs(again)).toContainEqual(
      expect.stringMatching(/WARN unstamped: .+ last_updated_at .+MATERIALIZE COLUMN/s),
    );
    await server().execute('ALTER TABLE shop.unstamped MATERIALIZE COLUMN last_updated_at SETTINGS mutations_sync = 2');
    await run();
    const settled = await run();
    expect(delivered(settled)).toEqual([]);
    expect(logs(settled).join()).not.toContain('WARN');
  });

  test('can be replaced by as many new rows without a warning', async () => {
    await table('replaced');
    const run = runs('replaced');
    await insert('replaced', 0, 5, ago(3));
    await run();
    await server().execute('TRUNCATE TABLE shop.replaced');
    await insert('replaced', 5, 10, ago(0));
    const next = await run();
    expect(delivered(next)).toEqual([5, 6, 7, 8, 9]);
    expect(logs(next).join()).not.toContain('WARN');
  });

  test('are deduplicated when lookback_seconds grows, shrinks or becomes 0', async () => {
    await table('changed');
    const run = runs('changed');
    await insert('changed', 0, 5, ago(100));
    await insert('changed', 5, 10, ago(20));
    expect(delivered(await run({ config: { lookback_seconds: 60 } }))).toEqual(upTo(10));
    for (const lookback_seconds of [600, 10, 60, 0]) {
      expect(delivered(await run({ config: { lookback_seconds } }))).toEqual([]);
    }
    await insert('changed', 10, 12, ago(1));
    expect(delivered(await run({ config: { lookback_seconds: 600 } }))).toEqual([10, 11]);
  });

  test('are remembered in each STATE, also when a run is cut off', async () => {
    await table('many', 'DateTime');
    await insert('many', 0, 15_000, ago(400));
    await insert('many', 15_000, 40_000, ago(30));
    await insert('many', 40_000, 45_000, ago(5));
    const whole = await read('many');
    expectSame(delivered(whole), upTo(45_000));
    const lines = whole.stdout.split('\n').filter((line) => line !== '');
    const places = lines.flatMap((line, index) => (line.includes('"type":"STATE"') ? [index] : []));
    const remembering = places.filter((place) => lines[place]?.includes('recent_rows'));
    expect(remembering.length).toBeGreaterThan(3);
    await insert('many', 45_000, 45_010, ago(60));
    const rests = [places[2], remembering[0], remembering[1], remembering.at(-1)].map(async (place) => {
      const before = lines.slice(0, place).map((line) => JSON.parse(line));
      const rest = await read('many', { state: [JSON.parse(lines[place ?? 0] ?? '').state] });
      expectSame(sorted([...numbers({ messages: before }), ...numbers(rest)]), upTo(45_010));
    });
    await Promise.all(rests);
  });
});

// Not in parallel: these use all of the machine.
describe('more rows in the lookback than a state can remember', () => {
  /** Parses only the messages that are not records: there are a quarter of a million of these. */
  function withoutRecords({ stdout }: Finished): Pick<Finished, 'messages'> {
    const others = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('{"type":"RECORD"'));
    return { messages: others.map((line) => JSON.parse(line)) };
  }

  function numbersIn({ stdout }: Finished): number[] {
    return Array.from(stdout.matchAll(/"n":"?(\d+)/g), ([, n]) => Number(n));
  }

  test('are read up to the limit, and the others once they are older, each once', async () => {
    await table('crowd');
    await insert('crowd', 0, 10, ago(400));
    await insert('crowd', 10, MAX_EMITTED_ROWS + 5_000, ago(30));
    const result = await read('crowd');
    expect(result.code).toBe(0);
    const first = withoutRecords(result);
    expect(statuses(first).at(-1)).toBe('COMPLETE');
    const firstNumbers = numbersIn(result);
    expect(firstNumbers).toHaveLength(MAX_EMITTED_ROWS + 10);
    expect(logs(first)).toContainEqual(
      expect.stringMatching(/WARN crowd: More than 250000 rows would have to be remembered.*lower "lookback_seconds"/),
    );
    expect(JSON.stringify(lastState(first)).length).toBeLessThan(2_800_000);
    const run = runs('crowd', lastState(first));
    expect(delivered(await run())).toEqual([]);
    await insert('crowd', MAX_EMITTED_ROWS + 5_000, MAX_EMITTED_ROWS + 5_005, ago(60));
    // A shorter lookback has the same effect as time: the rows are older than it.
    const second = await run({ config: { lookback_seconds: 20 } });
    expectSame(sorted([...firstNumbers, ...numbers(second)]), upTo(MAX_EMITTED_ROWS + 5_005));
    expect(delivered(await run())).toEqual([]);
  });

  test('are a config_error when their cursor lies in the future', async () => {
    await table('future');
    await insert('future', 0, MAX_EMITTED_ROWS + 1, 'now64(6) + toIntervalYear(1)');
    const result = await read('future');
    expect(result.code).toBe(1);
    const others = withoutRecords(result);
    expect(errors(others)).toMatchObject([{ failure_type: 'config_error' }]);
    expectOnPage('cursor_in_future', errors(others)[0]?.message ?? '', [['future: ', 'events: ']]);
    expect(states(others).length).toBeGreaterThan(0);
  });
});

describe.concurrent('the option cursor_lag_seconds', () => {
  test("doesn't read rows until they are old enough", async () => {
    await table('lagging');
    const run = runs('lagging');
    await insert('lagging', 0, 5, ago(100));
    await insert('lagging', 5, 10, ago(20));
    expect(delivered(await run({ config: { cursor_lag_seconds: 60 } }))).toEqual(upTo(5));
    expect(delivered(await run({ config: { cursor_lag_seconds: 60, lookback_seconds: 0 } }))).toEqual([]);
    expect(delivered(await run({ config: { cursor_lag_seconds: 10, lookback_seconds: 0 } }))).toEqual([5, 6, 7, 8, 9]);
  });

  test("with lookback_seconds 0 doesn't read rows of the current second or of the future", async () => {
    await table('second', 'DateTime');
    const config = { lookback_seconds: 0 };
    await insert('second', 0, 5, ago(2));
    await insert('second', 5, 10, 'now() + 3600');
    const run = runs('second');
    expect(delivered(await run({ config }))).toEqual(upTo(5));
    const state = states(await run({ config })).at(-1)?.stream.stream_state;
    expect(state?.recent_rows).toBeUndefined();
  });

  test("and lookback don't apply to a full refresh, which reads all rows", async () => {
    await table('refreshed');
    await insert('refreshed', 0, 5, ago(0));
    const options = { mode: 'full_refresh', config: { cursor_lag_seconds: 60 } } as const;
    expect(delivered(await read('refreshed', options))).toEqual(upTo(5));
  });
});
