import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchApi } from '../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../sandbox/clickhouse/server.ts';
import { type Finished, run, sync } from '../sandbox/launcher.ts';
import { validateMessage } from './message_schema.ts';
import { catalogOf, destinationConfiguration, quickBatchApi, sourceConfiguration, temporaryFiles } from './support.ts';

const file = temporaryFiles();
let server: ClickHouseServer;
let batch: BatchApi;

beforeAll(async () => {
  [server, batch] = await Promise.all([ClickHouseServer.start(), quickBatchApi()]);
  await server.execute(
    'CREATE DATABASE shop',
    'CREATE TABLE shop.events (custom_id String, event_name String, last_updated_at DateTime64(6), n Float64) ENGINE = MergeTree ORDER BY last_updated_at',
    "INSERT INTO shop.events SELECT if(number % 100 = 0, '', concat('u', toString(number))), 'purchase', now64(6), if(number = 1, nan, number) FROM numbers(5000)",
  );
});

afterAll(async () => {
  await batch.close();
  await server.stop();
});

/** Every line on stdout must be a message; gives their types. */
function typesOf({ messages, stderr }: Finished): Set<string> {
  expect(stderr).toBe('');
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages) {
    validateMessage(message);
    expect(validateMessage.errors ?? [], JSON.stringify(message)).toEqual([]);
  }
  return new Set(messages.map(({ type }) => type));
}

test('every line that the source prints is a message of the protocol', async () => {
  const config = file('source.json', sourceConfiguration(server, 'shop'));
  const wrong = file('wrong.json', sourceConfiguration(server, 'shop', { password: 'wrong' }));
  const catalog = file('catalog.json', catalogOf('incremental', 'events', 'missing'));
  const types = [
    ['spec'],
    ['check', '--config', config],
    ['check', '--config', wrong],
    ['discover', '--config', config],
    ['discover', '--config', wrong],
    ['read', '--config', config, '--catalog', catalog],
    ['read', '--config', config, '--catalog', config],
    ['read'],
  ].map(async (args) => typesOf(await run('source-clickhouse', args)));
  const seen = new Set((await Promise.all(types)).flatMap((some) => [...some]));
  expect([...seen].toSorted()).toEqual(['CATALOG', 'CONNECTION_STATUS', 'LOG', 'RECORD', 'SPEC', 'STATE', 'TRACE']);
});

test('every line that the destination prints is a message of the protocol', async () => {
  const source = file('source.json', sourceConfiguration(server, 'shop'));
  const catalog = file('catalog.json', catalogOf('incremental', 'events'));
  const config = file('destination.json', destinationConfiguration(batch));
  const wrong = file('wrong-destination.json', destinationConfiguration(batch, { rest_api_key: 'wrong' }));
  const results = [
    ...[
      ['spec'],
      ['check', '--config', config],
      ['check', '--config', wrong],
      ['discover', '--config', config],
      ['write'],
    ].map((args) => run('destination-batch', args)),
    sync({ source, destination: config, catalog }),
    sync({ source, destination: wrong, catalog }),
  ];
  const seen = new Set((await Promise.all(results)).flatMap((result) => [...typesOf(result)]));
  expect([...seen].toSorted()).toEqual(['CONNECTION_STATUS', 'DESTINATION_CATALOG', 'LOG', 'SPEC', 'STATE', 'TRACE']);
});
