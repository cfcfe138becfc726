import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import type { Finished, PrintedMessage } from '../../sandbox/launcher.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import {
  errors,
  numbers,
  records,
  sorted,
  sourceConfiguration,
  states,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { eventColumns } from '../support/tables.ts';
import { ConformanceRuns, testEveryCommand } from './runs.ts';

/** What Airbyte's acceptance tests and standard tests require of check, discover and read, and what its platform relies on. */
const REQUIRED = eventColumns();
const WRONG_PASSWORD = 'not/the "password"';
const ROWS = { types: 3, many: 12_000, few: 20, none: 0 };

const file = temporaryFiles();
const runs = new ConformanceRuns('source-clickhouse');
let server: ClickHouseServer;

const streamSchema = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  json_schema: z.looseObject({ properties: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  supported_sync_modes: z.array(z.string()),
  default_cursor_field: z.array(z.string()),
  is_resumable: z.boolean(),
});
type Stream = z.output<typeof streamSchema>;

let config: string;
let streams: Stream[];
let statuses: { good: Finished; wrong: Finished; unknownKeys: Finished };
let catalogs: { first: Finished; second: Finished; refused: Finished };
/** A full refresh with the catalog that acceptance tests use, and another one. */
let whole: { first: Finished; second: Finished };
/** Incremental, with the catalog that PyAirbyte uses. */
let incremental: Finished;

beforeAll(async () => {
  server = await sharedClickHouse();
  await server.execute(
    'CREATE DATABASE shop',
    `CREATE TABLE shop.types (${REQUIRED}, event_time Nullable(DateTime('Asia/Tokyo')), fine DateTime64(9, 'America/New_York'), day Date,
      wide_day Date32, small UInt8, n UInt64, huge Int256, price Decimal(20, 4), ratio Float64, share Nullable(Float32), vip Bool,
      level Enum8('low' = 1, 'high' = 2), id UUID, address IPv4, fixed FixedString(3), category LowCardinality(Nullable(String)),
      tags Array(LowCardinality(Nullable(String))), counts Array(UInt64), place Tuple(city String, zip UInt32), totals Map(String, Decimal(9, 2)), document JSON
    ) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.types SELECT concat('u', toString(number)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, toDateTime('2026-01-01 00:00:00', 'UTC'),
      toDateTime64('2026-01-01 00:00:00.123456789', 9, 'UTC'), '2026-01-01', '1925-01-01', 255, number, -number, 12.5, [0.5, nan, inf][number + 1], if(number = 1, NULL, 0.25), true,
      'high', generateUUIDv4(), '192.0.2.1', 'abc', if(number = 1, NULL, 'c'), ['a', NULL], [1, 18446744073709551615], ('Paris', 75001), map('a', 1.5), '{"a": {"b": [1, "x"]}}' FROM numbers(${ROWS.types})`,
    `CREATE TABLE shop.many (${REQUIRED}, n UInt64, note String) ENGINE = MergeTree ORDER BY last_updated_at`,
    // Groups of rows with one cursor value, so that there are states inside a group.
    `INSERT INTO shop.many SELECT concat('u', toString(number % 100)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 500), number, repeat('x', 300) FROM numbers(${ROWS.many})`,
    // Characters that some line readers treat as a line end, and the end of a string in C.
    `CREATE TABLE shop.few (${REQUIRED}, n UInt64, note String) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.few SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, 'a\\nb\\r\\nc\u2028d\u0085e\\0f"\\\\😀' FROM numbers(${ROWS.few})`,
    `CREATE TABLE shop.none (${REQUIRED}, n UInt64) ENGINE = MergeTree ORDER BY last_updated_at`,
  );
  config = file('source.json', sourceConfiguration(server, 'shop'));
  const unknownKeys = file('unknown.json', sourceConfiguration(server, 'shop', { added_by_the_platform: { a: [1] } }));
  const refused = file('refused.json', sourceConfiguration(server, 'shop', { password: WRONG_PASSWORD }));
  const [good, wrong, unknown, first, second, noCatalog] = await Promise.all([
    runs.run('check', ['check', '--config', config]),
    runs.run('check, refused', ['check', '--config', refused]),
    runs.run('check, with unknown keys', ['check', '--config', unknownKeys]),
    runs.run('discover', ['discover', '--config', config]),
    runs.run('discover again', ['discover', '--config', config]),
    runs.run('discover, refused', ['discover', '--config', refused], { ends: 'with a failure' }),
    runs.run('check without its argument', ['check'], { ends: 'with wrong arguments' }),
  ]);
  statuses = { good, wrong, unknownKeys: unknown };
  catalogs = { first, second, refused: noCatalog };
  streams = z.array(streamSchema).parse(first.messages[0]?.catalog?.streams);
  const wholeCatalog = acceptanceCatalog(streams);
  const [read, asPyAirbyte] = await Promise.all([
    reading('full refresh', wholeCatalog),
    reading('incremental', pyAirbyteCatalog(streams), { state: [] }),
  ]);
  whole = { first: read, second: await reading('full refresh again', wholeCatalog) };
  incremental = asPyAirbyte;
});

