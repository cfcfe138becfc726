import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, start } from '../../sandbox/launcher.ts';
import {
  destinationConfiguration,
  errors,
  eventually,
  logs,
  quickBatchApi,
  REST_API_KEY,
  records,
  states,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { ConformanceRuns, testEveryCommand } from './runs.ts';

/** What Airbyte's standard tests require of check and discover, and what its platform and PyAirbyte rely on in write. */
const WRONG_KEY = 'not/the "key"';

const file = temporaryFiles();
const runs = new ConformanceRuns('destination-batch');
let batch: BatchApi;
let config: string;
let wrongConfig: string;

type Row = Record<string, unknown>;

function line(message: unknown): string {
  return `${typeof message === 'string' ? message : JSON.stringify(message)}\n`;
}

function row(stream: string, n: unknown, more: Row = {}): Row {
  const data = { custom_id: `${stream}-${Number(n) % 7}`, event_name: 'purchase', from: stream, n };
  return { type: 'RECORD', record: { stream, namespace: 'shop', emitted_at: 1_760_000_000_000, data, ...more } };
}

function rows(stream: string, count: number): Row[] {
  return upTo(count).map((n) => row(stream, n));
}

function state(stream: string, cursor: unknown, more: Row = {}): Row {
  const body = { stream_descriptor: { name: stream, namespace: 'shop' }, stream_state: { cursor } };
  return { type: 'STATE', state: { type: 'STREAM', stream: body, ...more } };
}

/** A stream of a catalog, with its own fields and those of its entry in the catalog. */
function configured(stream: string, more: Row = {}, ofStream: Row = {}): Row {
  const described = { json_schema: { properties: {} }, supported_sync_modes: ['incremental'], ...ofStream };
  return {
    stream: { name: stream, namespace: 'shop', ...described },
    sync_mode: 'incremental',
    destination_sync_mode: 'append',
    ...more,
  };
}

/** The values `n` of the events of a stream, in the order of arrival at Batch. */
function written(stream: string): unknown[] {
  return eventsOf(stream).map(({ attributes }) => attributes.n);
}

const eventSchema = z.looseObject({ name: z.string(), attributes: z.looseObject({ from: z.string() }) });

function eventsOf(stream: string): z.output<typeof eventSchema>[] {
  return [...batch.store.events()]
    .map(({ json }) => eventSchema.parse(JSON.parse(json)))
    .filter(({ attributes }) => attributes.from === stream);
}

/** The echoed states of a stream, as unchanged strings. */
function echoed(result: Finished, stream: string): string[] {
  return result.stdout.split('\n').filter((text) => text.includes('"STATE"') && text.includes(`"${stream}"`));
}

/** A state as it must be echoed: unchanged, with counts at the end. */
function withStats(message: Row, accepted: number, rejected = 0): string {
  const stats = `"destinationStats":{"recordCount":${accepted}.0,"rejectedRecordCount":${rejected}.0}`;
  return JSON.stringify(message).replace(/\}\}$/, `,${stats}}}`);
}

let streams = 0;

function newStream(): string {
  streams += 1;
  return `stream_${streams}`;
}

/** The input of one `write`. Each part has its own streams, by which its results can be found. */
const parts: { catalog: Row[]; messages: unknown[] }[] = [];
let together: Finished;

/** Adds messages of a new stream to the write that most rules share. Returns the name of the stream. */
function inSharedWrite(
  messages: (stream: string) => readonly unknown[],
  catalog: (stream: string) => Row[] = (stream) => [configured(stream)],
): string {
  const stream = newStream();
  parts.push({ catalog: catalog(stream), messages: [...messages(stream)] });
  return stream;
}

function write(
  name: string,
  stream: string,
  messages: readonly unknown[],
  { catalog = [configured(stream)], ...wanted }: { catalog?: Row[]; ends?: 'with a failure' } = {},
): Promise<Finished> {
  const args = ['write', '--config', config, '--catalog', file(`catalog-${stream}.json`, { streams: catalog })];
  return runs.run(`write: ${name}`, args, { input: messages.map(line).join(''), ...wanted });
}

beforeAll(async () => {
  batch = await quickBatchApi();
  config = file('destination.json', destinationConfiguration(batch));
  wrongConfig = file('wrong.json', destinationConfiguration(batch, { rest_api_key: WRONG_KEY }));
  together = await write(
    'what most rules share',
    newStream(),
    parts.flatMap(({ messages }) => messages),
    { catalog: parts.flatMap(({ catalog }) => catalog) },
  );
});

