import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import type { Finished } from '../../sandbox/launcher.ts';
import type { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { readCursor } from '../../src/source-clickhouse/query/record-line.ts';
import type { RowSelection } from '../../src/source-clickhouse/query/row-query.ts';
import { runInProcess } from '../support/in-process.ts';
import { connect, execute, linesAfter, selectionOf } from '../support/row-lines.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import { catalogOf, errors, records, sourceConfiguration, temporaryFiles } from '../support/support.ts';
import { REQUIRED } from '../support/tables.ts';
import { missingType } from '../versions/missing-type.ts';

const file = temporaryFiles();
let server: ClickHouseServer;
let clickhouse: ClickHouse;

beforeAll(async () => {
  server = await sharedClickHouse();
  clickhouse = connect(server, 'shop');
  await execute(server, 'CREATE DATABASE shop');
});

afterAll(async () => {
  await clickhouse?.close();
});

/** The type of a cursor, and values of it in their order, in SQL. */
type Positions = [type: string, values: string[]];

/** The lowest and the highest integer of each type, their neighbours, and the limits of signed integers and doubles. */
function ofIntegers(): Positions[] {
  return [8, 16, 32, 64, 128, 256].flatMap((bits): Positions[] => {
    const half = 2n ** BigInt(bits - 1);
    const unsigned = [0n, 1n, half - 1n, half, 2n * half - 2n, 2n * half - 1n];
    const signed = [-half, 1n - half, -1n, 0n, 1n, half - 2n, half - 1n];
    // So that two of them are equal as doubles.
    if (bits === 64) unsigned.splice(2, 0, 2n ** 53n, 2n ** 53n + 1n);
    if (bits === 64) signed.splice(5, 0, 2n ** 53n, 2n ** 53n + 1n);
    return [
      [`UInt${bits}`, unsigned.map((value) => `toUInt${bits}('${value}')`)],
      [`Int${bits}`, signed.map((value) => `toInt${bits}('${value}')`)],
    ];
  });
}

/** Zones whose clocks go back on these days, by an hour or by half of one, and some with odd offsets. */
const AUTUMNS: [zone: string, lastBefore: string, firstAfter: string][] = [
  ['Europe/Paris', '2026-10-25 00:59:59', '2026-10-25 01:00:00'],
  ['America/New_York', '2026-11-01 05:59:59', '2026-11-01 06:00:00'],
  ['Australia/Lord_Howe', '2026-04-04 14:59:59', '2026-04-04 15:00:00'],
  ['America/St_Johns', '2026-11-01 04:29:59', '2026-11-01 04:30:00'],
  ['UTC', '2026-06-30 23:59:59', '2026-07-01 00:00:00'],
];

/** For each number of digits: the first and the last moments, those around 1970, and an hour that occurs twice. */
function ofDateTime64(): Positions[] {
  return Array.from({ length: 10 }, (_, precision): Positions => {
    const [zone, lastBefore, firstAfter] = AUTUMNS[precision % AUTUMNS.length] ?? ['UTC', '', ''];
    const [zeros, one, nines] = ['0'.repeat(precision), '1'.padStart(precision, '0'), '9'.repeat(precision)];
    // Nanoseconds fill their 64 bits in 2262.
    const last = precision === 9 ? '2262-04-11 23:47:16.854775807' : `2299-12-31 23:59:59.${nines}`;
    const moments = [
      `1900-01-01 00:00:00.${zeros}`,
      `1900-01-01 00:00:0${precision === 0 ? '1' : `0.${one}`}`,
      `1969-12-31 23:59:59.${nines}`,
      `1970-01-01 00:00:00.${zeros}`,
      `${lastBefore}.${nines}`,
      `${firstAfter}.${zeros}`,
      `${firstAfter.replace(/.$/, '1')}.${one}`,
      last,
    ];
    const sql = moments.map((moment) => `toDateTime64('${moment.replace(/\.$/, '')}', ${precision}, 'UTC')`);
    return [`DateTime64(${precision}, '${zone}')`, sql];
  });
}

const CURSORS: Positions[] = [
  ...ofIntegers(),
  ['LowCardinality(UInt64)', ['0', '18446744073709551615']],
  ['Nullable(Int256)', ['-1', '0']],
  ...ofDateTime64(),
  ['DateTime64(6)', ["'1900-01-01 00:00:00.000001'", "'2026-01-01 00:00:00.000001'"]],
  ['Nullable(DateTime64(3))', ["'2026-01-01 00:00:00.001'", "'2026-01-01 00:00:00.002'"]],
  ['DateTime', ['0', '1', '2147483647', '2147483648', '4294967294', '4294967295']],
  ...AUTUMNS.map(([zone, , firstAfter]): Positions => {
    const seconds = [-3600, -1800, -1, 0, 1800, 3600];
    return [`DateTime('${zone}')`, seconds.map((by) => `toDateTime('${firstAfter}', 'UTC') + ${by}`)];
  }),
  ['LowCardinality(DateTime)', ['toDateTime(0)', 'toDateTime(1)']],
  ['SimpleAggregateFunction(max, DateTime)', ['toDateTime(0)', 'toDateTime(1)']],
  ['Date', ["'1970-01-01'", "'1970-01-02'", "'2149-06-05'", "'2149-06-06'"]],
  ['Date32', ["'1900-01-01'", "'1900-01-02'", "'1969-12-31'", "'1970-01-01'", "'2299-12-30'", "'2299-12-31'"]],
  ['LowCardinality(Nullable(Date))', ["'1970-01-01'", "'2149-06-06'"]],
  [
    'String',
    // In the order of their bytes: characters with a meaning in URLs, JSON, SQL or the server's TSV.
    [
      ...['', '\0', '\0\0', '\x01', '\b', '\t', '\n', '\v', '\f', '\r', '\x1b', ' ', '"', '%41', '&', "'", '+'],
      ...['2026-01-01T00:00:00Z', 'A', '\\', '\\N', '\\n', 'a', 'a\0', 'a\n', 'ab', 'x'.repeat(10_000)],
      ...['{cursor:String}', '\x7f', '\x85', 'é', '\u2028', '\ufeff', '\ufffd', '\uffff', '😀'],
    ].map((text) => `unhex('${Buffer.from(text).toString('hex')}')`),
  ],
  ['LowCardinality(Nullable(String))', ["'a'", "'b'"]],
];

describe.each(CURSORS)('a cursor of the type %s', (type, positions) => {
  let rows: Buffer[];
  let selection: RowSelection;

  beforeAll(async () => {
    await execute(server, 'DROP TABLE IF EXISTS shop.cursors');
    await execute(server, `CREATE TABLE shop.cursors (${REQUIRED} ${type}) ENGINE = MergeTree ORDER BY tuple()`);
    // Two rows of each, in a different order from the cursor's, and one with a NULL cursor if the type allows it.
    const nulls = type.includes('Nullable') ? ["('none', 'e', NULL)"] : [];
    const inserted = positions.flatMap((position, index) =>
      ['x', 'y'].map((name) => `('${index}${name}', 'e', ${position})`),
    );
    await execute(server, `INSERT INTO shop.cursors VALUES ${[...inserted.toReversed(), ...nulls].join(', ')}`);
    selection = await selectionOf(clickhouse, 'shop', 'cursors');
    rows = await linesAfter(clickhouse, selection, undefined);
  });

  /** The places of rows in the order of the cursor. */
  function placesOf(lines: readonly Buffer[]): number[] {
    return lines.map((each) => Number.parseInt(JSON.parse(each.toString()).record.data.custom_id, 10));
  }

  test('reads the rows in its order, without rows whose cursor is NULL', () => {
    expect(placesOf(rows)).toEqual(positions.flatMap((_, index) => [index, index]));
  });

  test('resumes after each of its values with exactly the later rows', async () => {
    for (const index of positions.keys()) {
      const cursor = readCursor(rows[2 * index] ?? Buffer.of(), 'last_updated_at');
      const after = await linesAfter(clickhouse, selection, { kind: 'after-group', cursor });
      expect(placesOf(after)).toEqual(placesOf(rows.slice(2 * index + 2)));
    }
  });

  test('is by itself a position before its rows', async () => {
    const index = positions.length - 1;
    const cursor = readCursor(rows[2 * index] ?? Buffer.of(), 'last_updated_at');
    const from = await linesAfter(clickhouse, selection, { kind: 'before-group', cursor });
    expect(placesOf(from)).toEqual([index, index]);
  });

  test('is with a hash a position at each row, from which that row and all later ones are read', async () => {
    for (const [index, row] of rows.entries()) {
      const after = await linesAfter(clickhouse, selection, {
        kind: 'inside-group',
        cursor: readCursor(row, 'last_updated_at'),
        rowHash: JSON.parse(row.toString()).row_hash,
        rows: 1,
      });
      expect(after.map(String)).toEqual(rows.slice(index).map(String));
    }
  });
});

/** Reads tables of the database in one run. */
async function read(...tables: string[]): Promise<Finished> {
  const config = file('source.json', sourceConfiguration(server, 'shop'));
  const catalog = file('catalog.json', catalogOf('incremental', ...tables));
  return runInProcess('source-clickhouse', ['read', '--config', config, '--catalog', catalog]);
}

test("a String that isn't UTF-8 can't be stored in a STATE, and ends the stream with advice", async () => {
  await execute(server, `CREATE TABLE shop.no_utf8 (${REQUIRED} String) ENGINE = MergeTree ORDER BY tuple()`);
  await execute(server, "INSERT INTO shop.no_utf8 VALUES ('u', 'e', 'a'), ('u', 'e', unhex('FF'))");
  const result = await read('no_utf8');
  expect(result.code).toBe(1);
  expect(errors(result)).toMatchObject([
    {
      failure_type: 'config_error',
      message: expect.stringMatching(/last_updated_at that is not valid UTF-8\. .* or hex\(last_updated_at\)/),
    },
  ]);
  // No row was sent before the state that can't be written.
  expect(records(result)).toEqual([]);
});

test("a type that can't be a cursor is refused with the types that can", async () => {
  const types = [
    ...['Float64', 'Decimal(38, 10)', 'Bool', "Enum8('a' = 1)", 'FixedString(16)', 'UUID', 'IPv4', 'IPv6', 'Time'],
    ...['IntervalDay', 'Array(DateTime)', 'Tuple(DateTime)', 'Variant(DateTime, Date)', 'Dynamic', 'JSON'],
  ].filter((type) => missingType(type) === undefined);
  for (const [index, type] of types.entries()) {
    await execute(
      server,
      `CREATE TABLE shop.refused${index} (${REQUIRED} ${type}) ENGINE = MergeTree ORDER BY tuple()`,
    );
  }
  const result = await read(...types.map((_, index) => `refused${index}`));
  expect(result.code).toBe(1);
  const found = errors(result);
  for (const [index, { failure_type, message }] of found.entries()) {
    expect(failure_type).toBe('config_error');
    expect(message).toContain(`of "refused${index}" has the type ${types[index]?.split('(')[0]}`);
    expect(message).toContain('Use a DateTime, DateTime64, Date, integer or String');
  }
  expect(found).toHaveLength(types.length);
});