/** As in acceptance tests: the first mode that a stream offers, and null for every optional field. */
function acceptanceCatalog(chosen: readonly Stream[]): unknown {
  return {
    streams: chosen.map((stream) => ({
      stream: { ...stream, source_defined_primary_key: null },
      sync_mode: stream.supported_sync_modes[0],
      destination_sync_mode: 'append',
      cursor_field: null,
      primary_key: null,
      generation_id: null,
      minimum_generation_id: null,
      sync_id: null,
    })),
  };
}

/** As in PyAirbyte: incremental and overwrite whatever the stream offers, without the optional fields. */
function pyAirbyteCatalog(chosen: readonly Stream[]): unknown {
  return {
    streams: chosen.map((stream) => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'overwrite' })),
  };
}

function streamCalled(name: string): Stream[] {
  return streams.filter((stream) => stream.name === name);
}

let readings = 0;

function reading(
  name: string,
  catalog: unknown,
  { state, configuration = config, ends }: { state?: unknown; configuration?: string; ends?: 'with a failure' } = {},
): Promise<Finished> {
  readings += 1;
  const stateFile = state === undefined ? [] : ['--state', file(`state${readings}.json`, state)];
  const args = ['read', '--config', configuration, '--catalog', file(`catalog${readings}.json`, catalog), ...stateFile];
  return runs.run(`read: ${name}`, args, ends === undefined ? {} : { ends });
}

/** The stream that a message is about, if it is about one. */
function streamOf({ record, state, trace }: PrintedMessage): string | undefined {
  const descriptor = state?.stream.stream_descriptor ?? trace?.stream_status?.stream_descriptor;
  return record?.stream ?? descriptor?.name ?? trace?.estimate?.name;
}

function messagesOf(result: Finished, stream: string): PrintedMessage[] {
  return result.messages.filter((message) => streamOf(message) === stream);
}

/** The reads of all streams, by their kind. */
function wholeReads(): [string, Finished][] {
  return [
    ['full refresh', whole.first],
    ['full refresh again', whole.second],
    ['incremental', incremental],
  ];
}

/** For each read of all streams, and each of these: the name of the stream and what was printed about it. */
function perStream<T>(look: (messages: PrintedMessage[], stream: Stream) => T): [string, string, T][] {
  return wholeReads().flatMap(([read, result]) =>
    streams.map((stream): [string, string, T] => [read, stream.name, look(messagesOf(result, stream.name), stream)]),
  );
}

function perStreamExpected<T>(expected: (stream: Stream) => T): [string, string, T][] {
  return wholeReads().flatMap(([read]) => streams.map((s): [string, string, T] => [read, s.name, expected(s)]));
}

function rowsOf(stream: Stream): number {
  return Object.entries(ROWS).find(([name]) => name === stream.name)?.[1] ?? Number.NaN;
}