afterAll(() => batch.close());

describe.concurrent('check', () => {
  test('prints one CONNECTION_STATUS, as its last message, which is SUCCEEDED when Batch can be written to', async () => {
    const { messages } = await runs.run('check', ['check', '--config', config]);
    expect(messages.map(({ type }) => type)).toEqual(['CONNECTION_STATUS']);
    expect(messages[0]?.connectionStatus).toEqual({ status: 'SUCCEEDED' });
  });

  test('prints one CONNECTION_STATUS, as its last message, which is FAILED with the reason when it cannot', async () => {
    const { messages } = await runs.run('check, refused', ['check', '--config', wrongConfig]);
    expect(messages.map(({ type }) => type)).toEqual(['CONNECTION_STATUS']);
    expect(messages[0]?.connectionStatus).toEqual({ status: 'FAILED', message: expect.stringMatching(/\w/) });
  });

  test('accepts a configuration with unknown keys', async () => {
    const unknown = file('unknown.json', destinationConfiguration(batch, { added_by_the_platform: { a: [1] } }));
    const { messages } = await runs.run('check, with unknown keys', ['check', '--config', unknown]);
    expect(messages.at(-1)?.connectionStatus).toEqual({ status: 'SUCCEEDED' });
  });

  test('reports an invalid command line in a TRACE ERROR, and prints no status', async () => {
    const { messages } = await runs.run('check without its argument', ['check'], { ends: 'with wrong arguments' });
    expect(messages.map(({ type }) => type)).toEqual(['TRACE']);
  });
});

const operationsSchema = z.array(
  z.strictObject({
    object_name: z.string().min(1),
    sync_mode: z.string(),
    matching_keys: z.array(z.array(z.string())).optional(),
    json_schema: z.looseObject({
      type: z.literal('object'),
      required: z.array(z.string()),
      properties: z.record(z.string(), z.looseObject({ type: z.union([z.string(), z.array(z.string())]) })),
      additionalProperties: z.boolean(),
    }),
  }),
);

