import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { preview } from '../../src/preview/preview.ts';
import { MessageOutput } from '../../src/protocol/output.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  clickHouseWith,
  destinationConfiguration,
  logs,
  quickBatchApi,
  sourceConfiguration,
  states,
  temporaryFiles,
} from '../support/support.ts';

// Queries whose columns differ go through `discover`, `read` and `write` into one project. Batch refuses an attribute whose type
// changes, as the real Batch may do.

const ROWS = 40;
const file = temporaryFiles();
const server = clickHouseWith('shop');
let batch: BatchApi;

beforeAll(async () => {
  batch = await quickBatchApi({ typeChange: 'refuse' });
  await server().execute(
    `CREATE TABLE shop.raw (user_id UInt64, action String, at DateTime64(3), price Decimal(9, 2), ratio Float64, count UInt8,
       items Array(Tuple(sku String, price Float64)), note String)
     ENGINE = MergeTree ORDER BY at`,
    // Every other number is whole.
    `INSERT INTO shop.raw SELECT number % 7, ['opened', 'closed'][number % 2 + 1], now64(3) - 1, number / 2, number / 2, number,
       [('a', number / 2)], repeat('x', number * 20) FROM numbers(${ROWS})`,
  );
});
afterAll(() => batch.close());

const SOURCE = {
  table: undefined,
  cursor_column: 'at',
  queries: [
    { name: 'orders', sql: 'SELECT user_id, at, price, ratio, count, items, note FROM shop.raw' },
    {
      name: 'visits',
      sql: 'SELECT toString(user_id) AS visitor, action, at, note, toFloat64(count) AS dice FROM shop.raw',
    },
    {
      name: 'Old visits',
      sql: "SELECT toString(user_id) AS custom_id, at, note, '1' AS dice FROM shop.raw WHERE count > 100",
    },
  ],
};

const DESTINATION = {
  mapping: { event_name: { from: 'stream' }, exclude_columns: ['note'] },
  streams: {
    orders: { mapping: { custom_id_column: 'user_id' } },
    visits: {
      mapping: { custom_id_column: 'visitor', event_name_column: 'action', include_columns: ['note', 'dice'] },
      policies: { long_text: 'truncate' },
    },
    'Old visits': { mapping: { constant_event_name: 'visited' } },
    ordres: { policies: { long_text: 'truncate' } },
  },
};

/** What Batch must have stored, by the numbers of the rows. */
function expectedEvents(): string[] {
  const float = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value));
  return Array.from({ length: ROWS }, (_, n) => {
    const half = float(n / 2);
    const note = n === 0 ? '' : `"note":"${'x'.repeat(Math.min(300, n * 20))}",`;
    return [
      `${n % 7} {"name":"orders","attributes":{"price":${half},"ratio":${half},"count":${n},"items":[{"sku":"a","price":${half}}]}}`,
      `${n % 7} {"name":"${n % 2 === 0 ? 'opened' : 'closed'}","attributes":{${note}"dice":${n}.0}}`,
    ];
  }).flat();
}

test('each stream is sent with its own settings, and each column as one type', async () => {
  const source = file('source.json', sourceConfiguration(server(), 'shop', SOURCE));
  const destination = file('destination.json', destinationConfiguration(batch, DESTINATION));
  const discovered = await runInProcess('source-clickhouse', ['discover', '--config', source]);
  const streams = discovered.messages.flatMap(({ catalog }) => catalog?.streams ?? []);
  const catalog = file('catalog.json', {
    streams: streams.map((stream) => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append' })),
  });
  const read = await runInProcess('source-clickhouse', ['read', '--config', source, '--catalog', catalog]);
  const written = await runInProcess('destination-batch', ['write', '--config', destination, '--catalog', catalog], {
    input: read.stdout,
  });
  expect([read.code, written.code]).toEqual([0, 0]);
  expect(logs(written)).toContainEqual(
    expect.stringMatching(/settings for the stream "ordres".*Did you mean "orders"\?/),
  );
  const counts = states(written).map(({ destinationStats }) => destinationStats?.recordCount ?? 0);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2 * ROWS);
  expect(batch.stats).toMatchObject({ attributes_refused: 0, partial_errors: 0 });
  const events = [...batch.store.events()].map(({ custom_id, json }) => `${custom_id} ${json}`);
  expect(events.sort()).toEqual(expectedEvents().sort());
});

test('preview maps a stream with its settings', async () => {
  const output = new MessageOutput(process.stdout);
  const warnings: string[] = [];
  const { sample } = await preview(
    { output, stop: new AbortController().signal, now: Date.now },
    {
      source: file('source.json', sourceConfiguration(server(), 'shop', SOURCE)),
      destination: file('destination.json', destinationConfiguration(batch, DESTINATION)),
      stream: 'visits',
      rows: 1,
      warn: (message) => warnings.push(message),
    },
  );
  expect([sample.rows, sample.rejected]).toEqual([ROWS, 0]);
  expect(sample.columns.map(({ name, use }) => [name, use.kind])).toEqual([
    ['visitor', 'profile'],
    ['action', 'event_name'],
    ['at', 'not_sent'],
    ['note', 'attribute'],
    ['dice', 'attribute'],
  ]);
  expect(warnings).toContainEqual(expect.stringContaining('Did you mean "orders"?'));
});
