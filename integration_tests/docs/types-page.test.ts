import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chosenEngine, isOlder } from '../../sandbox/clickhouse/engines/engines.ts';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER_WITH_SETTINGS } from '../../sandbox/clickhouse/users.ts';
import { run } from '../../sandbox/launcher.ts';
import type { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { quoteIdentifier, quoteString } from '../../src/source-clickhouse/sql.ts';
import { discover } from '../../src/source-clickhouse/streams/discover.ts';
import { connect, execute, linesAfter, linesUnder, partsOf, selectionOf } from '../support/row-lines.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import { catalogOf, sourceConfiguration, states, temporaryFiles } from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { missingType } from '../versions/missing-type.ts';
import { code, codeIn, mappedRow, NOTHING, rowOf, rowsOfTables, whatBatchGets } from './types-page.ts';

// docs/TYPES.md against a real server: each value is sent as the page shows.

const TYPES = rowsOfTables('ClickHouse', 'value', 'JSON schema', 'sent as', 'Batch receives');
const SETTINGS = rowsOfTables('setting', 'type', 'value', 'sent as');
const OWN_COLUMNS = rowsOfTables('column', 'type', 'value', 'becomes');
const CURSORS = rowsOfTables('type', 'value', 'in the state');

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

/** Creates a table with one row: the columns of every table of events, and others, given by types and values in SQL. */
async function createTable(name: string, columns: Record<string, [type: string, value: string]>): Promise<void> {
  const all = Object.entries<[type: string, value: string]>({
    custom_id: ['String', "'u'"],
    event_name: ['String', "'e'"],
    last_updated_at: ['DateTime', '0'],
    ...columns,
  });
  const declared = all.map(([column, [type]]) => `${quoteIdentifier(column)} ${type}`).join(', ');
  const values = all.map(([, [type, value]]) => `CAST(${value}, ${quoteString(type)})`).join(', ');
  await execute(server, `CREATE TABLE shop.${name} (${declared}) ENGINE = MergeTree ORDER BY tuple()`);
  await execute(server, `INSERT INTO shop.${name} SELECT ${values}`);
}

/** The values of the only row of a table, as they are sent. */
async function valuesOf(table: string, settings?: Record<string, string>): Promise<Map<string, string>> {
  const selection = await selectionOf(clickhouse, 'shop', table);
  const lines =
    settings === undefined
      ? await linesAfter(clickhouse, selection, undefined)
      : await linesUnder(server, READER_WITH_SETTINGS, selection, settings);
  if (lines[0] === undefined || lines.length > 1) throw new Error(`${table} has ${lines.length} rows.`);
  return partsOf(lines[0], 'record', 'data');
}

/** The JSON schemas of a table's columns that discover gives. */
async function schemasOf(table: string): Promise<Record<string, unknown>> {
  const configuration = sourceConfigurationSchema.parse(sourceConfiguration(server, 'shop', { table }));
  const {
    streams: [stream],
  } = await discover(clickhouse, configuration);
  return Object(stream?.json_schema.properties);
}

/** Rows of the page with a title for each, made of its first cells, and its place. */
function indexed(rows: readonly string[][], titleCells: number): [title: string, row: string[], index: number][] {
  return rows.map((row, index) => [row.slice(0, titleCells).map(codeIn).join(' '), row, index]);
}

test('the page has its tables', () => {
  expect(TYPES.length).toBeGreaterThan(70);
  expect(SETTINGS.length).toBeGreaterThan(3);
  expect(OWN_COLUMNS.length).toBeGreaterThan(20);
  expect(CURSORS.length).toBeGreaterThan(7);
});

describe('TYPES.md shows the JSON of a type:', () => {
  const FLATTENED = ', flattened';
  const fixed = TYPES.filter(([type = '']) => !type.endsWith(FLATTENED) && missingType(codeIn(type)) === undefined);
  const flattened = TYPES.filter(([type = '']) => type.endsWith(FLATTENED));
  let schemas: Record<string, unknown>;
  let values: Map<string, string>;

  beforeAll(async () => {
    const columns = fixed.map(([type = '', value = ''], index) => [`c${index}`, [codeIn(type), codeIn(value)]]);
    await createTable('types', Object.fromEntries(columns));
    schemas = await schemasOf('types');
    values = await valuesOf('types');
  });

  /** A row of the page, with the real values. */
  function rowInTruth(
    [type = '', value = '']: string[],
    schema: unknown,
    json: string | undefined,
    column: string,
  ): string {
    if (schema === undefined || json === undefined) return rowOf([type, value, NOTHING, NOTHING, NOTHING]);
    return rowOf([type, value, code(JSON.stringify(schema)), code(json), whatBatchGets(column, json, schema)]);
  }

  // Skipped where the chosen ClickHouse version lacks the type, so that the report names it.
  test.skip.each(TYPES.flatMap(([type = '']) => missingType(codeIn(type)) ?? []))('%s', () => {});

  test.for(indexed(fixed, 2))('%s', ([, row, index], { skip }) => {
    const { version } = chosenEngine();
    skip(
      isOlder(version, '25.5') && /Dynamic.*DateTime/.test(row.join()),
      `ClickHouse ${version} writes the DateTime of a Dynamic as a number`,
    );
    const column = `c${index}`;
    expect(rowOf(row)).toBe(rowInTruth(row, schemas[column], values.get(column), 'c'));
  });

  test('a Nested that the server flattens, as it does by default', async () => {
    expect(flattened).toHaveLength(1);
    for (const row of flattened) {
      const [type = '', value = ''] = row.map(codeIn);
      await server.execute(
        createTableSql('shop.flattened', `c ${type}`, { cursor: 'DateTime', orderBy: 'tuple()' }),
        `INSERT INTO shop.flattened VALUES ('u', 'e', 0, ${value})`,
      );
      const found = await valuesOf('flattened');
      const [column = '', second] = [...found.keys()].filter((name) => name.startsWith('c.'));
      expect(second).toBeDefined();
      expect(rowOf(row)).toBe(rowInTruth(row, (await schemasOf('flattened'))[column], found.get(column), column));
    }
  });
});

describe('TYPES.md shows the effect of a setting:', () => {
  test.for(indexed(SETTINGS, 3))('%s', async ([, [setting = '', type = '', value = '', json], index], { skip }) => {
    const { version } = chosenEngine();
    skip(
      isOlder(version, '25.5') && /JSON|Dynamic/.test(type),
      `ClickHouse ${version} ignores it for values in JSON and Dynamic`,
    );
    const table = `under_setting${index}`;
    await createTable(table, { c: [codeIn(type), codeIn(value)] });
    const [name = '', to = ''] = codeIn(setting).split('=');
    expect(code((await valuesOf(table, { [name]: to })).get('c') ?? '')).toBe(json);
  });
});

describe('TYPES.md shows how a column with a role is sent:', () => {
  function becomes(column: string, values: Map<string, string>, schemas: Record<string, unknown>): string {
    const mapped = mappedRow(values, schemas);
    if (mapped.kind === 'rejected') return `the row is rejected: ${code(mapped.rejection.code)}`;
    const event: { name: string; time?: string; attributes?: Record<string, unknown> } = JSON.parse(mapped.json);
    if (column === 'custom_id') return `the profile ${code(mapped.customId)}`;
    if (column === 'event_name') return `the name ${code(event.name)}`;
    if (column === 'event_time')
      return event.time === undefined
        ? 'no time: Batch uses the time at which it receives the event'
        : `the time ${code(event.time)}`;
    const [leftOut] = mapped.leftOut;
    if (leftOut !== undefined) return `left out: ${code(leftOut.code)}`;
    if (event.attributes === undefined) return 'not sent';
    return `the attribute ${code(/"attributes":\{(.*)\}\}$/.exec(mapped.json)?.[1] ?? '')}`;
  }

  test.each(indexed(OWN_COLUMNS, 3))('%s', async (_, row, index) => {
    const [column = '', type = '', value = ''] = row.map(codeIn);
    const table = `own${index}`;
    await createTable(table, { [column]: [type, value] });
    expect(row[3]).toBe(becomes(column, await valuesOf(table), await schemasOf(table)));
  });
});

test('TYPES.md shows how a cursor is stored in the state', async () => {
  for (const [index, row] of CURSORS.entries()) {
    const [type = '', value = ''] = row.map(codeIn);
    await createTable(`cursor${index}`, { last_updated_at: [type, value] });
  }
  const config = file('source.json', sourceConfiguration(server, 'shop'));
  const catalog = file('catalog.json', catalogOf('incremental', ...CURSORS.map((_, index) => `cursor${index}`)));
  const result = await run('source-clickhouse', ['read', '--config', config, '--catalog', catalog]);
  const kept = new Map(
    states(result).map(({ stream: { stream_descriptor, stream_state } }) => [stream_descriptor.name, stream_state]),
  );
  const inTruth = CURSORS.map(([type = '', value = ''], index) => {
    const { cursor, cursor_type } = kept.get(`cursor${index}`) ?? {};
    return rowOf([type, value, code(JSON.stringify({ cursor, cursor_type }))]);
  });
  expect(CURSORS.map(rowOf)).toEqual(inTruth);
});
