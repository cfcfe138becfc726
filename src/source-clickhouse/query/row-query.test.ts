import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { type Position, type PositionAtRow, START } from '../state/position.ts';
import { buildRowQuery, type RowSelection } from './row-query.ts';
import { schemaGuardSql } from './schema-guard.ts';

// integration_tests/types/column-types.test.ts and source/names.test.ts test the results with a real server. These tests are
// for what the results don't show.

function selection(cursorType = "DateTime64(6, 'UTC')", columns?: string[]): RowSelection {
  const all = Object.entries({
    custom_id: 'String',
    event_name: 'String',
    last_updated_at: cursorType,
    price: 'UInt8',
  }).map(([name, type]) => ({ name, type: parseClickHouseType(type) }));
  const column = all[2];
  const codec = column && createCursorCodec(column.type);
  if (column === undefined || codec === undefined) throw new Error(`${cursorType} is not a cursor.`);
  return {
    stream: { name: 'events', namespace: 'shop' },
    table: { database: 'shop', name: 'events', columns: all },
    columns: all.filter(({ name }) => columns === undefined || columns.includes(name)),
    cursor: { column, codec },
    final: false,
    partition: undefined,
    hashedColumns: all,
    lagBound: undefined,
  };
}

const POSITION: PositionAtRow = {
  kind: 'inside-group',
  cursor: '2026-01-01T00:00:00.123456Z',
  rowHash: '18446744073709551615',
  rows: 1,
};

const AFTER_GROUP: Position = { kind: 'after-group', cursor: POSITION.cursor };

function startsWith(text: string): unknown {
  return expect.stringMatching(new RegExp(`^${text.replace(/[^\w\s]/g, '\\$&')}`));
}

/** The line of a query that begins with a word. */
function lineOf(query: string, word: string): string | undefined {
  return query.split('\n').find((line) => line.startsWith(word));
}

const LINE_START = '{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,"data":{';
const CURSOR = '`source`.`last_updated_at`';
const FIRST_HALF = `concat('"custom_id":', toJSONString(\`source\`.\`custom_id\`), ',"event_name":', toJSONString(\`source\`.\`event_name\`))`;
const SECOND_HALF = `concat(',"last_updated_at":', concat('"', replaceOne(toString(toTimeZone(${CURSOR}, 'UTC')), ' ', 'T'), 'Z"'), ',"price":', toString(\`source\`.\`price\`))`;

/** The subquery that fails if the table has changed. */
function guard({ table, columns, hashedColumns }: RowSelection = selection()): string {
  return schemaGuardSql(table, [...columns, ...hashedColumns]);
}

/** The query with its definitions inserted. */
function written(...parameters: Parameters<typeof buildRowQuery>): string {
  const { query } = buildRowQuery(...parameters);
  const [, definitions = ''] = /^WITH (.*)\n/.exec(query) ?? [];
  const rest = query.slice(query.indexOf('\n') + 1);
  const parts = definitions.split(/ AS (expression_\d+)(?:, |$)/);
  let text = rest;
  for (let index = parts.length - 3; index >= 0; index -= 2) {
    text = text.replaceAll(new RegExp(`\\b${parts[index + 1]}\\b`, 'g'), () => parts[index] ?? '');
  }
  return text;
}

const HASH = `cityHash64(${FIRST_HALF}, ${SECOND_HALF})`;

describe('the WHERE', () => {
  test('selects all rows at the start', () => {
    const { query, parameters } = buildRowQuery(selection(), START, 1);
    expect(lineOf(query, 'WHERE')).toBe(`WHERE ${guard()} = 0`);
    expect(parameters).toEqual({ line_start: LINE_START });
  });

  test('selects the rows after the cursor of a group that was read', () => {
    const { query, parameters } = buildRowQuery(selection(), AFTER_GROUP, 1);
    expect(lineOf(query, 'WHERE')).toBe(`WHERE (${CURSOR} > {cursor:DateTime64(6, 'UTC')} OR ${guard()} != 0)`);
    expect(parameters).toEqual({ line_start: LINE_START, cursor: '2026-01-01 00:00:00.123456' });
  });

  // It compares the bare column, so that the server uses its index.
  test('selects the last row and those after it inside a group', () => {
    const { parameters } = buildRowQuery(selection(), POSITION, 1);
    const bound = "{cursor:DateTime64(6, 'UTC')}";
    expect(lineOf(written(selection(), POSITION, 1), 'WHERE')).toBe(
      `WHERE ${CURSOR} >= ${bound} AND (${CURSOR} > ${bound} OR ${HASH} >= {row_hash:UInt64} OR ${guard()} != 0)`,
    );
    expect(parameters).toMatchObject({ cursor: '2026-01-01 00:00:00.123456', row_hash: '18446744073709551615' });
  });

  test('leaves out rows whose cursor is NULL', () => {
    const nullable = selection('Nullable(DateTime64(6))');
    expect(lineOf(buildRowQuery(nullable, START, 1).query, 'WHERE')).toBe(
      `WHERE (${CURSOR} IS NOT NULL OR ${guard(nullable)} != 0)`,
    );
    expect(lineOf(buildRowQuery(nullable, AFTER_GROUP, 1).query, 'WHERE')).toBe(
      `WHERE ${CURSOR} IS NOT NULL AND (${CURSOR} > {cursor:DateTime64(6, 'UTC')} OR ${guard(nullable)} != 0)`,
    );
  });
});