describe('check', () => {
  test('prints one CONNECTION_STATUS, as its last message, which is SUCCEEDED when the source can be read', () => {
    const found = statuses.good.messages.flatMap(({ connectionStatus }) => connectionStatus ?? []);
    expect(found).toEqual([{ status: 'SUCCEEDED' }]);
    expect(statuses.good.messages.at(-1)?.type).toBe('CONNECTION_STATUS');
  });

  test('prints one CONNECTION_STATUS, as its last message, which is FAILED with the reason when it cannot', () => {
    const found = statuses.wrong.messages.flatMap(({ connectionStatus }) => connectionStatus ?? []);
    expect(found).toEqual([{ status: 'FAILED', message: expect.stringMatching(/\w/) }]);
    expect(statuses.wrong.messages.at(-1)?.type).toBe('CONNECTION_STATUS');
  });

  test('accepts a configuration with unknown keys', () => {
    expect(statuses.unknownKeys.messages.at(-1)?.connectionStatus).toEqual({ status: 'SUCCEEDED' });
  });
});

/** Each type of a property, with the format and the Airbyte type that it may have. */
const PROPERTY_TYPES = [
  'array',
  'boolean',
  'integer',
  'integer, integer',
  'number',
  'number, integer',
  'object',
  'string',
  'string date',
  'string date-time, timestamp_with_timezone',
  'string date-time, timestamp_without_timezone',
  'string time, time_with_timezone',
  'string time, time_without_timezone',
];

type Property = { [key: string]: unknown };

/** A property and all properties in it, each with its path. */
function propertiesIn(path: string, property: Property): [string, Property][] {
  const { properties, items } = z
    .looseObject({
      properties: z.record(z.string(), z.looseObject({})).default({}),
      items: z.looseObject({}).optional(),
    })
    .parse(property);
  return [
    [path, property],
    ...Object.entries(properties).flatMap(([name, inner]) => propertiesIn(`${path}.${name}`, inner)),
    ...(items === undefined ? [] : propertiesIn(`${path}[]`, items)),
  ];
}

describe('discover', () => {
  const properties = (): [string, Property][] =>
    streams.flatMap(({ name, json_schema }) => propertiesIn(name, json_schema).slice(1));

  test('prints one CATALOG, with at least one stream, and nothing else', () => {
    expect(catalogs.first.messages.map(({ type }) => type)).toEqual(['CATALOG']);
    expect(streams.map(({ name }) => name)).toEqual(Object.keys(ROWS).toSorted());
  });

  test('lists no name twice, whatever the namespace', () => {
    expect(new Set(streams.map(({ name }) => name)).size).toBe(streams.length);
  });

  test('prints the same catalog each time', () => {
    expect(catalogs.second.stdout).toBe(catalogs.first.stdout);
  });

  test('describes the rows of a stream as an object, in a valid JSON schema of draft 7', () => {
    const ajv = new Ajv({ strict: false });
    for (const { name, json_schema } of streams) {
      expect([name, json_schema.type, ajv.validateSchema(json_schema), ajv.errors]).toEqual([
        name,
        'object',
        true,
        null,
      ]);
      expect([name, String(json_schema.$schema)]).toEqual([name, expect.stringMatching(/draft-07/)]);
    }
  });

  test('uses no references and no alternatives in its schemas', () => {
    const keywords = ['$ref', 'allOf', 'anyOf', 'oneOf', 'not'];
    expect(properties().filter(([, property]) => keywords.some((keyword) => keyword in property))).toEqual([]);
  });

  test('allows columns that are added later', () => {
    const all = [...properties(), ...streams.map(({ name, json_schema }): [string, Property] => [name, json_schema])];
    expect(all.filter(([, { additionalProperties }]) => (additionalProperties ?? true) !== true)).toEqual([]);
  });

  test('describes each property by a type, format and Airbyte type that fit together', () => {
    const kinds = properties().map(([path, { type, format, airbyte_type: airbyteType }]) => {
      const types = [type].flat().filter((one) => one !== 'null');
      return [
        path,
        `${types.join()}${format === undefined ? '' : ` ${format}`}${airbyteType === undefined ? '' : `, ${airbyteType}`}`,
      ];
    });
    expect(kinds.length).toBeGreaterThan(30);
    expect(kinds.filter(([, kind = '']) => !PROPERTY_TYPES.includes(kind))).toEqual([]);
  });

  test('names a cursor that is a property of the stream and can be compared', () => {
    for (const { name, default_cursor_field, json_schema } of streams) {
      const [cursor = '', ...deeper] = default_cursor_field;
      expect([name, deeper, json_schema.properties[cursor]?.type]).toEqual([name, [], 'string']);
    }
  });

  test('offers full_refresh first, because some clients use the first mode, and each mode once', () => {
    for (const stream of streams) expect(stream.supported_sync_modes).toEqual(['full_refresh', 'incremental']);
  });

  test('marks a stream as resumable if it can be read incrementally', () => {
    expect(streams.map((stream) => stream.is_resumable)).toEqual(streams.map(() => true));
  });

  test('prints no CATALOG when it cannot read the database', () => {
    expect(catalogs.refused.messages.map(({ type }) => type)).toEqual(['TRACE']);
  });
});

