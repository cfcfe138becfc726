import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { proposeView } from '../../src/source-clickhouse/check/suggestions.ts';
import type { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { readCursor } from '../../src/source-clickhouse/query/record-line.ts';
import { buildRowQuery, type RowSelection } from '../../src/source-clickhouse/query/row-query.ts';
import { listTables } from '../../src/source-clickhouse/schema/table.ts';
import { quoteIdentifier } from '../../src/source-clickhouse/sql.ts';
import { type Position, START } from '../../src/source-clickhouse/state/position.ts';
import {
  connect,
  EMITTED_AT,
  execute,
  linesAfter as linesFor,
  OLD_ANALYZER_READER,
  partsOf,
  selectionOf,
} from '../support/row-lines.ts';

const DATABASE = 'sh`op "1"';

let server: ClickHouseServer;
let clickhouse: ClickHouse;
let oldAnalyzer: ClickHouse;

beforeAll(async () => {
  server = await ClickHouseServer.start(undefined, [OLD_ANALYZER_READER]);
  clickhouse = connect(server, DATABASE);
  oldAnalyzer = connect(server, DATABASE, OLD_ANALYZER_READER);
  await execute(server, `CREATE DATABASE ${quoteIdentifier(DATABASE)}`);
});

afterAll(async () => {
  await clickhouse?.close();
  await oldAnalyzer?.close();
  await server?.stop();
});

/** A column's name, its type, and the SQL of its value. */
type Column = [name: string, type: string, value: string];

const REQUIRED: Column[] = [
  ['custom_id', 'String', "'the user'"],
  ['event_name', 'String', "'the event'"],
  ['last_updated_at', 'DateTime64(3)', "toDateTime64('2026-01-01 00:00:00.5', 3, 'UTC')"],
];

/** A table with the required columns and more, and one row in it. */
async function table(name: string, ...columns: Column[]): Promise<RowSelection> {
  const all = [...REQUIRED, ...columns];
  const full = `${quoteIdentifier(DATABASE)}.${quoteIdentifier(name)}`;
  const definitions = all.map(([column, type]) => `${quoteIdentifier(column)} ${type}`);
  await execute(server, `DROP TABLE IF EXISTS ${full}`);
  await execute(server, `CREATE TABLE ${full} (${definitions.join(', ')}) ENGINE = MergeTree ORDER BY tuple()`);
  await execute(server, `INSERT INTO ${full} SELECT ${all.map(([, , value]) => value).join(', ')}`);
  return selectionOf(clickhouse, DATABASE, name);
}

/** The lines of the rows after a position, which both analyzers of the server write the same. */
async function linesAfter(selection: RowSelection, position: Position | undefined): Promise<Buffer[]> {
  const lines = await linesFor(clickhouse, selection, position);
  expect((await linesFor(oldAnalyzer, selection, position)).map(String)).toEqual(lines.map(String));
  return lines;
}

/** What is sent for the only row of a table, from the start and from the row itself. */
async function dataOf(selection: RowSelection): Promise<Record<string, string>> {
  const [line] = await linesAfter(selection, undefined);
  if (line === undefined) throw new Error('There is no row.');
  const again = await linesAfter(selection, {
    kind: 'inside-group',
    cursor: readCursor(line, 'last_updated_at'),
    rowHash: JSON.parse(partsOf(line).get('row_hash') ?? ''),
    rows: 1,
  });
  expect(again.map(String)).toEqual([line.toString()]);
  return Object.fromEntries(partsOf(line, 'record', 'data'));
}

const REQUIRED_DATA = {
  custom_id: '"the user"',
  event_name: '"the event"',
  last_updated_at: '"2026-01-01T00:00:00.500Z"',
};

test('columns with names that the query itself uses keep their own values', async () => {
  const names = [
    'type',
    'record',
    'row_hash',
    'stream',
    'namespace',
    'emitted_at',
    'data',
    'cursor',
    'c0',
    'x',
    'k',
    'v',
    'x0',
    'k0',
    'v0',
    'name',
    'nulled',
    'source',
    'expression_1',
    'expression_3',
  ];
  const columns: Column[] = [
    ...names.map((name, index): Column => [name, 'UInt8', String(index)]),
    // So that the query looks for NaN.
    ['price', 'Float64', '0.5'],
  ];
  const selection = await table('likenesses', ...columns);
  expect(await dataOf(selection)).toEqual({
    ...REQUIRED_DATA,
    ...Object.fromEntries(names.map((name, index) => [name, String(index)])),
    price: '0.5',
  });
  const [line] = await linesAfter(selection, undefined);
  const { data: _, ...record } = Object.fromEntries(partsOf(line ?? Buffer.of(), 'record'));
  expect(record).toEqual({
    stream: '"likenesses"',
    namespace: JSON.stringify(DATABASE),
    emitted_at: String(EMITTED_AT),
  });
});

test('columns with the names of function arguments keep their own values', async () => {
  const selection = await table(
    'arguments',
    ['x', 'Array(Array(DateTime))', '[[toDateTime(1)]]'],
    ['k', 'Map(String, Map(String, UInt64))', "map('k', map('v', 1))"],
    ['v', 'Array(Map(String, Array(DateTime)))', "[map('x', [toDateTime(2)])]"],
  );
  expect(await dataOf(selection)).toEqual({
    ...REQUIRED_DATA,
    x: '[["1970-01-01T00:00:01Z"]]',
    k: '{"k":{"v":1}}',
    v: '[{"x":["1970-01-01T00:00:02Z"]}]',
  });
});

describe('a column may have the name', () => {
  test.each([
    'a`b"c\\d',
    "it's",
    'a b',
    ' ',
    'a.b',
    'a,b',
    'a)b',
    '1a',
    '*',
    '-- x',
    '/*',
    ';',
    'select',
    'FROM',
    'NULL',
    'SETTINGS',
    'CUSTOM_ID',
    '_part',
    '_table',
    '{stream:String}',
    '{x}',
    '%s',
    '$1',
    '?',
    '\\n',
    'new\nline',
    'tab\t',
    'é€😀',
    '\u2028',
    '__proto__',
    'constructor',
    'row_hash":"1"}',
    'x'.repeat(200),
  ])('%j', async (name) => {
    const selection = await table('names', [name, 'DateTime', 'toDateTime(7)'], ['behind', 'UInt8', '8']);
    const [line] = await linesAfter(selection, undefined);
    const data = partsOf(line ?? Buffer.of(), 'record', 'data');
    expect([...data.keys()]).toEqual(['custom_id', 'event_name', 'last_updated_at', name, 'behind']);
    expect(data.get(name)).toBe('"1970-01-01T00:00:07Z"');
    expect(data.get('behind')).toBe('8');
    expect(readCursor(line ?? Buffer.of(), 'last_updated_at')).toBe('2026-01-01T00:00:00.500Z');
  });
});

describe('an element of a Tuple may have the name', () => {
  test.each(['we`ird, na)me', 'back\\slash', "it's", 'a b', '1', 'custom_id', 'new\nline', 'tab\t', '\\n', 'é', '"'])(
    '%j',
    async (name) => {
      const type = `Array(Tuple(${quoteIdentifier(name)} DateTime, other UInt8))`;
      const selection = await table('elements', ['c', type, '[(toDateTime(7), 8)]']);
      const { c } = await dataOf(selection);
      expect(JSON.parse(c ?? '')).toEqual([{ [name]: '1970-01-01T00:00:07Z', other: 8 }]);
    },
  );
});

describe('a column whose parts have the names of other columns does not replace them:', () => {
  const names = ['t', 'T', 'table', 'row', 'events'];

  test('a Tuple with the name that the query gives the table', async () => {
    const { query } = buildRowQuery(await table('events'), START, EMITTED_AT);
    const [, alias = 't'] = /^FROM .+ AS `?([^`\s]+)`?$/m.exec(query) ?? [];
    const selection = await table('events', [alias, 'Tuple(custom_id String)', "tuple('inner')"]);
    expect(await dataOf(selection)).toEqual({ ...REQUIRED_DATA, [alias]: '{"custom_id":"inner"}' });
  });

  test.each(names)('a Tuple called %s', async (name) => {
    const selection = await table('events', [name, 'Tuple(custom_id String, b DateTime)', "('inner', toDateTime(9))"]);
    expect(await dataOf(selection)).toEqual({
      ...REQUIRED_DATA,
      [name]: '{"custom_id":"inner","b":"1970-01-01T00:00:09Z"}',
    });
  });

  test.each(names)('a Nested called %s', async (name) => {
    const selection = await table('events', [name, 'Nested(custom_id String, b UInt8)', "[('inner', 9)]"]);
    expect(await dataOf(selection)).toEqual({ ...REQUIRED_DATA, [name]: '[{"custom_id":"inner","b":9}]' });
  });

  test.each(names)('a JSON called %s', async (name) => {
    const selection = await table('events', [name, 'JSON', `'{"custom_id":"inner","last_updated_at":1}'`]);
    expect(await dataOf(selection)).toEqual({ ...REQUIRED_DATA, [name]: '{"custom_id":"inner","last_updated_at":1}' });
  });

  test.each(names)('a Map called %s', async (name) => {
    const selection = await table('events', [name, 'Map(String, String)', "map('custom_id', 'inner')"]);
    expect(await dataOf(selection)).toEqual({ ...REQUIRED_DATA, [name]: '{"custom_id":"inner"}' });
  });

  test.each(names)('a column that begins with %s and a dot', async (name) => {
    const selection = await table('events', [`${name}.custom_id`, 'String', "'inner'"], [name, 'UInt8', '1']);
    expect(await dataOf(selection)).toEqual({ ...REQUIRED_DATA, [`${name}.custom_id`]: '"inner"', [name]: '1' });
  });

  test('a column with the name that the server gives a part of another', async () => {
    const selection = await table(
      'events',
      ['n', 'Nullable(UInt8)', 'NULL'],
      ['n.null', 'UInt8', '7'],
      ['a', 'Array(UInt8)', '[1]'],
      ['a.size0', 'UInt64', '99'],
    );
    expect(await dataOf(selection)).toEqual({
      ...REQUIRED_DATA,
      n: 'null',
      'n.null': '7',
      a: '[1]',
      'a.size0': '99',
    });
  });
});

describe('a table may have the name', () => {
  test.each(['we\'ird `table` \\ "q"', '{stream:String}', 't', 'system', 'new\nline', 'tab\t', 'é€😀', '*', 'a.b'])(
    '%j',
    async (name) => {
      const selection = await table(name, ['c', 'UInt8', '1']);
      const [line] = await linesAfter(selection, undefined);
      const record = partsOf(line ?? Buffer.of(), 'record');
      expect(JSON.parse(record.get('stream') ?? '')).toBe(name);
      expect(JSON.parse(record.get('namespace') ?? '')).toBe(DATABASE);
      expect(partsOf(line ?? Buffer.of(), 'record', 'data').get('c')).toBe('1');
    },
  );
});

test('a view that is proposed for a table with awkward names can be created and read', async () => {
  const database = quoteIdentifier(DATABASE);
  const name = 'pur`chases "\\';
  await execute(
    server,
    `CREATE TABLE ${database}.${quoteIdentifier(name)} (user_id UInt64, ${quoteIdentifier('loaded `at` time')} DateTime, action String, ${quoteIdentifier('a\\b')} UInt8) ENGINE = MergeTree ORDER BY tuple()`,
  );
  await execute(server, `INSERT INTO ${database}.${quoteIdentifier(name)} VALUES (7, 1, 'paid', 9)`);
  const [found] = await listTables(clickhouse, DATABASE, name);
  if (found === undefined) throw new Error('The table is not listed.');
  await execute(server, proposeView(found, 'last_updated_at', 'event'));
  expect(await dataOf(await selectionOf(clickhouse, DATABASE, `${name}_for_batch`))).toEqual({
    custom_id: '"7"',
    event_name: '"paid"',
    last_updated_at: '"1970-01-01T00:00:01Z"',
    'a\\b': '9',
  });
});

describe('the tables of a database', () => {
  const database = 'listed';

  beforeAll(() =>
    execute(server, `CREATE DATABASE ${database}`).then(async () => {
      await execute(
        server,
        `CREATE TABLE ${database}.b (z UInt8, a String ALIAS toString(z), e UInt8 EPHEMERAL, m String MATERIALIZED 'm', s AggregateFunction(uniq, UInt64)) ENGINE = MergeTree ORDER BY z`,
      );
      await execute(server, `CREATE TABLE ${database}.A (only UInt8) ENGINE = MergeTree ORDER BY only`);
      await execute(server, `CREATE VIEW ${database}.view AS SELECT z + 1 AS next FROM ${database}.b`);
      await execute(
        server,
        `CREATE MATERIALIZED VIEW ${database}.materialized ENGINE = MergeTree ORDER BY z AS SELECT z FROM ${database}.b`,
      );
    }),
  );

  test('are listed with their readable columns in order, without inner tables', async () => {
    const tables = await listTables(clickhouse, database);
    expect(
      tables.map(({ name, columns }) => [name, columns.map((column) => `${column.name} ${column.type.name}`)]),
    ).toEqual([
      ['A', ['only UInt8']],
      ['b', ['z UInt8', 'a String', 'm String']],
      ['materialized', ['z UInt8']],
      ['view', ['next UInt16']],
    ]);
    expect(new Set(tables.map((each) => each.database))).toEqual(new Set([database]));
  });

  test('may be chosen by name, which is case-sensitive', async () => {
    expect((await listTables(clickhouse, database, 'A')).map(({ name }) => name)).toEqual(['A']);
    expect(await listTables(clickhouse, database, 'a')).toEqual([]);
    expect(await listTables(clickhouse, 'nowhere')).toEqual([]);
  });
});