describe('discover', () => {
  let result: Finished;
  let operations: z.output<typeof operationsSchema>;

  beforeAll(async () => {
    result = await runs.run('discover', ['discover', '--config', config]);
    operations = operationsSchema.parse(result.messages[0]?.destination_catalog?.operations);
  });

  test('prints one DESTINATION_CATALOG, with at least one operation, and nothing else', () => {
    expect(result.messages.map(({ type }) => type)).toEqual(['DESTINATION_CATALOG']);
    expect(operations.length).toBeGreaterThan(0);
  });

  test('has each object and sync mode once', () => {
    const names = operations.map(({ object_name, sync_mode }) => `${object_name} ${sync_mode}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test('offers sync modes that the specification names', async () => {
    const { messages } = await runs.run('spec', ['spec']);
    const { supported_destination_sync_modes: supported } = z
      .looseObject({ supported_destination_sync_modes: z.array(z.string()) })
      .parse(messages[0]?.spec);
    expect(supported).toEqual(expect.arrayContaining(operations.map(({ sync_mode }) => sync_mode)));
  });

  test('requires fields that it describes, and accepts others', () => {
    for (const { json_schema } of operations) {
      expect(Object.keys(json_schema.properties)).toEqual(expect.arrayContaining(json_schema.required));
      expect(json_schema.required).toContain('custom_id');
      expect(json_schema.additionalProperties).toBe(true);
    }
  });

  test('requires the matching keys of each operation that does not append', () => {
    for (const { sync_mode, matching_keys = [], json_schema } of operations) {
      expect(matching_keys.length > 0).toBe(sync_mode !== 'append');
      expect(json_schema.required).toEqual(expect.arrayContaining(matching_keys.flat()));
    }
  });

  test('describes rows that write then accepts', async () => {
    for (const { object_name, sync_mode, json_schema } of operations) {
      const fields = Object.keys(json_schema.properties);
      const described = Object.fromEntries(fields.map((name) => [name, 'purchase']));
      const stream = newStream();
      const data = { ...described, event_time: new Date().toISOString(), from: stream, n: 1 };
      const catalog = [configured(stream, { destination_object_name: object_name, destination_sync_mode: sync_mode })];
      const result = await write(
        `as discovered: ${object_name}`,
        stream,
        [row(stream, 1, { data }), state(stream, 1)],
        {
          catalog,
        },
      );
      expect(echoed(result, stream)).toEqual([withStats(state(stream, 1), 1)]);
    }
  });
});

describe('write: states', () => {
  // The first one: a state for all streams counts all rows that no state has counted yet.
  const kinds: [string, (stream: string) => Row][] = [
    [
      'GLOBAL',
      (stream) => ({
        type: 'STATE',
        state: {
          type: 'GLOBAL',
          global: {
            shared_state: { lsn: 1 },
            stream_states: [{ stream_descriptor: { name: stream }, stream_state: { cursor: 1 } }],
          },
        },
      }),
    ],
    ['in the legacy form', (stream) => ({ type: 'STATE', state: { data: { [stream]: { cursor: 1 } } } })],
    [
      'of a reset, with null in it',
      (stream) => ({
        type: 'STATE',
        state: { type: 'STREAM', stream: { stream_descriptor: { name: stream }, stream_state: null } },
      }),
    ],
    [
      'without a namespace',
      (stream) => ({
        type: 'STATE',
        state: { type: 'STREAM', stream: { stream_descriptor: { name: stream }, stream_state: { cursor: 1 } } },
      }),
    ],
  ];
  for (const [kind, given] of kinds) {
    const stream = inSharedWrite((name) => [...rows(name, 2), given(name)]);
    test(`are echoed, whatever their kind: one ${kind}`, () => {
      expect(echoed(together, stream)).toEqual([withStats(given(stream), 2)]);
    });
  }

  const extras = (stream: string): Row =>
    state(stream, '9', { id: 42, sourceStats: { recordCount: 3 }, kept: { by: ['the platform'] } });
  const withExtras = inSharedWrite((stream) => [...rows(stream, 3), extras(stream)]);
  test('I2: states are echoed unchanged, except for the counts', () => {
    expect(echoed(together, withExtras)).toEqual([withStats(extras(withExtras), 3)]);
  });

  const ids = upTo(21).map((id) => id * 107_374_182);
  const withIds = inSharedWrite((stream) => ids.map((id) => state(stream, id, { id })));
  test('are echoed with the id of the platform as an unchanged integer', () => {
    expect(echoed(together, withIds).map((text) => /"id":([^,}]+)/.exec(text)?.[1])).toEqual(ids.map(String));
  });

  const ofSeveral = (stream: string): string[] => upTo(5).map((index) => `${stream}_${index}`);
  const manyStates = inSharedWrite(
    (stream) =>
      upTo(500).flatMap((index) => {
        const names = ofSeveral(stream);
        return [row(names[index % 5] ?? '', index), state(names[(index * 7) % 5] ?? '', index)];
      }),
    (stream) => ofSeveral(stream).map((name) => configured(name)),
  );
  test('are all echoed in the order of arrival, with many states and many streams', () => {
    const found = states(together).filter(({ stream }) => stream?.stream_descriptor.name.startsWith(`${manyStates}_`));
    expect(found.map(({ stream }) => stream.stream_state.cursor)).toEqual(upTo(500));
  });

  const alone = inSharedWrite((stream) => [state(stream, 1), state(stream, 2)]);
  test('are echoed with counts of zero when no row came before them', () => {
    expect(echoed(together, alone)).toEqual([withStats(state(alone, 1), 0), withStats(state(alone, 2), 0)]);
  });

  const counted = inSharedWrite((stream) => {
    const bad = row(stream, 5, { data: { event_name: 'purchase', from: stream } });
    return [...rows(stream, 10), bad, bad, state(stream, 1), ...rows(stream, 4), bad, state(stream, 2)];
  });
  test('I1: a STATE counts accepted and rejected rows, which together are all rows before it', () => {
    expect(echoed(together, counted)).toEqual([
      withStats(state(counted, 1), 10, 2),
      withStats(state(counted, 2), 4, 1),
    ]);
  });

  test('count the rows of their own stream when another one has its name in another namespace', async () => {
    const stream = newStream();
    const archived = { stream_descriptor: { name: stream, namespace: 'archive' }, stream_state: { cursor: 2 } };
    const result = await write(
      'two namespaces',
      stream,
      [
        ...rows(stream, 3),
        row(stream, 3, { namespace: 'archive' }),
        state(stream, 1),
        { type: 'STATE', state: { type: 'STREAM', stream: archived } },
      ],
      { catalog: [configured(stream), configured(stream, {}, { namespace: 'archive' })] },
    );
    expect(states(result).map(({ destinationStats }) => destinationStats?.recordCount)).toEqual([3, 1]);
  });

  test('I2: a STATE is echoed only when Batch has all rows before it', async () => {
    const stream = newStream();
    // Its requests are sent in a different order from the input.
    const slow = await quickBatchApi();
    slow.faults.add([
      { kind: 'delay', milliseconds: 300 },
      { kind: 'status', status: 503 },
      { kind: 'delay', milliseconds: 50, times: 4 },
    ]);
    const slowConfig = file('slow.json', destinationConfiguration(slow, { flush_interval_seconds: 0.02 }));
    const child = startWrite(slowConfig, stream);
    const early: unknown[] = [];
    const seen: number[] = [];
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (text) => {
      if (!text.includes('"STATE"')) return;
      const rowsBefore = Number(/"cursor":(\d+)/.exec(text)?.[1]);
      seen.push(rowsBefore);
      if (slow.stats.events_accepted < rowsBefore) early.push([rowsBefore, slow.stats.events_accepted]);
    });
    for (const n of upTo(2_000)) {
      child.stdin?.write(line(row(stream, n)));
      if (n % 100 === 99) child.stdin?.write(line(state(stream, n + 1)));
    }
    child.stdin?.end();
    await once(child, 'close');
    await slow.close();
    expect(early).toEqual([]);
    expect(seen).toEqual(upTo(20).map((index) => (index + 1) * 100));
  });
});

describe('write: rows', () => {
  const many = inSharedWrite((stream) => rows(stream, 2_000));
  test('I10: rows become events, each once, and no RECORD appears on stdout', () => {
    expect(written(many).toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(2_000));
    expect(records(together)).toEqual([]);
  });

  const nothing = { log: null, spec: null, connectionStatus: null, catalog: null, trace: null, control: null };
  const stateWithNulls = (stream: string): Row => ({ record: null, ...nothing, ...state(stream, 1) });
  test('may contain null for every optional field of a message', async () => {
    const stream = newStream();
    const given = stateWithNulls(stream);
    const nulls = { namespace: null, meta: null, file_reference: null };
    const result = await write('nulls', stream, [{ ...row(stream, 1, nulls), ...nothing, state: null }, given]);
    expect(written(stream)).toEqual([1]);
    expect(echoed(result, stream)).toEqual([withStats(given, 1)]);
  });

  const withAdditions = inSharedWrite((stream) => {
    const data = { custom_id: 'u', event_name: 'purchase', from: stream, n: 1 };
    const added = { _airbyte_raw_id: '01J', _airbyte_extracted_at: '2026-01-01T00:00:00Z', _airbyte_meta: {} };
    const meta = { changes: [{ field: 'n', change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' }] };
    // PyAirbyte writes the emitted_at of rows from its cache in seconds.
    const emitted_at = 1_760_000_000;
    return [{ ...row(stream, 1, { data: { ...data, ...added }, meta, emitted_at }), unknown: [1] }];
  });
  test('may contain fields that the platform and PyAirbyte add to a message and its data, which are not sent', () => {
    expect(eventsOf(withAdditions)).toEqual([{ name: 'purchase', attributes: { from: withAdditions, n: 1 } }]);
  });

  const withoutData = inSharedWrite((stream) => [...rows(stream, 2), row(stream, 0, { data: {} }), state(stream, 1)]);
  test('without data are rejected and counted, and the others are sent', () => {
    expect(echoed(together, withoutData)).toEqual([withStats(state(withoutData, 1), 2, 1)]);
  });

  const properties = { custom_id: { type: 'boolean' }, event_name: {}, n: { type: 'integer' } };
  const unlikeSchema = inSharedWrite(
    (stream) => [row(stream, 'a text'), state(stream, 1)],
    (stream) => [configured(stream, {}, { json_schema: { type: 'object', additionalProperties: false, properties } })],
  );
  test("that don't match the schema of the catalog don't end the sync", () => {
    expect(written(unlikeSchema)).toEqual(['a text']);
    expect(echoed(together, unlikeSchema)).toEqual([withStats(state(unlikeSchema, 1), 1)]);
  });

  const large = inSharedWrite((stream) => [
    row(stream, 1),
    row(stream, 'x'.repeat(20_000_000)),
    row(stream, 2),
    state(stream, 1),
  ]);
  test('of 20 MB are accepted, and the others are sent', () => {
    expect(written(large)).toEqual(expect.arrayContaining([1, 2]));
    // Only the string that is too long is left out, and its event is kept.
    expect(echoed(together, large)).toEqual([withStats(state(large, 1), 3)]);
  });

  test('may be absent', async () => {
    expect(states(await write('no input', newStream(), []))).toEqual([]);
  });

  test.concurrent.each<[string, (input: Buffer) => readonly Uint8Array[]]>([
    [
      'in pieces that cut lines and characters',
      (input) => upTo(Math.ceil(input.length / 7)).map((index) => input.subarray(index * 7, index * 7 + 7)),
    ],
    ['without a line end after the last line', (input) => [input.subarray(0, -1)]],
    ['with Windows line ends', (input) => [Buffer.from(input.toString().replaceAll('\n', '\r\n'))]],
    ['with empty lines between', (input) => [Buffer.from(input.toString().replaceAll('\n', '\n\n \n'))]],
  ])('may come %s', async (name, cut) => {
    const stream = newStream();
    const notes = ['é😀\u2028', 'ÿ€'];
    const input = [...notes.map((note) => row(stream, note)), state(stream, 1)].map(line).join('');
    const catalog = file(`catalog-${stream}.json`, { streams: [configured(stream)] });
    const result = await runs.run(`write: ${name}`, ['write', '--config', config, '--catalog', catalog], {
      input: cut(Buffer.from(input)),
    });
    expect(written(stream)).toEqual(notes);
    expect(states(result).map(({ destinationStats }) => destinationStats?.recordCount)).toEqual([2]);
  });
});

describe('write: messages that are neither rows nor states', () => {
  const messages: [string, unknown][] = [
    ['a LOG', { type: 'LOG', log: { level: 'INFO', message: 'hello' } }],
    ['a SPEC', { type: 'SPEC', spec: { connectionSpecification: {} } }],
    ['a CATALOG', { type: 'CATALOG', catalog: { streams: [] } }],
    ['a CONTROL', { type: 'CONTROL', control: { type: 'CONNECTOR_CONFIG', emitted_at: 1, connectorConfig: {} } }],
    ['a TRACE with an ESTIMATE', { type: 'TRACE', trace: { type: 'ESTIMATE', emitted_at: 1, estimate: {} } }],
    ['a type of a later version', { type: 'NEWS', news: {} }],
    ['a line that is not a message', 'hello'],
  ];
  for (const [name, message] of messages) {
    const stream = inSharedWrite((one) => [row(one, 1), message, state(one, 1)]);
    test(`are ignored: ${name}`, () => {
      expect(echoed(together, stream)).toEqual([withStats(state(stream, 1), 1)]);
    });
  }

  for (const status of ['STARTED', 'RUNNING', 'COMPLETE', 'INCOMPLETE']) {
    const stream = inSharedWrite((name) => {
      const stream_status = { stream_descriptor: { name, namespace: 'shop' }, status };
      const trace = { type: 'STREAM_STATUS', emitted_at: 1, stream_status };
      return [row(name, 1), { type: 'TRACE', trace }, row(name, 2), state(name, 1)];
    });
    test(`do not decide when a stream ends: ${status}, and rows after it`, () => {
      expect(echoed(together, stream)).toEqual([withStats(state(stream, 1), 2)]);
    });
  }
});

describe('write: catalogs', () => {
  const modes: [string, Row][] = [
    ['append_dedup', { primary_key: [['custom_id']] }],
    ['overwrite_dedup', { primary_key: [['custom_id']] }],
    ['update', {}],
    ['soft_delete', {}],
  ];
  for (const [mode, more] of modes) {
    const stream = inSharedWrite(
      (name) => [row(name, 1), state(name, 1)],
      (name) => [configured(name, { destination_sync_mode: mode, ...more })],
    );
    test(`with a sync mode other than append are written as append, with a warning: ${mode}`, () => {
      expect(echoed(together, stream)).toEqual([withStats(state(stream, 1), 1)]);
      expect(logs(together)).toContainEqual(expect.stringMatching(new RegExp(`^WARN .*${stream}.*${mode}.*append`)));
    });
  }

  const generations: [string, Row][] = [
    ['none', {}],
    ['null', { generation_id: null, minimum_generation_id: null, sync_id: null }],
    ['one that keeps existing data', { generation_id: 3, minimum_generation_id: 0, sync_id: 9 }],
    ['one that replaces existing data', { generation_id: 3, minimum_generation_id: 3, sync_id: 9 }],
    ['one in between', { generation_id: 3, minimum_generation_id: 2, sync_id: 9 }],
  ];
  for (const [name, more] of generations) {
    const stream = inSharedWrite(
      (one) => [row(one, 1), state(one, 1)],
      (one) => [configured(one, more)],
    );
    test(`may name any generation, because events cannot be deleted: ${name}`, () => {
      expect(echoed(together, stream)).toEqual([withStats(state(stream, 1), 1)]);
    });
  }

  const bare = inSharedWrite(
    (stream) => [row(stream, 1), state(stream, 1)],
    (name) => {
      const nulls = { cursor_field: null, primary_key: null, destination_sync_mode: null };
      const stream = { name, namespace: null, json_schema: null, default_cursor_field: null };
      return [{ stream, sync_mode: 'full_refresh', ...nulls, destination_object_name: null }];
    },
  );
  test('may omit all optional fields, or set them to null', () => {
    expect(echoed(together, bare)).toEqual([withStats(state(bare, 1), 1)]);
  });

  test.concurrent.each<[string, unknown]>([
    ['not JSON', '{"streams": ['],
    ['streams that are not a list', { streams: {} }],
    ['a stream without a name', { streams: [{ stream: {}, sync_mode: 'incremental' }] }],
  ])('that cannot be read end write with a config_error before anything is sent: %s', async (name, catalog) => {
    const stream = newStream();
    const args = ['write', '--config', config, '--catalog', file(`catalog-${stream}.json`, catalog)];
    const result = await runs.run(`catalog: ${name}`, args, { ends: 'with a failure', input: line(row(stream, 1)) });
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error' }]);
    expect(written(stream)).toEqual([]);
  });
});

/** A write whose input the test provides and ends. */
function startWrite(configuration: string, stream: string): ChildProcess {
  const catalog = file(`catalog-${stream}.json`, { streams: [configured(stream)] });
  const child = start('destination-batch', ['write', '--config', configuration, '--catalog', catalog], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A command that fails closes its input.
  child.stdin?.on('error', () => {});
  return child;
}

describe.concurrent('write: failures', () => {
  test('of the configuration end it although its input stays open', async () => {
    const child = startWrite(file('empty.json', {}), newStream());
    const { code, stderr, messages } = await finished(child);
    child.stdin?.end();
    expect([code, stderr]).toEqual([1, '']);
    expect(errors({ messages })).toMatchObject([{ failure_type: 'config_error' }]);
  });

  test('reported by Batch end it while its input stays open, and no STATE is echoed', async () => {
    const stream = newStream();
    const child = startWrite(wrongConfig, stream);
    child.stdin?.write([...rows(stream, 3), state(stream, 1)].map(line).join(''));
    const { code, stderr, messages } = await finished(child);
    child.stdin?.end();
    expect([code, stderr]).toEqual([1, '']);
    expect(errors({ messages })).toMatchObject([{ failure_type: 'config_error' }]);
    expect(states({ messages })).toEqual([]);
  });

  test('keep the states before them, and no STATE after them is echoed', async () => {
    const stream = newStream();
    const child = startWrite(config, stream);
    const ended = finished(child);
    child.stdin?.write([...rows(stream, 3), state(stream, 1)].map(line).join(''));
    await eventually(() => expect(written(stream)).toHaveLength(3));
    child.stdin?.end([row('elsewhere', 1), state(stream, 2)].map(line).join(''));
    const result = await ended;
    expect(result.code).toBe(1);
    expect(echoed(result, stream)).toEqual([withStats(state(stream, 1), 3)]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error' }]);
  });
});

// After the others, because it checks the runs of all of them.
describe('every command', () => {
  const types = ['CONNECTION_STATUS', 'DESTINATION_CATALOG', 'LOG', 'SPEC', 'STATE', 'TRACE'];
  testEveryCommand(runs, types, [REST_API_KEY, WRONG_KEY]);
});