describe('read', () => {
  test('accepts null for all optional fields of a catalog', () => {
    expect(records(whole.first)).toHaveLength(Object.values(ROWS).reduce((sum, rows) => sum + rows));
  });

  test('writes each row of each stream once', () => {
    for (const [read, result] of wholeReads()) {
      for (const { name } of streams) {
        const found = messagesOf(result, name).flatMap(({ record }) => (record === undefined ? [] : [record.data]));
        const expected = upTo(Object.entries(ROWS).find(([table]) => table === name)?.[1] ?? 0);
        expect([read, name, sorted(found.map(({ n }) => Number(n)))]).toEqual([read, name, expected]);
      }
    }
  });

  test('writes records and states only under the names and namespaces of the catalog', () => {
    const known = new Set(streams.map(({ name, namespace }) => `${namespace}.${name}`));
    for (const [, { messages }] of wholeReads()) {
      const named = messages.flatMap(({ record, state, trace }) => [
        ...(record === undefined ? [] : [`${record.namespace}.${record.stream}`]),
        ...[state?.stream.stream_descriptor, trace?.stream_status?.stream_descriptor, trace?.estimate].flatMap(
          (about) => (about === undefined ? [] : [`${about.namespace}.${about.name}`]),
        ),
      ]);
      expect(new Set(named)).toEqual(known);
    }
  });

  test('writes records that match the JSON schema of their stream', () => {
    const ajv = new Ajv({ strict: false });
    addFormats.default(ajv);
    const broken = perStream((messages, { json_schema }) => {
      const validate = ajv.compile(json_schema);
      return messages.flatMap(({ record }) =>
        record === undefined || validate(record.data) ? [] : [[record.data, validate.errors]],
      );
    });
    expect(broken).toEqual(perStreamExpected(() => []));
  });

  test('writes exactly the fields that the catalog declares', () => {
    const filled = perStream((messages) => {
      const fields = messages.flatMap(({ record }) =>
        Object.entries(record?.data ?? {}).flatMap(([name, value]) => (value === null ? [] : [name])),
      );
      return [...new Set(fields)].toSorted();
    });
    expect(filled).toEqual(
      perStreamExpected((stream) =>
        rowsOf(stream) === 0 ? [] : Object.keys(stream.json_schema.properties).toSorted(),
      ),
    );
  });

  test("writes null only for NULL and for values that JSON can't express", () => {
    const nulls = whole.first.messages.flatMap(({ record }) =>
      Object.entries(record?.data ?? {}).flatMap(([name, value]) => (value === null ? [name] : [])),
    );
    expect([...new Set(nulls)].toSorted()).toEqual(['category', 'ratio', 'share']);
  });

  test('stamps each record with the time of its run, in whole milliseconds', async () => {
    const stamps = whole.first.messages.flatMap(({ record }) => record?.emitted_at ?? []);
    expect(stamps.filter((stamp) => !Number.isInteger(stamp))).toEqual([]);
    expect(Math.min(...stamps)).toBeGreaterThan(Date.now() - 600_000);
    expect(Math.max(...stamps)).toBeLessThanOrEqual(Date.now());
  });

  test('reports STARTED, RUNNING and COMPLETE of each stream once and in this order, and no RUNNING of an empty stream', () => {
    const said = perStream((messages) => messages.flatMap(({ trace }) => trace?.stream_status?.status ?? []));
    expect(said).toEqual(
      perStreamExpected((stream) => ['STARTED', ...(rowsOf(stream) === 0 ? [] : ['RUNNING']), 'COMPLETE']),
    );
  });

  test('reports STARTED first for each stream, RUNNING before its first record, and COMPLETE last', () => {
    const places = perStream((messages) => {
      const at = (status: string): number => messages.findIndex(({ trace }) => trace?.stream_status?.status === status);
      const firstRecord = messages.findIndex(({ record }) => record !== undefined);
      return [
        at('STARTED') === 0,
        firstRecord < 0 || at('RUNNING') < firstRecord,
        at('COMPLETE') === messages.length - 1,
      ];
    });
    expect(places).toEqual(perStreamExpected(() => [true, true, true]));
  });

  test('estimates each stream that has rows once, and never the sync as a whole', () => {
    const estimates = perStream((messages) =>
      messages.flatMap(({ trace }) =>
        trace?.estimate === undefined ? [] : [[trace.estimate.type, trace.estimate.row_estimate]],
      ),
    );
    expect(estimates).toEqual(
      perStreamExpected((stream) => (rowsOf(stream) === 0 ? [] : [['STREAM', rowsOf(stream)]])),
    );
  });

  test('writes a STATE after the last record of each stream, also of an empty one, and in a full refresh', () => {
    const last = perStream((messages) => messages.findLast(({ type }) => type === 'RECORD' || type === 'STATE')?.type);
    expect(last).toEqual(perStreamExpected(() => 'STATE'));
  });

  test('writes only states of type STREAM, none of them empty', () => {
    const found = perStream((messages) =>
      messages.every(
        ({ type, state }) =>
          type !== 'STATE' || (state?.type === 'STREAM' && Object.keys(state.stream.stream_state ?? {}).length > 0),
      ),
    );
    expect(found).toEqual(perStreamExpected(() => true));
  });

  test('counts in each state the records of its stream since the last one', () => {
    const counts = perStream((messages) => {
      let since = 0;
      const wrong: unknown[] = [];
      for (const { record, state } of messages) {
        if (record !== undefined) since += 1;
        if (state === undefined) continue;
        if (state.sourceStats?.recordCount !== since) wrong.push([state, since]);
        since = 0;
      }
      return wrong;
    });
    expect(counts).toEqual(perStreamExpected(() => []));
  });

  test('writes counts with a decimal point', () => {
    for (const [, { stdout }] of wholeReads()) {
      const counts = [...stdout.matchAll(/"recordCount":([^,}]+)/g)].map(([, count = '']) => count);
      expect(counts.length).toBeGreaterThanOrEqual(streams.length);
      expect(counts.filter((count) => !/^\d+\.0$/.test(count))).toEqual([]);
    }
  });

  test('writes a different STATE after more records', () => {
    const repeated = perStream((messages) => {
      const found = messages.flatMap(({ state }) => (state === undefined ? [] : [state]));
      return found.filter(({ stream, sourceStats }, index) => {
        const before = found[index - 1];
        if (before === undefined || sourceStats?.recordCount === 0) return false;
        return JSON.stringify(stream.stream_state) === JSON.stringify(before.stream.stream_state);
      });
    });
    expect(repeated).toEqual(perStreamExpected(() => []));
  });

  test('writes every record again in the next full refresh, with a later emitted_at', () => {
    const texts = (result: Finished): string[] =>
      records(result)
        .map((data) => JSON.stringify(data))
        .toSorted();
    expect(texts(whole.second)).toEqual(texts(whole.first));
    const stamps = (result: Finished): number[] => result.messages.flatMap(({ record }) => record?.emitted_at ?? []);
    expect(Math.min(...stamps(whole.second))).toBeGreaterThan(Math.max(...stamps(whole.first)));
  });

  test('writes each record on one line, whatever line ends are in its strings', async () => {
    const [row] = await server.query<{ note: string }>('SELECT note FROM shop.few LIMIT 1');
    const notes = messagesOf(whole.first, 'few').flatMap(({ record }) => record?.data.note ?? []);
    expect(row?.note).toMatch(/\n.*\r\n.*\u2028.*\u0085.*\0.*"\\😀/s);
    expect(notes).toEqual(Array(ROWS.few).fill(row?.note));
  });
});