test('the row hash keeps its columns when columns are added to the table', () => {
  const query = written({ ...selection(), hashedColumns: selection().columns.slice(0, 2) }, POSITION, 1);
  const hash = `cityHash64(concat('"custom_id":', toJSONString(\`source\`.\`custom_id\`)), concat(',"event_name":', toJSONString(\`source\`.\`event_name\`)))`;
  expect(lineOf(query, 'ORDER BY')).toEqual(startsWith(`ORDER BY ${CURSOR}, ${hash}, ${HASH}`));
  expect(lineOf(query, 'WHERE')).toContain(`OR ${hash} >= {row_hash:UInt64}`);
  expect(lineOf(query, 'SELECT')).toContain(
    `, '},"full_hash":"', toString(${HASH}), '","row_hash":"', toString(${hash}), '"}')`,
  );
});

test('the guard checks the type of every column in the hash of all columns', () => {
  const added = { ...selection(undefined, ['custom_id']), hashedColumns: selection().columns.slice(0, 2) };
  expect(lineOf(buildRowQuery(added, POSITION, 1).query, 'WHERE')).toContain("('price', 'UInt8')");
});

test('leaves out rows from the lag bound on', () => {
  const bounded = { ...selection(), lagBound: '2026-01-02T00:00:00.000000Z' };
  const { query, parameters } = buildRowQuery(bounded, START, 1);
  expect(lineOf(query, 'WHERE')).toBe(`WHERE (${CURSOR} < {lag_bound:DateTime64(6, 'UTC')} OR ${guard()} != 0)`);
  expect(parameters).toMatchObject({ lag_bound: '2026-01-02 00:00:00.000000' });
});

test("the order doesn't change with the selected columns", () => {
  for (const columns of [undefined, ['custom_id', 'event_name', 'last_updated_at']]) {
    const query = written(selection(undefined, columns), POSITION, 1);
    expect(lineOf(query, 'ORDER BY')).toBe(`ORDER BY ${CURSOR}, ${HASH}`);
    expect(lineOf(query, 'SELECT')).toContain(`, '},"row_hash":"', toString(${HASH}), '"}')`);
  }
});

test('the query contains the JSON of a row once, for the record and the hash', () => {
  const { query } = buildRowQuery(selection(), POSITION, 1);
  expect(query.split(FIRST_HALF)).toHaveLength(2);
  expect(query.split(SECOND_HALF)).toHaveLength(2);
});

test("the hash of a JSON or Dynamic doesn't depend on settings", () => {
  const loose = ['JSON', 'Dynamic', 'Array(JSON)', 'Tuple(a Dynamic)'].map((name) => ({
    name,
    type: parseClickHouseType(name),
  }));
  for (const column of loose) {
    const query = written({ ...selection(), hashedColumns: [column, ...selection().columns] }, POSITION, 1);
    expect(lineOf(query, 'ORDER BY')).toMatch(/replaceRegexpAll\(ifNull\(toJSONString\(/);
  }
});

test('the query has no settings, because a user with readonly=1 may send none', () => {
  expect(buildRowQuery(selection(), POSITION, 1).query).not.toMatch(/settings/i);
});

test('the guard checks the columns of the records and of the hash, each once', () => {
  const some = { ...selection(), hashedColumns: selection().columns.slice(1) };
  const { query } = buildRowQuery({ ...some, columns: some.columns.slice(0, 3) }, START, 1);
  expect(lineOf(query, 'WHERE')).toBe(
    `WHERE (SELECT throwIf(count() != 4, 'source-clickhouse: the columns have changed') FROM system.columns WHERE database = 'shop' AND table = 'events' AND has([('custom_id', 'String'), ('event_name', 'String'), ('last_updated_at', 'DateTime64(6, \\'UTC\\')'), ('price', 'UInt8')], (name, type))) = 0`,
  );
});

test('a query is a subquery on lines of its own, and each row checks the types of its columns', () => {
  const table = { ...selection().table, query: 'SELECT * FROM events AS source -- all' };
  const { query } = buildRowQuery({ ...selection(), table, columns: selection().columns.slice(0, 1) }, AFTER_GROUP, 1);
  expect(query).toContain(
    '\nFROM (\nSELECT * FROM events AS source -- all\n) AS `source_`\nWHERE `source_`.`last_updated_at` > ',
  );
  expect(query).not.toContain('system.columns');
  expect(lineOf(query, 'SELECT')).toContain(
    `if(throwIf([replaceRegexpAll(toTypeName(\`source_\`.\`custom_id\`), '\\\\s', ''), `,
  );
  expect(lineOf(query, 'SELECT')).toContain(
    `] != ['String', 'String', 'DateTime64(6,\\'UTC\\')', 'UInt8'], 'source-clickhouse: the columns have changed') = 0, {line_start:String}, '')`,
  );
});

test('the condition of a table is in brackets, on lines of its own', () => {
  const table = { ...selection().table, where: 'price > 1 OR price = 0 -- free' };
  const { query } = buildRowQuery({ ...selection(), table }, AFTER_GROUP, 1);
  expect(query).toContain(
    `FROM \`shop\`.\`events\` AS \`source\`\nWHERE ((\nprice > 1 OR price = 0 -- free\n)) AND (${CURSOR} > `,
  );
});
