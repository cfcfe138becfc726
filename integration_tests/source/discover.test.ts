import { beforeAll, expect, test } from 'vitest';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { type PrintedStream, run } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import { checkStatus, sourceConfiguration, temporaryFiles } from '../support/support.ts';

const file = temporaryFiles();
let server: ClickHouseServer;

beforeAll(async () => {
  server = await sharedClickHouse();
  await server.execute(
    'CREATE DATABASE shop',
    'CREATE DATABASE empty',
    'CREATE DATABASE unfit',
    'CREATE TABLE unfit.a (custom_id String) ENGINE = Memory',
    `CREATE TABLE shop.events (
      custom_id String, event_name LowCardinality(String), event_time Nullable(DateTime64(3, 'Asia/Tokyo')),
      last_updated_at DateTime DEFAULT now(), quantity UInt8, order_id UInt64, huge UInt256, price Decimal(10, 2),
      weight Nullable(Float64), is_vip Bool, day Date, tags Array(LowCardinality(Nullable(String))), address Tuple(city String, zip UInt32),
      totals AggregateFunction(sum, UInt64)
    ) ENGINE = MergeTree ORDER BY last_updated_at`,
    'CREATE TABLE shop.unfit (custom_id String, event_name String) ENGINE = MergeTree ORDER BY custom_id',
    'CREATE VIEW shop.purchases AS SELECT custom_id, event_name, last_updated_at, price FROM shop.events',
    'CREATE MATERIALIZED VIEW shop.collected ENGINE = MergeTree ORDER BY last_updated_at AS SELECT custom_id, event_name, last_updated_at FROM shop.events',
  );
});

/** Without warnings of streams with the same rows: see streams.test.ts. */
async function discover(changes: Record<string, unknown> = {}): Promise<PrintedStream[]> {
  const { messages, code } = await run('source-clickhouse', [
    'discover',
    '--config',
    file('source.json', sourceConfiguration(server, 'shop', changes)),
  ]);
  expect(code).toBe(0);
  const catalogs = messages.filter(({ log }) => log === undefined);
  expect(catalogs.map(({ type }) => type)).toEqual(['CATALOG']);
  return catalogs[0]?.catalog?.streams ?? [];
}

test('lists the tables and views that have the required columns, and no inner tables', async () => {
  expect((await discover()).map(({ name }) => name)).toEqual(['collected', 'events', 'purchases']);
});

test('lists only the table of the configuration', async () => {
  expect((await discover({ table: 'purchases' })).map(({ name }) => name)).toEqual(['purchases']);
});

test('describes the sync modes and the cursor of a stream', async () => {
  const stream = (await discover({ table: 'purchases' }))[0];
  expect(stream).toMatchObject({
    namespace: 'shop',
    supported_sync_modes: ['full_refresh', 'incremental'],
    source_defined_cursor: true,
    default_cursor_field: ['last_updated_at'],
    is_resumable: true,
  });
  expect(stream).not.toHaveProperty('source_defined_primary_key');
});

test('describes each column by its JSON schema, without types that have no meaning outside of ClickHouse', async () => {
  const timestamp = { format: 'date-time', airbyte_type: 'timestamp_with_timezone' };
  expect((await discover({ table: 'events' }))[0]?.json_schema.properties).toEqual({
    custom_id: { type: 'string' },
    event_name: { type: 'string' },
    event_time: { type: ['null', 'string'], ...timestamp },
    last_updated_at: { type: 'string', ...timestamp },
    quantity: { type: 'integer', airbyte_type: 'integer' },
    order_id: { type: 'integer', airbyte_type: 'integer' },
    huge: { type: 'string' },
    price: { type: 'number' },
    weight: { type: ['null', 'number'] },
    is_vip: { type: 'boolean' },
    day: { type: 'string', format: 'date' },
    tags: { type: 'array', items: { type: ['null', 'string'] } },
    address: {
      type: 'object',
      properties: { city: { type: 'string' }, zip: { type: 'integer', airbyte_type: 'integer' } },
    },
  });
});

test.each([
  [
    'a database without a fitting table',
    'unfit',
    {},
    /^No table or view in the database "unfit" has the columns custom_id, event_name, last_updated_at;.*\n\nSee .*columns_missing/s,
  ],
  ['an empty database', 'empty', {}, /^No table or view in the database "empty" has the columns/],
  ['a database that does not exist', 'absent', {}, /^The database "absent" does not exist/],
  ['a table that lacks columns', 'unfit', { table: 'a' }, /^"a" lacks the column last_updated_at/],
  ['a table that does not exist', 'unfit', { table: 'absent' }, /absent/],
])('explains an empty catalog as check does: %s', async (_, database, changes, explanation) => {
  const config = file('source.json', sourceConfiguration(server, database, changes));
  const { messages, code } = await runInProcess('source-clickhouse', ['discover', '--config', config]);
  expect(messages.map(({ log, catalog }) => log ?? catalog?.streams)).toEqual([
    { level: 'WARN', message: expect.stringMatching(explanation) },
    [],
  ]);
  expect(code).toBe(0);
  const { message } = await checkStatus('source-clickhouse', config, runInProcess);
  expect(messages[0]?.log?.message).toBe(message);
});