describe.concurrent('a read with state', () => {
  test('I3: resumes from any STATE with exactly the records after it', async () => {
    const messages = messagesOf(incremental, 'many');
    const places = messages.flatMap(({ state }, index) => (state === undefined ? [] : [index]));
    expect(places.length).toBeGreaterThan(3);
    await Promise.all(
      places.map(async (place, index) => {
        const rest = await reading(`from state ${index}`, pyAirbyteCatalog(streamCalled('many')), {
          state: [messages[place]?.state],
        });
        expect([index, sorted(numbers(rest))]).toEqual([index, sorted(numbers({ messages: messages.slice(place) }))]);
      }),
    );
  });

  test('finds the state of a stream by its name without a namespace, too', async () => {
    const given = states(incremental).map(({ stream: { stream_descriptor, stream_state } }) => ({
      type: 'STREAM',
      stream: { stream_descriptor: { name: stream_descriptor.name }, stream_state },
    }));
    expect(
      records(await reading('from states without a namespace', pyAirbyteCatalog(streams), { state: given })),
    ).toEqual([]);
  });

  describe.each<[string, { namespace?: string | null }]>([
    ['no namespace', {}],
    ['null for the namespace', { namespace: null }],
    ['the database for the namespace', { namespace: 'shop' }],
  ])('of a stream that has %s in the catalog', (form, { namespace }) => {
    const expected = namespace == null ? {} : { namespace };
    const catalogNaming = (name: string): unknown => ({
      streams: [{ stream: { name, namespace }, sync_mode: 'incremental', destination_sync_mode: 'append' }],
    });
    /** Each way in which a message names its stream. */
    const descriptors = ({ messages }: Finished): unknown[] =>
      messages.flatMap(({ record, state, trace }) => [
        ...(record === undefined ? [] : [{ name: record.stream, namespace: record.namespace }]),
        ...(trace?.estimate === undefined ? [] : [{ name: trace.estimate.name, namespace: trace.estimate.namespace }]),
        ...[state?.stream.stream_descriptor, trace?.stream_status?.stream_descriptor].filter(
          (one) => one !== undefined,
        ),
      ]);

    test('names it in the same way in every message', async () => {
      const found = descriptors(await reading(`few, with ${form}`, catalogNaming('few')));
      expect(found.length).toBeGreaterThan(ROWS.few);
      for (const descriptor of found) expect(descriptor).toEqual({ name: 'few', ...expected });
    });

    test('names it in the same way in an error', async () => {
      const { messages } = await reading(`gone, with ${form}`, catalogNaming('gone'), { ends: 'with a failure' });
      const found = z
        .array(z.looseObject({ stream_descriptor: z.unknown() }))
        .parse(messages.flatMap(({ trace }) => trace?.error ?? []));
      expect(found.map(({ stream_descriptor }) => stream_descriptor)).toEqual([{ name: 'gone', ...expected }]);
    });

    test.each<[string, Record<string, unknown>]>([
      ['with the database as its namespace', { namespace: 'shop' }],
      ['without a namespace', {}],
      ['with null as its namespace', { namespace: null }],
    ])('finds its state %s', async (written, descriptor) => {
      const last = messagesOf(incremental, 'few').findLast(({ state }) => state !== undefined)?.state;
      const stream = { ...last?.stream, stream_descriptor: { name: 'few', ...descriptor } };
      const name = `few, with ${form}, from a state ${written}`;
      expect(records(await reading(name, catalogNaming('few'), { state: [{ ...last, stream }] }))).toEqual([]);
    });
  });

  test('writes no record, but a STATE, when the state is in the future', async () => {
    const few = messagesOf(incremental, 'few').findLast(({ state }) => state !== undefined)?.state;
    const state = [
      {
        ...few,
        stream: {
          ...few?.stream,
          stream_state: { ...few?.stream.stream_state, cursor: '2226-01-01T00:00:00.000000Z' },
        },
      },
    ];
    const result = await reading('from the future', pyAirbyteCatalog(streamCalled('few')), { state });
    expect(records(result)).toEqual([]);
    expect(states(result).map(({ type }) => type)).toContain('STREAM');
  });

  test.each<[string, unknown]>([
    ['[]', []],
    ['{}', {}],
    ['nothing', ''],
    [
      'a state that was reset',
      [{ type: 'STREAM', stream: { stream_descriptor: { name: 'few' }, stream_state: null } }],
    ],
    [
      'a state of another stream',
      [{ type: 'STREAM', stream: { stream_descriptor: { name: 'x' }, stream_state: { cursor: 1 } } }],
    ],
  ])('begins with the first row when the state file contains %s', async (name, state) => {
    expect(numbers(await reading(name, pyAirbyteCatalog(streamCalled('few')), { state }))).toEqual(upTo(ROWS.few));
  });

  test('reads all rows in a full refresh, whatever the state', async () => {
    const result = await reading('full refresh with a state', acceptanceCatalog(streamCalled('few')), {
      state: states(incremental),
    });
    expect(numbers(result)).toEqual(upTo(ROWS.few));
  });

  test('ignores keys that it does not know, in configuration, catalog and state', async () => {
    const few = states(incremental).findLast(({ stream }) => stream.stream_descriptor.name === 'few');
    const result = await reading(
      'unknown keys',
      {
        new: 1,
        streams: streamCalled('few').map((stream) => ({
          new: {},
          stream: { ...stream, new: 1 },
          sync_mode: 'incremental',
        })),
      },
      {
        state: [{ ...few, id: 7, new: [], stream: { ...few?.stream, new: 1 } }],
        configuration: file('unknown-keys.json', sourceConfiguration(server, 'shop', { new: 1 })),
      },
    );
    expect(records(result)).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['a GLOBAL state', [{ type: 'GLOBAL', global: { stream_states: [], shared_state: { cursor: 1 } } }]],
    ['a state in the legacy form', { few: { cursor: '2026-01-01T00:00:00.000000Z' } }],
  ])('refuses a state that it cannot read, before the first record: %s', async (name, state) => {
    const catalog = pyAirbyteCatalog(streamCalled('few'));
    const result = await reading(name, catalog, { state, ends: 'with a failure' });
    expect(records(result)).toEqual([]);
    expect(errors(result)[0]?.failure_type).toBe('config_error');
  });
});

