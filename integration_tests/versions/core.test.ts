import { beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { chosenEngine, isOlder } from '../../sandbox/clickhouse/engines/engines.ts';
import { READER, readerWith, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { quoteString } from '../../src/source-clickhouse/sql.ts';
import { execute } from '../support/row-lines.ts';
import {
  catalogOf,
  checkStatus,
  clickHouseWith,
  errors,
  lastState,
  logs,
  numbers,
  ofStream,
  records,
  sourceConfiguration,
  sourceReader,
  states,
  temporaryFiles,
} from '../support/support.ts';
import { RowCount, statesWithin } from './ledger.ts';
import { missingType } from './missing-type.ts';
import { ADDED_TYPES, OLD_TYPES, type TypeCase } from './type-cases.ts';

// What every version of ClickHouse must do: SQL in, rows out, through the launcher. It needs nothing else of a server,
// so that it runs on engines that have no users, streams or concurrent queries.

/** The analyzer of versions before 24.3, which profiles may still ask for. */
const OLD_ANALYZER = readerWith('old_analyzer_reader', { settings: { allow_experimental_analyzer: 0 } });

const { version } = chosenEngine();

/** How long an engine may take that starts with each request, on a busy machine, in milliseconds. */
const SLOW_ENGINE_MS = 600_000;
vi.setConfig({ testTimeout: SLOW_ENGINE_MS, hookTimeout: SLOW_ENGINE_MS });

/** Before 24.3 the old analyzer is the default one, and 26.9 removed it. */
const HAS_TWO_ANALYZERS = isOlder(version, '26.9') && !isOlder(version, '24.3');

const ANALYZERS: [analyzer: string, database: string, user: SandboxUser][] = [
  ['the default analyzer', 'core', READER],
  ['the old analyzer', 'core_old', OLD_ANALYZER],
];

const server = clickHouseWith('core', HAS_TWO_ANALYZERS ? [OLD_ANALYZER] : []);
beforeAll(() => server().execute('CREATE DATABASE core_old'));

const file = temporaryFiles();

const KEY = 'custom_id String, event_name String, last_updated_at DateTime64(6), n UInt64';

type Scenario = {
  /** What is read: a table, a view or a query. */
  name: string;
  /** The table with the same rows as a query. */
  table?: string;
  title: string;
  /** Statements before each run. The database is the current one. */
  runs: string[][];
  config?: Record<string, unknown>;
  /** How many readers share the rows. */
  readers?: number;
  /** Whether the first run is continued from each of its states. */
  resumes?: boolean;
  /** Some values of the row whose n is 0. */
  values?: Record<string, unknown>;
};

/** Servers before 26.1 that look for columns of mostly defaults fail at aggregate states inside other types. */
const NOT_SPARSE = 'SETTINGS ratio_of_defaults_for_sparse_serialization = 1';

const START_MS = Date.now();

/** A timestamp this number of seconds before the test began. */
function ago(seconds: number): string {
  return stamp(new Date(START_MS - seconds * 1000));
}

function stamp(time: Date): string {
  return `toDateTime64('${time.toISOString().slice(0, -1).replace('T', ' ')}', 6, 'UTC')`;
}

/** The lookback of the tests, in seconds: so long that no row becomes older than that during a test. */
const LOOKBACK = { lookback_seconds: 7 * 24 * 3600 };

/** Older than that. */
const OLD = stamp(new Date('2026-01-01T00:00:00Z'));

/** Rows whose `n` is from … to - 1, with a timestamp and more columns in SQL, in which `number` is n. */
function rows(table: string, from: number, to: number, stampSql: string, more = ''): string {
  return `INSERT INTO ${table} SELECT concat('u', toString(number % 7)), 'purchase', ${stampSql}, number${more} FROM numbers(${from}, ${to - from})`;
}

/** Columns that contain a NULL in the rows with an even `n`, and their values in SQL. */
const NULLS: [name: string, type: string, value: string][] = [
  ['a', 'Nullable(String)', "if(number % 2 = 0, NULL, 'x')"],
  ['b', 'LowCardinality(Nullable(String))', "if(number % 2 = 0, NULL, 'x')"],
  ['c', 'Array(Nullable(Int32))', '[if(number % 2 = 0, NULL, 1), 2]'],
  ['d', 'Map(String, Nullable(Int32))', "map('k', if(number % 2 = 0, NULL, 1))"],
  ['e', 'Tuple(x Nullable(Int32), y String)', "tuple(if(number % 2 = 0, NULL, 1), 'y')"],
  ['f', 'Nullable(DateTime64(3))', 'if(number % 2 = 0, NULL, toDateTime64(1, 3))'],
  ['g', 'Nullable(Float64)', 'if(number % 2 = 0, NULL, 1.5)'],
];
const NULLS_OF_ROW = NULLS.map(([, type, value]) => `, CAST(${value}, '${type}')`).join('');

const SCENARIOS: Scenario[] = [
  {
    name: 'pages',
    title: 'rows in several pages',
    runs: [
      [
        `CREATE TABLE pages (${KEY}, note String) ENGINE = MergeTree ORDER BY last_updated_at`,
        rows('pages', 0, 5000, `${OLD} + intDiv(number, 100)`, ", repeat('x', 400)"),
      ],
      [rows('pages', 5000, 5010, ago(5), ", ''")],
    ],
    resumes: true,
  },
  {
    name: 'ties',
    title: 'rows in several pages that share one cursor, in several parts of a table with a different order',
    runs: [
      [
        `CREATE TABLE ties (${KEY}, note String) ENGINE = MergeTree ORDER BY custom_id`,
        rows('ties', 0, 2500, OLD, ", repeat('x', 400)"),
        rows('ties', 2500, 5000, OLD, ", repeat('y', 400)"),
      ],
    ],
    resumes: true,
  },
  {
    name: 'late',
    title: 'rows that appear after rows with a later cursor, within the lookback',
    runs: [
      [
        `CREATE TABLE late (${KEY}) ENGINE = MergeTree ORDER BY tuple()`,
        rows('late', 0, 10, OLD),
        rows('late', 10, 20, ago(3)),
      ],
      [rows('late', 20, 25, ago(200)), rows('late', 25, 30, ago(1))],
      [],
    ],
  },
  {
    name: 'same_second',
    title: 'rows that appear with the cursor of the last row, a DateTime that may be NULL',
    runs: [
      [
        'CREATE TABLE same_second (custom_id String, event_name String, last_updated_at Nullable(DateTime), n UInt64) ENGINE = MergeTree ORDER BY tuple()',
        rows('same_second', 0, 5, ago(100)),
      ],
      [rows('same_second', 5, 10, ago(100))],
      [],
    ],
  },
  {
    name: 'integers',
    title: 'an integer as the cursor',
    runs: [
      [
        `CREATE TABLE integers (${KEY}, id Int64) ENGINE = MergeTree ORDER BY id`,
        rows('integers', 0, 50, OLD, ', toInt64(number) - 25'),
      ],
      [rows('integers', 50, 60, OLD, ', toInt64(number) - 25')],
    ],
    config: { cursor_column: 'id' },
  },
  {
    name: 'newest_versions',
    title: 'FINAL on a ReplacingMergeTree with versions in several parts',
    runs: [
      [
        `CREATE TABLE newest_versions (${KEY}) ENGINE = ReplacingMergeTree(last_updated_at) ORDER BY custom_id`,
        rows('newest_versions', 0, 7, OLD),
      ],
      [rows('newest_versions', 8, 11, ago(5))],
      [rows('newest_versions', 17, 18, ago(900)), rows('newest_versions', 22, 23, ago(1))],
    ],
    config: { use_final: true },
  },
  {
    name: 'shared',
    title: 'several readers that share the rows',
    runs: [
      [
        `CREATE TABLE shared (${KEY}) ENGINE = MergeTree ORDER BY last_updated_at`,
        rows('shared', 0, 300, `${OLD} + intDiv(number, 50)`),
      ],
      [rows('shared', 300, 330, ago(10))],
    ],
    readers: 2,
  },
  {
    name: 'through_view',
    title: 'a view with columns that are computed, joined and NULL',
    runs: [
      [
        `CREATE TABLE base (${KEY}) ENGINE = MergeTree ORDER BY last_updated_at`,
        'CREATE TABLE people (custom_id String, country Nullable(String)) ENGINE = MergeTree ORDER BY custom_id',
        "INSERT INTO people VALUES ('u0', 'FR'), ('u1', NULL)",
        `CREATE VIEW through_view AS SELECT base.custom_id AS custom_id, upper(event_name) AS event_name, last_updated_at, n,
           nullIf(n % 3, 0) AS third, people.country AS country, NULL AS nothing
         FROM base LEFT ANY JOIN people ON people.custom_id = base.custom_id`,
        rows('base', 0, 100, `${OLD} + number`),
      ],
      [rows('base', 100, 110, ago(10))],
    ],
    values: { event_name: 'PURCHASE', third: null, country: 'FR', nothing: null },
  },
  {
    name: 'through_query',
    table: 'queried',
    title: 'a query that computes and joins columns, several readers',
    runs: [
      [
        `CREATE TABLE queried (${KEY}) ENGINE = MergeTree ORDER BY last_updated_at`,
        'CREATE TABLE places (n UInt64, place Nullable(String)) ENGINE = MergeTree ORDER BY n',
        "INSERT INTO places VALUES (0, 'FR'), (1, NULL)",
        rows('queried', 0, 100, `${OLD} + intDiv(number, 20)`),
        rows('queried', 100, 110, ago(10)),
      ],
      [rows('queried', 110, 120, ago(20))],
      [],
    ],
    config: {
      queries: [
        {
          name: 'through_query',
          sql: `WITH all_of_them AS (SELECT * FROM queried)
            SELECT all_of_them.custom_id AS custom_id, upper(event_name) AS event_name, last_updated_at, n,
              nullIf(n % 3, 0) AS third, places.place AS country, NULL AS nothing
            FROM all_of_them LEFT ANY JOIN places ON places.n = all_of_them.n -- the end)`,
        },
      ],
    },
    readers: 2,
    values: { event_name: 'PURCHASE', third: null, country: 'FR', nothing: null },
  },
  {
    name: 'some',
    title: 'the rows of a table that meet a condition',
    runs: [
      [
        `CREATE TABLE some (${KEY}) ENGINE = MergeTree ORDER BY last_updated_at`,
        rows('some', 0, 100, `${OLD} + intDiv(number, 20)`),
        rows('some', 100, 110, ago(10)),
      ],
      [rows('some', 110, 120, ago(20))],
    ],
    config: { table: 'some', where: 'n < 1000 OR isNull(custom_id)' },
    resumes: true,
  },
  {
    name: 'nulls',
    title: 'NULL in Nullable, LowCardinality, Array, Map and Tuple',
    runs: [
      [
        `CREATE TABLE nulls (${KEY}, ${NULLS.map(([name, type]) => `${name} ${type}`).join(', ')}) ENGINE = MergeTree ORDER BY last_updated_at`,
        rows('nulls', 0, 4000, `${OLD} + intDiv(number, 1000)`, NULLS_OF_ROW),
        rows('nulls', 4000, 4020, ago(10), NULLS_OF_ROW),
      ],
      [rows('nulls', 4020, 4040, ago(20), NULLS_OF_ROW)],
      [],
    ],
    resumes: true,
    values: { a: null, b: null, c: [null, 2], d: { k: null }, e: { x: null, y: 'y' }, f: null, g: null },
  },
  {
    name: 'widened',
    title: 'columns that are added between two runs, one of them with a DEFAULT',
    runs: [
      [
        `CREATE TABLE widened (${KEY}) ENGINE = MergeTree ORDER BY last_updated_at`,
        rows('widened', 0, 100, `${OLD} + intDiv(number, 10)`),
        rows('widened', 100, 110, ago(30)),
      ],
      [
        "ALTER TABLE widened ADD COLUMN origin String DEFAULT concat('web', toString(n))",
        'ALTER TABLE widened ADD COLUMN note Nullable(String)',
        rows('widened', 110, 120, ago(60), ", 'app', NULL"),
      ],
      [rows('widened', 120, 130, ago(5), ", 'app', 'x'")],
    ],
    values: { origin: 'web0', note: null },
  },
];

describe.each(HAS_TWO_ANALYZERS ? ANALYZERS : ANALYZERS.slice(0, 1))('with %s', (_, database, user) => {
  const { read } = sourceReader(server, database);

  /** The statements are written for the current database, and an engine may start a new session with each. */
  const inDatabase = async (statement: string): Promise<void> => {
    const response = await fetch(`${server().url}/?${new URLSearchParams({ database })}`, {
      method: 'POST',
      body: statement,
      headers: { authorization: `Basic ${Buffer.from('admin:admin-secret').toString('base64')}` },
    });
    if (!response.ok) throw new Error(await response.text());
  };

  const rowsIn = async (name: string, clause: string): Promise<number[]> =>
    (await server().query<{ n: string }>(`SELECT toString(n) AS n FROM ${database}.${name}${clause}`)).map(({ n }) =>
      Number(n),
    );

  async function runScenario(scenario: Scenario, context: TestContext): Promise<void> {
    const { name, runs, config = {}, readers = 1, resumes = false, values = {}, table = name } = scenario;
    const count = new RowCount(context);
    const failures: string[] = [];
    const readBy = async (reader: number, mode: 'incremental' | 'full_refresh', state?: unknown): Promise<Finished> => {
      const partition = readers === 1 ? {} : { partition: { index: reader, count: readers } };
      const result = await read(name, {
        mode,
        user,
        config: { ...LOOKBACK, ...config, ...partition },
        ...(state === undefined ? {} : { state }),
      });
      failures.push(...messagesOf(result));
      return result;
    };
    const all = Array.from({ length: readers }, (_, reader) => reader);
    const final = config.use_final === true ? ' FINAL' : '';
    const visible = new Set<number>();
    const delivered: number[] = [];
    const kept: unknown[] = [];
    for (const [round, statements] of runs.entries()) {
      for (const statement of statements) await inDatabase(statement);
      for (const n of await rowsIn(table, final)) visible.add(n);
      const results = await Promise.all(all.map((reader) => readBy(reader, 'incremental', kept[reader])));
      delivered.push(...results.flatMap(numbers));
      for (const [reader, result] of results.entries()) {
        if (states(result).length > 0) kept[reader] = lastState(result);
      }
      const [first] = results;
      if (round > 0 || !resumes || first === undefined) continue;
      for (const { before, state } of statesWithin(first)) {
        count.add(visible, [...before, ...numbers(await readBy(0, 'incremental', [state]))]);
      }
    }
    count.add(visible, delivered);

    const whole = await Promise.all(all.map((reader) => readBy(reader, 'full_refresh')));
    count.add(await rowsIn(table, final), whole.flatMap(numbers));
    if (failures.length > 0) throw new Error([...new Set(failures)].join('\n'));
    expect(count.total).toMatchObject({ lost: 0, duplicated: 0 });
    if (resumes) expect(count.total.rows).toBeGreaterThan(3 * visible.size);
    const found = whole.flatMap(records).find(({ n }) => n === 0);
    if (Object.keys(values).length > 0) expect(found).toMatchObject(values);
  }

  describe.concurrent('each row is read once:', () => {
    for (const scenario of SCENARIOS) test(scenario.title, (context) => runScenario(scenario, context));
  });

  // After the scenarios, because it checks their tables.
  test('check finds nothing wrong', async () => {
    for (const table of ['pages', 'nulls', 'through_view']) {
      const configuration = sourceConfiguration(server(), database, { ...server().connection(user), table });
      const { status } = await checkStatus('source-clickhouse', file('source.json', configuration));
      expect(status).toBe('SUCCEEDED');
    }
  });

  test('discover lists the tables and views', async () => {
    const configuration = sourceConfiguration(server(), database, server().connection(user));
    const result = await run('source-clickhouse', ['discover', '--config', file('source.json', configuration)]);
    expect(messagesOf(result)).toEqual([]);
    const names = result.messages.flatMap(({ catalog }) => catalog?.streams.map(({ name }) => name) ?? []);
    expect(names).toEqual(expect.arrayContaining(SCENARIOS.map(({ name, table = name }) => table)));
  });

  test('check warns of a query that reads a whole table in each run', async () => {
    const sql =
      "SELECT custom_id, 'x' AS event_name, max(last_updated_at) AS last_updated_at FROM pages GROUP BY custom_id";
    const changes = { ...server().connection(user), start_from: 'now', queries: [{ name: 'grouped', sql }] };
    const config = file('source.json', sourceConfiguration(server(), database, changes));
    const result = await run('source-clickhouse', ['check', '--config', config]);
    expect(logs(result).filter((text) => text.startsWith('WARN '))).toEqual([
      expect.stringMatching(/^WARN Each run reads all rows of the tables of "grouped"/),
    ]);
    expect(result.messages.at(-1)?.connectionStatus?.status).toBe('SUCCEEDED');
  });

  describe('a column of the type', () => {
    const tables = new Map<TypeCase, string>();
    const refusals = new Map<TypeCase, string>();
    let first: Finished;
    let second: Finished;

    beforeAll(async () => {
      for (const [index, each] of [...OLD_TYPES, ...ADDED_TYPES].entries()) {
        const name = `type${index}`;
        // An older version may use this name for another type.
        const missing = missingType(each[0]);
        if (missing !== undefined) {
          refusals.set(each, missing);
          continue;
        }
        try {
          await createTable(name, each);
        } catch (error) {
          refusals.set(each, `${error}`.split('\n')[0] ?? '');
          continue;
        }
        await insertValue(name, each);
        tables.set(each, name);
      }
      const catalog = catalogOf('incremental', ...tables.values());
      // Rows of the lookback: the second run deduplicates them by their hashes.
      const options = { user, catalog, config: LOOKBACK };
      first = await read('', options);
      second = await read('', { ...options, state: states(first) });
    });

    test('any, all in one query', async () => {
      const columns = [...tables.keys()].map(([type, value], index) => ({
        name: `c${index}`,
        type,
        value: `CAST(${value}, ${quoteString(type)})`,
      }));
      const definitions = columns.map(({ name, type }) => `${name} ${type}`).join(', ');
      const create = `CREATE TABLE ${database}.all_types (${KEY}, ${definitions}) ENGINE = MergeTree ORDER BY tuple() ${NOT_SPARSE}`;
      await execute(server(), create);
      await execute(
        server(),
        `INSERT INTO ${database}.all_types SELECT 'u', 'purchase', ${ago(60)}, 0, ${columns.map(({ value }) => value).join(', ')}`,
      );
      const result = await read('q', { user, config: { queries: [{ name: 'q', sql: 'SELECT * FROM all_types' }] } });
      expect(messagesOf(result)).toEqual([]);
      const [row = {}] = records(result);
      expect(columns.map(({ name }) => row[name])).toEqual([...tables.keys()].map(([, , json]) => json));
    });

    async function createTable(name: string, [type]: TypeCase): Promise<void> {
      const columns = `${KEY}, c ${type}`;
      await execute(
        server(),
        `CREATE TABLE ${database}.${name} (${columns}) ENGINE = MergeTree ORDER BY tuple() ${NOT_SPARSE}`,
      );
    }

    async function insertValue(name: string, [type, value]: TypeCase): Promise<void> {
      const cast = `CAST(${value}, ${quoteString(type)})`;
      await execute(
        server(),
        `INSERT INTO ${database}.${name} SELECT 'u', 'purchase', ${ago(60)}, number, ${cast} FROM numbers(3)`,
      );
    }

    async function expectValue(each: TypeCase, context: TestContext): Promise<void> {
      const refusal = refusals.get(each);
      if (refusal !== undefined) {
        if (OLD_TYPES.includes(each)) throw new Error(refusal);
        context.skip(refusal);
      }
      const name = tables.get(each) ?? '';
      const count = new RowCount(context);
      const read = ofStream(first, name);
      count.add([0, 1, 2], numbers(read));
      count.add([], numbers(ofStream(second, name)));
      const failures = messagesOf(first).filter((message) => message.startsWith(`${name}: `));
      if (failures.length > 0) throw new Error(failures.join('\n'));
      expect(count.total).toMatchObject({ lost: 0, duplicated: 0 });
      const [, , json] = each;
      for (const { c } of records(read)) expect(c).toEqual(json);
    }

    for (const each of [...OLD_TYPES, ...ADDED_TYPES]) {
      const [type, value] = each;
      test(`${type} with the value ${value} is sent as its value, once`, (context) => expectValue(each, context));
    }
  });
});

function messagesOf(result: Finished): string[] {
  return errors(result).map(({ message }) => message);
}
