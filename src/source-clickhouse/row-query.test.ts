import { describe, expect, test } from 'vitest';
import { cursorCodec } from './cursor.ts';
import { ROW_LINE_START, type RowSelection, rowQuery } from './row-query.ts';
import type { Position } from './stream-state.ts';
import { parseClickHouseType } from './types/clickhouse-type.ts';
import { unchangedTable } from './unchanged-table.ts';

// That the query gives what it should, integration_tests/column_types.test.ts and awkward_names.test.ts prove with a
// real server; here is what it must be made of for reasons that the answer does not show.

function selection(cursorType = "DateTime64(6, 'UTC')", columns?: string[]): RowSelection {
  const all = Object.entries({
    custom_id: 'String',
    event_name: 'String',
    last_updated_at: cursorType,
    price: 'UInt8',
  }).map(([name, type]) => ({ name, type: parseClickHouseType(type) }));
  const column = all[2];
  const codec = column && cursorCodec(column.type);
  if (column === undefined || codec === undefined) throw new Error(`${cursorType} is no cursor.`);
  return {
    table: { database: 'shop', name: 'events', columns: all },
    columns: all.filter(({ name }) => columns === undefined || columns.includes(name)),
    cursor: { column, codec },
    final: false,
    partition: undefined,
    hashedColumns: all,
    readBefore: undefined,
  };
}

const POSITION: Position = {
  cursor: '2026-01-01T00:00:00.123456Z',
  tie_break: { row_hash: '18446744073709551615', rows: 1 },
};

function startsWith(text: string): unknown {
  return expect.stringMatching(new RegExp(`^${text.replace(/[^\w\s]/g, '\\$&')}`));
}

/** The line of a query that begins with a word. */
function lineOf(query: string, word: string): string | undefined {
  return query.split('\n').find((line) => line.startsWith(word));
}

const LINE_START = '{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,"data":{';
const CURSOR = '`source`.`last_updated_at`';
const HASH =
  'cityHash64(tuple(`source`.`custom_id`, `source`.`event_name`, `source`.`last_updated_at`, `source`.`price`))';

/** The condition that the table is as it was. */
function unchanged({ table, columns, hashedColumns }: RowSelection = selection()): string {
  return unchangedTable(table, [...columns, ...hashedColumns]);
}

describe('the rows that are asked for', () => {
  test('are all of them at the start', () => {
    for (const after of [undefined, { cursor: null }]) {
      const { query, parameters } = rowQuery(selection(), after, 1);
      expect(lineOf(query, 'WHERE')).toBe(`WHERE ${unchanged()}`);
      expect(parameters).toEqual({ line_start: LINE_START });
    }
  });

  test('are those behind a cursor whose rows are all read', () => {
    const { query, parameters } = rowQuery(selection(), { cursor: POSITION.cursor }, 1);
    expect(lineOf(query, 'WHERE')).toBe(`WHERE ${CURSOR} > {cursor:DateTime64(6, 'UTC')} AND ${unchanged()}`);
    expect(parameters).toEqual({ line_start: LINE_START, cursor: '2026-01-01 00:00:00.123456' });
  });

  // A bare comparison of the column, so that the server uses its index.
  test('are those from the last row on inside of a group', () => {
    const { query, parameters } = rowQuery(selection(), POSITION, 1);
    const bound = "{cursor:DateTime64(6, 'UTC')}";
    expect(lineOf(query, 'WHERE')).toBe(
      `WHERE ${CURSOR} >= ${bound} AND (${CURSOR} > ${bound} OR ${HASH} >= {row_hash:UInt64}) AND ${unchanged()}`,
    );
    expect(parameters).toMatchObject({ cursor: '2026-01-01 00:00:00.123456', row_hash: '18446744073709551615' });
  });

  test('are those with a cursor, when it may be NULL', () => {
    const nullable = selection('Nullable(DateTime64(6))');
    expect(lineOf(rowQuery(nullable, undefined, 1).query, 'WHERE')).toBe(
      `WHERE ${CURSOR} IS NOT NULL AND ${unchanged(nullable)}`,
    );
    expect(lineOf(rowQuery(nullable, { cursor: POSITION.cursor }, 1).query, 'WHERE')).toBe(
      `WHERE ${CURSOR} IS NOT NULL AND ${CURSOR} > {cursor:DateTime64(6, 'UTC')} AND ${unchanged(nullable)}`,
    );
  });
});

