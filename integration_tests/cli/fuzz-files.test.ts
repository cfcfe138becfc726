import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyText } from '../../sandbox/any-text.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import destinationSpec from '../../spec/destination-batch.json' with { type: 'json' };
import sourceSpec from '../../spec/source-clickhouse.json' with { type: 'json' };
import { check as checkDestination, write } from '../../src/destination-batch/commands.ts';
import { check as checkSource, discover, read } from '../../src/source-clickhouse/commands.ts';
import { validateMessage } from '../protocol/message-schema.ts';
import { type Ended, runCommand } from '../support/fuzz.ts';
import {
  catalogOf,
  clickHouseWith,
  destinationConfiguration,
  quickBatchApi,
  REST_API_KEY,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const DATABASE = 'shop';
const SECRETS = [READER.password, REST_API_KEY];

const server = clickHouseWith(DATABASE);
const file = temporaryFiles();
let batch: BatchApi;

beforeAll(async () => {
  batch = await quickBatchApi();
  await server().execute(
    createTableSql(`${DATABASE}.events`, '', { cursor: "DateTime64(3, 'UTC')" }),
    `INSERT INTO ${DATABASE}.events VALUES ('u1', 'seen', '2026-01-01 00:00:00.000')`,
  );
});
afterAll(() => batch.close());

let files = 0;

/** A new file with this content, which may not be JSON. */
function fileWith(content: unknown): string {
  files += 1;
  return file(`${files}.json`, typeof content === 'string' ? content : JSON.stringify(content));
}

/** Ends with only messages of the protocol, which are short and contain no secret. */
function expectPlainWords(ended: Ended): void {
  for (const line of ended.lines) expect(validateMessage(JSON.parse(line)), line).toBe(true);
  for (const secret of SECRETS) {
    expect(ended.text).not.toContain(secret);
    expect(ended.text).not.toContain(JSON.stringify(secret).slice(1, -1));
  }
  expect(ended.text).not.toMatch(/ {4}at /);
}

/** The user's mistake, in plain words. */
function expectConfigError(ended: Ended): string {
  expect(ended).toMatchObject({ isDone: false, failureType: 'config_error' });
  expectPlainWords(ended);
  const [message = ''] = ended.lines.flatMap((line) => JSON.parse(line).trace?.error?.message ?? []);
  return message;
}

/** JSON of any kind, and text that isn't JSON. */
const anyDocument = fc.oneof(
  fc.json(),
  fc.json().map((json) => json.slice(0, json.length / 2)),
  anyText(),
  fc.constantFrom('', '\u0000', '\ufeff{}', '[]', 'null', '{"__proto__":{"x":1}}', '['.repeat(100_000)),
  fc.constant(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`),
);

/** Values that are wrong in most places. */
const hostileValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    '',
    ' ',
    "'; DROP TABLE events; --",
    '`events`',
    '../../etc/passwd',
    'a\u0000b',
    'a\r\nX-Injected: 1',
    '\ud800',
    'x'.repeat(10_000),
    -1,
    0,
    1.5,
    1e308,
    2 ** 53,
    {},
    [],
    true,
  ),
);

describe('configurations', () => {
  test('any document ends with a config_error before anything connects', async () => {
    await fc.assert(
      fc.asyncProperty(anyDocument, async (document) => {
        const config = fileWith(document);
        expectConfigError(await runCommand((context) => checkSource(context, config)));
        expectConfigError(await runCommand((context) => checkDestination(context, config)));
      }),
      { numRuns: 60 },
    );
  });

  test('a source with one hostile option ends with a plain message, and its table is unchanged', async () => {
    // The address must not be random.
    const options = Object.keys(sourceSpec.connectionSpecification.properties).filter(
      (option) => !['host', 'port', 'tunnel_method'].includes(option),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...options), hostileValue, async (option, value) => {
        const config = fileWith({ ...sourceConfiguration(server(), DATABASE), table: 'events', [option]: value });
        for (const command of [checkSource, discover]) {
          const ended = await runCommand((context) => command(context, config));
          expectPlainWords(ended);
          if (!ended.isDone) expect(ended.failureType).toBe('config_error');
        }
      }),
      { numRuns: 60, examples: [['username', 'a\r\nX-Injected: 1']] },
    );
    expect(await server().query(`SELECT event_name FROM ${DATABASE}.events`)).toEqual([{ event_name: 'seen' }]);
  });

  test('a destination with one hostile option ends with a plain message', async () => {
    const options = Object.keys(destinationSpec.connectionSpecification.properties).filter(
      (option) => option !== 'api_url',
    );
    const catalog = fileWith(catalogOf('incremental', 'events'));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...options), hostileValue, async (option, value) => {
        const config = fileWith({ ...destinationConfiguration(batch), [option]: value });
        const ended = await runCommand((context) => write(context, { config, catalog }, Readable.from([])));
        expectPlainWords(ended);
        if (!ended.isDone) expect(ended.failureType).toBe('config_error');
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    'file:///etc/passwd',
    'ftp://api.batch.com',
    'javascript:alert(1)',
    'data:,x',
    'http://api.batch.com',
    'http://10.0.0.1',
    'http://169.254.169.254/latest/meta-data',
    'http://[fd00::1]',
    'http://localhost.example.com',
    'http://127.0.0.1@example.com',
    'http://127.0.0.1.example.com',
    'http://0.0.0.0',
    'https://',
    '//api.batch.com',
    'api.batch.com',
    '',
    'https://user:password@api.batch.com',
    'https://api.batch.com/?key=1',
    'https://api.batch.com/#x',
  ])('api_url %s is refused before anything is sent', async (api_url) => {
    const config = fileWith({ ...destinationConfiguration(batch), api_url });
    expect(expectConfigError(await runCommand((context) => checkDestination(context, config)))).toContain('api_url');
  });

  test.each([
    'localhost/?query=DROP TABLE events',
    'http://localhost',
    'localhost:1@example.com',
    'local host',
    'localhost\r\nX: 1',
    '',
    '.',
    '%6c',
  ])('host %s is refused', async (host) => {
    const config = fileWith({ ...sourceConfiguration(server(), DATABASE), host });
    expectConfigError(await runCommand((context) => checkSource(context, config)));
  });
});

describe('catalogs', () => {
  test('any document ends with a config_error', async () => {
    const source = fileWith(sourceConfiguration(server(), DATABASE));
    const destination = fileWith(destinationConfiguration(batch));
    await fc.assert(
      fc.asyncProperty(anyDocument, async (document) => {
        const catalog = fileWith(document);
        expectConfigError(await runCommand((context) => read(context, { config: source, catalog, state: undefined })));
        expectConfigError(
          await runCommand((context) => write(context, { config: destination, catalog }, Readable.from([]))),
        );
      }),
      { numRuns: 50 },
    );
  });

  test.each<[string, unknown]>([
    ['a stream that does not exist', catalogOf('incremental', 'nothing')],
    ['a stream that is SQL', catalogOf('incremental', "events'; DROP TABLE events; --")],
    ['a stream of another database', catalogOf('incremental', 'system.tables')],
    ['the same stream twice', catalogOf('incremental', 'events', 'events')],
    ['an unknown sync mode', { streams: [{ stream: { name: 'events' }, sync_mode: 'sideways' }] }],
    ['a catalog that is not configured', { streams: [{ name: 'events', json_schema: {} }] }],
    ['the CATALOG message that contains it', { type: 'CATALOG', catalog: { streams: [] } }],
  ])('%s', async (_, content) => {
    const catalog = fileWith(content);
    const config = fileWith(sourceConfiguration(server(), DATABASE));
    const ended = await runCommand((context) => read(context, { config, catalog, state: undefined }));
    expectPlainWords(ended);
    expect(ended).toMatchObject({ isDone: false, failureType: 'config_error' });
  });
});

describe('states', () => {
  const states = async (content: unknown): Promise<Ended> => {
    const state = fileWith(content);
    const config = fileWith(sourceConfiguration(server(), DATABASE));
    const catalog = fileWith(catalogOf('incremental', 'events'));
    return runCommand((context) => read(context, { config, catalog, state }));
  };
  const stateOf = (stream_state: unknown): unknown => [
    { type: 'STREAM', stream: { stream_descriptor: { name: 'events' }, stream_state } },
  ];

  test('any document either reads rows from the start or ends with a config_error', async () => {
    await fc.assert(
      fc.asyncProperty(anyDocument, async (document) => {
        const ended = await states(document);
        expectPlainWords(ended);
        if (ended.isDone) expect(ended.text).toContain('"custom_id":"u1"');
        else expect(ended.failureType).toBe('config_error');
      }),
      { numRuns: 50 },
    );
  });

  test('any state of the stream ends with a config_error, unless it is empty', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          hostileValue,
          fc.record({
            cursor: hostileValue,
            cursor_type: hostileValue,
            version: fc.oneof(fc.constant(2), hostileValue),
          }),
          fc.record({
            version: fc.constant(2),
            cursor: hostileValue,
            cursor_type: fc.constant("DateTime64(3, 'UTC')"),
          }),
        ),
        async (state) => {
          const ended = await states(stateOf(state));
          expectPlainWords(ended);
          if (ended.isDone) expect(ended.text).toContain('"custom_id":"u1"');
          else expect(ended.failureType).toBe('config_error');
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each<[string, unknown]>([
    [
      'Airbyte’s Postgres source',
      stateOf({
        version: 2,
        state_type: 'cursor_based',
        cursor: '1',
        cursor_field: ['id'],
        stream_name: 'events',
        cursor_record_count: 1,
      }),
    ],
    ['a source on the CDK', stateOf({ updated_at: '2026-01-01T00:00:00Z' })],
    ['CDC', [{ type: 'GLOBAL', global: { shared_state: { state: {} }, stream_states: [] } }]],
    [
      'a connector from before states had types',
      { data: { cdc: false, streams: [{ stream_name: 'events', cursor: '1' }] } },
    ],
  ])('of %s are refused', async (_, content) => {
    expectConfigError(await states(content));
  });
});