describe.concurrent('a read with an unusual catalog', () => {
  test('reads streams with different sync modes in one run', async () => {
    const [full] = streamCalled('few');
    const [other] = streamCalled('types');
    const result = await reading(
      'both modes',
      {
        streams: [
          { stream: full, sync_mode: 'full_refresh' },
          { stream: other, sync_mode: 'incremental' },
        ],
      },
      { state: states(incremental) },
    );
    expect(messagesOf(result, 'few').filter(({ type }) => type === 'RECORD')).toHaveLength(ROWS.few);
    expect(messagesOf(result, 'types').filter(({ type }) => type === 'RECORD')).toHaveLength(0);
  });

  test('reports an invalid catalog in a TRACE ERROR, and prints no record', async () => {
    const catalog = {
      streams: [
        {
          stream: {
            name: 'no_such_stream',
            json_schema: { type: 'object', properties: { f: { type: 'string' } } },
            supported_sync_modes: ['full_refresh'],
          },
          sync_mode: 'INVALID',
          destination_sync_mode: 'INVALID',
        },
      ],
    };
    const result = await reading('nonsense', catalog, { ends: 'with a failure' });
    expect(records(result)).toEqual([]);
    expect(errors(result)[0]?.failure_type).toBe('config_error');
  });
});

// After the others, because it checks the runs of all of them.
describe('every command', () => {
  const types = ['CATALOG', 'CONNECTION_STATUS', 'LOG', 'RECORD', 'STATE', 'TRACE'];
  testEveryCommand(runs, types, [READER.password, WRONG_PASSWORD]);
});