test('the hash is made of the columns that it was made of before, whatever the table has now', () => {
  const { query } = rowQuery({ ...selection(), hashedColumns: selection().columns.slice(0, 2) }, POSITION, 1);
  const hash = 'cityHash64(tuple(`source`.`custom_id`, `source`.`event_name`))';
  expect(lineOf(query, 'ORDER BY')).toEqual(startsWith(`ORDER BY ${CURSOR}, ${hash}, `));
  expect(lineOf(query, 'WHERE')).toContain(`OR ${hash} >= {row_hash:UInt64})`);
  expect(lineOf(query, 'SELECT')).toContain(`toString(${hash})`);
});

test('rows that differ in an added column alone have an order, and a hash of all columns beside the other', () => {
  const { query } = rowQuery(
    { ...selection(undefined, ['custom_id']), hashedColumns: selection().columns.slice(0, 2) },
    POSITION,
    1,
  );
  const hash = 'cityHash64(tuple(`source`.`custom_id`, `source`.`event_name`))';
  expect(lineOf(query, 'ORDER BY')).toEqual(startsWith(`ORDER BY ${CURSOR}, ${hash}, ${HASH}, `));
  expect(lineOf(query, 'SELECT')).toContain(
    `, '},"full_hash":"', toString(${HASH}), '","row_hash":"', toString(${hash}), '"}')`,
  );
  // The hash of all hangs on the type of each.
  expect(lineOf(query, 'WHERE')).toContain("('price', 'UInt8')");
});

test('rows from a bound on are left alone', () => {
  const bounded = { ...selection(), readBefore: '2026-01-02T00:00:00.000000Z' };
  const { query, parameters } = rowQuery(bounded, undefined, 1);
  expect(lineOf(query, 'WHERE')).toBe(`WHERE ${CURSOR} < {read_before:DateTime64(6, 'UTC')} AND ${unchanged()}`);
  expect(parameters).toMatchObject({ read_before: '2026-01-02 00:00:00.000000' });
});

test('the order is that of the positions, and does not change with the selected columns', () => {
  for (const columns of [undefined, ['custom_id', 'event_name', 'last_updated_at']]) {
    const { query } = rowQuery(selection(undefined, columns), POSITION, 1);
    expect(lineOf(query, 'ORDER BY')).toEqual(startsWith(`ORDER BY ${CURSOR}, ${HASH}`));
    expect(lineOf(query, 'SELECT')).toContain(`, '},"row_hash":"', toString(${HASH}), '"}')`);
  }
});

test('half of the text is made before the rows are sorted, as the order needs it, and is the text that leaves', () => {
  const { query } = rowQuery(selection(), POSITION, 1);
  const [, half] = /, (concat\(.*\))$/.exec(lineOf(query, 'ORDER BY') ?? '') ?? [];
  expect(half).toBe(
    `concat('"custom_id":', toJSONString(\`source\`.\`custom_id\`), ',"event_name":', toJSONString(\`source\`.\`event_name\`))`,
  );
  expect(lineOf(query, 'SELECT')).toEqual(
    startsWith(`SELECT concat({line_start:String}, ${half}, ',"last_updated_at":',`),
  );
});

test('no setting is sent: a user with readonly=1 may send none', () => {
  expect(rowQuery(selection(), POSITION, 1).query).not.toMatch(/settings/i);
});

test('a line begins as the format and the order of the columns make it', () => {
  expect(ROW_LINE_START).toBe('{"type":"RECORD","record":{');
});

test('the columns that must have the type they had are those that leave and those of the hash, each once', () => {
  const some = { ...selection(), hashedColumns: selection().columns.slice(1) };
  const { query } = rowQuery({ ...some, columns: some.columns.slice(0, 3) }, undefined, 1);
  expect(lineOf(query, 'WHERE')).toBe(
    `WHERE (SELECT throwIf(count() != 4, 'source-clickhouse: the columns have changed') FROM system.columns WHERE database = 'shop' AND table = 'events' AND has([('custom_id', 'String'), ('event_name', 'String'), ('last_updated_at', 'DateTime64(6, \\'UTC\\')'), ('price', 'UInt8')], (name, type))) = 0`,
  );
});
