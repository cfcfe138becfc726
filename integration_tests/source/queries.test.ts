import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ADMIN, STRANGER } from '../../sandbox/clickhouse/users.ts';
import type { Finished, PrintedMessage } from '../../sandbox/launcher.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { findQueryProblem } from '../../src/source-clickhouse/config/user-sql.ts';
import { buildRowQuery } from '../../src/source-clickhouse/query/row-query.ts';
import { selectAllRows } from '../../src/source-clickhouse/query/selection.ts';
import { quoteString } from '../../src/source-clickhouse/sql.ts';
import { START } from '../../src/source-clickhouse/state/position.ts';
import { findTable } from '../../src/source-clickhouse/streams/named-streams.ts';
import { FaultyProxy, says } from '../support/faulty-proxy.ts';
import { runInProcess } from '../support/in-process.ts';
import { connect } from '../support/row-lines.ts';
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
  sourceConfiguration,
  sourceReader,
  states,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { COLUMNS, FEW, MANY, MANY_ROWS } from './example-tables.ts';

const file = temporaryFiles();
const server = clickHouseWith('shop');
const { read } = sourceReader(server, 'shop', runInProcess);

beforeAll(() =>
  server().execute(
    ...FEW,
    ...MANY_ROWS,
    'CREATE DATABASE granted',
    createTableSql('granted.events'),
    `CREATE TABLE shop.ordered (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    "INSERT INTO shop.ordered SELECT custom_id, 'x', last_updated_at, n, note FROM shop.few",
    'CREATE TABLE shop.raw (user_id UInt64, action String, inserted_at DateTime64(6), amount Float64) ENGINE = MergeTree ORDER BY inserted_at',
    "INSERT INTO shop.raw SELECT number % 7, 'paid', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number FROM numbers(100)",
    "CREATE VIEW shop.grouped AS SELECT custom_id, 'x' AS event_name, max(last_updated_at) AS last_updated_at FROM shop.many GROUP BY custom_id",
  ),
);

/** Runs a statement of the administrator, in which a table without a database is one of this database. */
async function inDatabase(statement: string): Promise<void> {
  const { name, password } = ADMIN;
  const url = `${server().url}/?${new URLSearchParams({ database: 'shop', user: name, password })}`;
  const response = await fetch(url, { method: 'POST', body: statement });
  if (!response.ok) throw new Error(await response.text());
}

/** Options with one query, which is called "q". */
function withQuery(sql: string): Record<string, unknown> {
  return { queries: [{ name: 'q', sql }] };
}

function readQuery(sql: string, { config, ...options }: ReadOptions = {}): Promise<Finished> {
  return read('q', { ...options, config: { ...withQuery(sql), ...config } });
}

async function command(name: 'check' | 'discover', changes: Record<string, unknown>): Promise<Finished> {
  return runInProcess('source-clickhouse', [
    name,
    '--config',
    file('source.json', sourceConfiguration(server(), 'shop', { start_from: 'now', ...changes })),
  ]);
}

/** The numbers of the rows, sorted: rows with one timestamp are read in the order of their hashes. */
function delivered(result: Pick<Finished, 'messages'>): number[] {
  expect(errors(result)).toEqual([]);
  return sorted(numbers(result));
}

function warnings(result: Finished): string[] {
  return logs(result).flatMap((text) => (text.startsWith('WARN ') ? text.slice('WARN '.length) : []));
}

/** SQL of queries. Each is also the SQL of a view. */
const QUERIES: [title: string, sql: string][] = [
  ['a table without its database', 'SELECT * FROM few'],
  [
    'other names and computed columns',
    "SELECT concat('u', toString(n)) AS custom_id, 'order_paid' AS event_name, last_updated_at, n * 2 AS twice, NULL AS nothing, n / 0 AS infinite FROM shop.many",
  ],
  ['a comment at its end', 'SELECT * FROM few -- all of them)'],
  ['WITH', 'WITH some AS (SELECT * FROM few WHERE n > 3) SELECT * FROM some WHERE n < 8'],
  [
    'UNION ALL',
    '(SELECT custom_id, event_name, last_updated_at, n FROM few) UNION ALL SELECT custom_id, event_name, last_updated_at, n FROM many',
  ],
  ['a join', 'SELECT m.*, f.n AS other FROM many AS m LEFT ANY JOIN few AS f ON f.n = m.n'],
  [
    'groups',
    "SELECT custom_id, 'ordered' AS event_name, max(last_updated_at) AS last_updated_at, count() AS orders FROM many GROUP BY custom_id",
  ],
  [
    'names that the query for the rows uses',
    'SELECT custom_id, event_name, last_updated_at, source.n AS source, n AS expression_1, n AS x0, n AS name FROM (SELECT *, n AS expression_2 FROM few) AS source',
  ],
];

describe('a query gives the same stream as a view with the same SQL:', () => {
  let queries: Finished;
  let views: Finished;
  let discovered: Finished;
  let discoveredViews: Finished;

  beforeAll(async () => {
    for (const [index, [, sql]] of QUERIES.entries()) await inDatabase(`CREATE VIEW v${index} AS ${sql}`);
    const catalog = (prefix: string): unknown =>
      catalogOf('incremental', ...QUERIES.map((_, index) => `${prefix}${index}`));
    const config = { queries: QUERIES.map(([, sql], index) => ({ name: `q${index}`, sql })) };
    queries = await read('', { catalog: catalog('q'), config });
    views = await read('', { catalog: catalog('v') });
    discovered = await command('discover', config);
    discoveredViews = await command('discover', {});
  });

  const schemaOf = ({ messages }: Finished, name: string): unknown =>
    messages.flatMap(({ catalog }) => catalog?.streams ?? []).find((stream) => stream.name === name)?.json_schema;

  test.each(QUERIES.map(([title], index) => ({ title, index })))('$title', ({ index }) => {
    expect(errors(queries)).toEqual([]);
    const rows = records(ofStream(queries, `q${index}`));
    expect(rows.length).toBeGreaterThan(0);
    expectSame(rows, records(ofStream(views, `v${index}`)));
    expect(schemaOf(discovered, `q${index}`)).toBeDefined();
    expect(schemaOf(discovered, `q${index}`)).toEqual(schemaOf(discoveredViews, `v${index}`));
  });
});

describe('a query supports what a table supports:', () => {
  test('each STATE resumes at exactly the rows after it, also among rows with one cursor', async () => {
    const sql = 'SELECT custom_id, last_updated_at, n, note FROM many';
    const whole = await readQuery(sql);
    expect(delivered(whole)).toEqual(upTo(MANY));
    const lines = whole.stdout.split('\n').filter((line) => line !== '');
    const positions = lines.flatMap((line, index) => (line.includes('"type":"STATE"') ? [index] : []));
    for (const position of [positions[0], positions[Math.floor(positions.length / 2)], positions.at(-1)]) {
      const state = JSON.parse(lines[position ?? 0] ?? '').state;
      const rest = await readQuery(sql, { state: [state] });
      const after = lines.slice((position ?? 0) + 1).map((line): PrintedMessage => JSON.parse(line));
      expectSame(records(rest), records({ messages: after }));
    }
  });

  test('the lookback reads rows that become visible late, each once', async () => {
    await server().execute(createTableSql('shop.late', 'n UInt64', { orderBy: 'tuple()' }));
    const insert = (from: number, to: number, seconds: number): Promise<void> =>
      server().execute(
        `INSERT INTO shop.late SELECT 'u', 'x', now64(6) - ${seconds}, number FROM numbers(${from}, ${to - from})`,
      );
    let state: unknown[] = [];
    const run = async (): Promise<number[]> => {
      const result = await readQuery("SELECT last_updated_at, n, concat(custom_id, '!') AS custom_id FROM late", {
        state,
      });
      state = lastState(result);
      expect(warnings(result)).toEqual([]);
      return delivered(result);
    };
    await insert(0, 5, 400);
    await insert(5, 10, 3);
    expect(await run()).toEqual(upTo(10));
    await insert(10, 13, 200);
    await insert(13, 15, 0);
    expect(await run()).toEqual([10, 11, 12, 13, 14]);
    expect(await run()).toEqual([]);
  });

  test('start_from, the cursor column and the partition', async () => {
    const config = { cursor_column: 'inserted_at', start_from: '2026-01-01T00:00:50Z' };
    const sql = 'SELECT user_id, inserted_at, amount AS n FROM raw';
    expect(delivered(await readQuery(sql, { config }))).toEqual(upTo(100).slice(50));
    const parts = await Promise.all(
      [0, 1, 2].map((index) =>
        readQuery(sql, { config: { ...config, partition: { index, count: 3, column: 'user_id' } } }),
      ),
    );
    expect(sorted(parts.flatMap(delivered))).toEqual(upTo(100).slice(50));
    const profiles = parts.flatMap((part) => [...new Set(records(part).map(({ user_id }) => user_id))]);
    expect(new Set(profiles).size).toBe(profiles.length);
    const [first] = parts;
    const other = await readQuery(sql, {
      config: { ...config, partition: { index: 0, count: 3, column: 'amount' } },
      state: first && lastState(first),
    });
    expect(errors(other)).toMatchObject([{ message: expect.stringMatching(/has no column "amount"/) }]);
  });

  test('an estimate of the rows that are left', async () => {
    const { messages } = await readQuery('SELECT last_updated_at, n FROM ordered WHERE n < 5');
    expect(messages.flatMap(({ trace }) => trace?.estimate?.row_estimate ?? [])).toEqual([10]);
  });

  test('a type that changes during the read ends it', async () => {
    await server().execute(
      createTableSql('shop.altered', 'n UInt32'),
      "INSERT INTO shop.altered SELECT 'u', 'x', now(), number FROM numbers(3)",
    );
    const clickhouse = connect(server(), 'shop');
    try {
      const configuration = sourceConfigurationSchema.parse({
        host: 'h',
        database: 'shop',
        ...withQuery('SELECT * FROM shop.altered'),
      });
      const table = await findTable(clickhouse, configuration, 'q');
      if (table === undefined) throw new Error('There is no query.');
      const { query, parameters } = buildRowQuery(selectAllRows(table, configuration), START, 0);
      const rows = (): Promise<unknown> => clickhouse.bytes(query, parameters, new AbortController().signal);
      await rows();
      await server().execute('ALTER TABLE shop.altered MODIFY COLUMN n String');
      await expect(rows()).rejects.toMatchObject({ code: 'table_changed' });
    } finally {
      await clickhouse.close();
    }
  });
});

describe('a query whose SQL changes', () => {
  const OLD = 'SELECT custom_id, last_updated_at, n, note FROM many';

  test('continues without a warning when only comments and whitespace change', async () => {
    const state = states(await readQuery(OLD)).slice(0, 1);
    const rest = await readQuery(`-- rows of many\n${OLD.replaceAll(' ', '\n  ')}`, { state });
    expect(warnings(rest)).toEqual([]);
    expect(records(rest).length).toBeLessThan(MANY);
  });

  test('continues at the cursor, and loses no row of a group that was read in part', async () => {
    const { messages } = await readQuery(OLD);
    // The second to last state is inside the large group with one cursor.
    const [place = 0] = messages.flatMap(({ type }, index) => (type === 'STATE' ? [index] : [])).slice(-2);
    const before = numbers({ messages: messages.slice(0, place) });
    expect(before.length).toBeGreaterThan(MANY / 2);
    const rest = await readQuery(OLD.replace('note', "concat(note, '!') AS note"), { state: [messages[place]?.state] });
    expect(sorted([...new Set([...before, ...numbers(rest)])])).toEqual(upTo(MANY));
    // Only the group is read again.
    expect(numbers(rest).length).toBe(MANY / 2);
    expect(warnings(rest)).toEqual([
      expect.stringMatching(
        /^The SQL of "q" has changed since the state was written\. This run continues after 2026-01-02T00:00:00\.000000Z with the new SQL, and earlier rows are not read again\. Rows with the cursor 2026-01-02T00:00:00\.000000Z are read again, and may be sent twice\. To send all rows as the new SQL returns them, reset the stream\.$/,
      ),
    ]);
  });

  test('sends a row of the lookback again only if its values change', async () => {
    await server().execute(
      createTableSql('shop.changing', 'n UInt64'),
      "INSERT INTO shop.changing SELECT 'u', 'x', now64(6), number FROM numbers(6)",
    );
    const first = await readQuery('SELECT last_updated_at, n FROM changing WHERE n < 4');
    expect(delivered(first)).toEqual(upTo(4));
    const state = lastState(first);
    const wider = await readQuery('SELECT last_updated_at, n FROM changing', { state });
    expect(delivered(wider)).toEqual([4, 5]);
    const more = await readQuery('SELECT last_updated_at, n, 1 AS one FROM changing WHERE n < 4', { state });
    expect(delivered(more)).toEqual([]);
    const other = await readQuery(
      'SELECT last_updated_at, if(changing.n = 3, 33, changing.n) AS n FROM changing WHERE changing.n < 4',
      { state },
    );
    expect(delivered(other)).toEqual([33]);
    for (const result of [wider, more, other])
      expect(warnings(result)).toEqual([expect.stringContaining('has changed')]);
  });
});

describe('where', () => {
  test('reads the rows of the table that meet the condition, and continues from the state of the table', async () => {
    const config = { table: 'few', where: 'n % 2 = 0 OR n = 5 -- (' };
    expect(delivered(await read('few', { config }))).toEqual([0, 2, 4, 5, 6, 8]);
    expect(delivered(await read('few', { config: { ...config, use_final: false, partition: {} } }))).toHaveLength(6);
    const state = lastState(await read('few'));
    await server().execute("INSERT INTO shop.few SELECT 'u', 'x', now64(6) - number, number, NULL FROM numbers(10, 3)");
    expect(delivered(await read('few', { config, state }))).toEqual([10, 12]);
    await server().execute('ALTER TABLE shop.few DELETE WHERE n >= 10 SETTINGS mutations_sync = 1');
  });

  test('can use a column of any name, also in the counts of check', async () => {
    await server().execute(
      `CREATE TABLE shop.tallies (${COLUMNS}, counted UInt8) ENGINE = MergeTree ORDER BY last_updated_at`,
      "INSERT INTO shop.tallies SELECT 'u', 'x', now64(6), number, NULL, number FROM numbers(9)",
    );
    const config = { table: 'tallies', where: 'counted > 5', start_from: '1h' };
    expect(logs(await command('check', config))).toEqual([expect.stringMatching(/^INFO .*: 3 rows\.$/)]);
  });

  test('applies to the newest versions of rows with use_final', async () => {
    await server().execute(
      `CREATE TABLE shop.versions (${COLUMNS}) ENGINE = ReplacingMergeTree(last_updated_at) ORDER BY custom_id`,
      ...[1, 2].map((n) => `INSERT INTO shop.versions VALUES ('u', 'x', '2026-01-0${n} 00:00:00', ${n}, NULL)`),
    );
    const config = { table: 'versions', use_final: true };
    expect(delivered(await read('versions', { config: { ...config, where: 'n > 0' } }))).toEqual([2]);
    expect(delivered(await read('versions', { config: { ...config, where: 'n = 1' } }))).toEqual([]);
  });
});

describe('check of a query', () => {
  const RAW = 'SELECT user_id AS custom_id, action AS event_name, inserted_at AS last_updated_at, amount FROM raw';
  const STATUS = (result: Finished): unknown => result.messages.at(-1)?.connectionStatus;

  test.each<[title: string, changes: Record<string, unknown>, expected: RegExp[]]>([
    ['nothing', withQuery(RAW), []],
    [
      'a mapping that has to name other columns',
      withQuery('SELECT user_id, inserted_at AS last_updated_at FROM raw'),
      [
        /^"q" has no columns custom_id and event_name, which the destination reads by default \(event_name only for events\)\. Set "custom_id_column" and "event_name_column" in the mapping of the destination, or select them in the SQL, for example as toString\(`user_id`\) AS custom_id, <event name> AS event_name\.$/,
      ],
    ],
    [
      'a table that the condition on the cursor does not reach',
      withQuery(
        "SELECT toString(user_id) AS custom_id, 'x' AS event_name, max(inserted_at) AS last_updated_at FROM raw GROUP BY user_id",
      ),
      [/^Each run reads all rows of the tables of "q", however few are new: shop\.raw \(100\)\. .*last_updated_at/],
    ],
    [
      'a cursor that is the time of the query',
      withQuery("SELECT 'u' AS custom_id, 'x' AS event_name, now64(6) + 1 AS last_updated_at FROM numbers(3)"),
      [/^The last_updated_at of 3 rows of "q" changes each time it is read.* select a stored column instead/],
    ],
    [
      'rows of a table that is also a stream',
      { table: 'ordered', queries: [{ name: 'q', sql: 'SELECT * FROM shop.ordered WHERE n > 3' }] },
      [/^The query "q" selects from "ordered", which is a stream too\./],
    ],
    [
      'a view that groups rows',
      { table: 'grouped' },
      [/^Each run reads all rows of the tables of "grouped", however few are new: shop\.many \(30,000\)/],
    ],
  ])('warns of %s', async (_, changes, expected) => {
    const result = await command('check', changes);
    expect(STATUS(result)).toMatchObject({ status: 'SUCCEEDED' });
    expect(warnings(result)).toEqual(expected.map((text) => expect.stringMatching(text)));
  });

  test('does not warn of a full scan if the server refuses EXPLAIN', async () => {
    const refused = 'Code: 497. DB::Exception: reader: Not enough privileges. (ACCESS_DENIED)';
    const proxy = await FaultyProxy.start(server(), [{ words: 'EXPLAIN ESTIMATE', faults: [says(403, refused)] }]);
    try {
      const result = await command('check', { table: 'grouped', port: proxy.port });
      expect([STATUS(result), warnings(result), proxy.faultsLeft]).toMatchObject([{ status: 'SUCCEEDED' }, [], 0]);
    } finally {
      proxy.close();
    }
  });

  test.each<[title: string, changes: Record<string, unknown>, expected: RegExp]>([
    [
      'a table that does not exist',
      withQuery('SELECT * FROM nowhere'),
      /^The query "q" can't be run\. ClickHouse said: .*nowhere.*UNKNOWN_TABLE\)\. Run the SQL without this connector/,
    ],
    ['a syntax error', withQuery('SELECT a b c FROM few'), /^The query "q" can't be run\. .*SYNTAX_ERROR/],
    [
      'a column that does not exist',
      { table: 'few', where: 'price > 3' },
      /^The condition in "where" can't be run\. .*price.*UNKNOWN_IDENTIFIER/,
    ],
    [
      'a cursor that is missing',
      withQuery('SELECT user_id, inserted_at FROM raw'),
      /^The query "q" returns no column last_updated_at\. .*for example as `inserted_at` AS last_updated_at/,
    ],
    [
      'a misspelt cursor',
      { ...withQuery('SELECT user_id, inserted_at FROM raw'), cursor_column: 'insertd_at' },
      /there is "inserted_at" in "q"\. Use that name/,
    ],
    [
      'two columns with one name',
      withQuery('SELECT 1 AS a, 2 AS a, inserted_at AS last_updated_at FROM raw'),
      /^The query "q" (returns more than one column "a"|can't be run)/,
    ],
    [
      'a table that the user may not read',
      {
        ...withQuery('SELECT * FROM shop.few'),
        username: STRANGER.name,
        password: STRANGER.password,
        database: 'granted',
      },
      /GRANT SELECT.* ON shop\.few TO `stranger`/,
    ],
    [
      'a stream among several',
      { table: 'few', queries: [{ name: 'q', sql: "SELECT last_updated_at, throwIf(n > 3, 'too many') FROM few" }] },
      /^The stream "q" can't be read\. ClickHouse said: too many/,
    ],
    [
      'SQL that could end the subquery',
      withQuery('SELECT 1) UNION ALL (SELECT 2'),
      /is not usable: queries\.0\.sql contains a "\)" that closes no bracket/,
    ],
  ])('reports %s', async (_, changes, expected) => {
    expect(STATUS(await command('check', changes))).toMatchObject({
      status: 'FAILED',
      message: expect.stringMatching(expected),
    });
  });

  test('reports a missing database as such, and not as an error in the SQL', async () => {
    const result = await command('discover', { ...withQuery('SELECT * FROM few'), database: 'nowhere' });
    expect(errors(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/The database "nowhere" does not exist/) }),
    ]);
  });
});

/** Pieces of SQL that versions of ClickHouse may split differently, or that open and close what is around them. */
const PIECES = "( ) [ ] { } ' \" ` \\ -- /* */ // # #! # \n $ $$ $a$ ; a 1 , . x' “ ” ‘ ’ − SELECT FROM"
  .split(' ')
  .flatMap((piece) => [piece, `${piece} `]);

test('SQL that is accepted is also a complete SELECT for the parser of the server', async () => {
  const piecesOfSql = fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((pieces) => pieces.join(''));
  const escaping = fc
    .tuple(piecesOfSql, piecesOfSql)
    .map(([a, b]) => `SELECT 1 ${a}) AS a UNION ALL SELECT * FROM (SELECT 2 ${b}`);
  const any = fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }).map((pieces) => `SELECT 1, ${pieces.join('')}`);
  const accepted = fc.sample(fc.oneof(escaping, any), 8_000).filter((sql) => findQueryProblem(sql) === undefined);
  const escapes = await server().query<{ sql: string }>(
    `SELECT arrayJoin([${accepted.map(quoteString).join(', ')}]) AS sql
     WHERE isNotNull(formatQueryOrNull(concat('SELECT * FROM (\\n', sql, '\\n) AS source'))) AND isNull(formatQueryOrNull(sql))`,
  );
  expect(accepted.length).toBeGreaterThan(100);
  expect(escapes).toEqual([]);
});
