import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { test as base, describe, expect } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, run, start } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import {
  catalogOf,
  checkStatus,
  destinationConfiguration,
  errors,
  eventually,
  logs,
  quickBatchApi,
  REST_API_KEY,
  records,
  states,
  temporaryFiles,
} from '../support/support.ts';

const file = temporaryFiles();

/** Each test has its own Batch API, because many tests wait for it and run in parallel. */
const test = base.extend<{ batch: BatchApi }>({
  batch: async ({ task: _ }, use) => {
    const batch = await quickBatchApi();
    await use(batch);
    await batch.close();
  },
});

type Row = Record<string, unknown>;

function rowLines(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) =>
    recordLine({ custom_id: `u${(from + index) % 50}`, event_name: 'purchase', n: from + index }),
  );
}

function writeArguments(
  batch: BatchApi,
  changes: Row = {},
  catalog: unknown = catalogOf('incremental', 'events'),
): string[] {
  const config = file('destination.json', destinationConfiguration(batch, changes));
  return ['write', '--config', config, '--catalog', file('catalog.json', catalog)];
}

function write(batch: BatchApi, lines: readonly string[], changes: Row = {}, catalog?: unknown): Promise<Finished> {
  return runInProcess('destination-batch', writeArguments(batch, changes, catalog), {
    input: lines.map((line) => `${line}\n`).join(''),
  });
}

/** The metrics in the last ANALYTICS message of a write. */
async function writeWithMetrics(batch: BatchApi, lines: readonly string[], changes: Row = {}): Promise<unknown> {
  const { messages } = await run('destination-batch', [...writeArguments(batch, changes), '--report-metrics'], {
    input: lines.map((line) => `${line}\n`).join(''),
  });
  const last = messages.flatMap(({ trace }) => trace?.analytics ?? []).at(-1);
  expect(last?.type).toBe('destination-batch-metrics');
  return JSON.parse(last?.value ?? '');
}

function acceptedNumbers(batch: BatchApi): number[] {
  return [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n).toSorted((a, b) => a - b);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Sends a signal and waits until the process logs that it received it. */
async function signalled(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  child.kill(signal);
  await eventually(() => expect(printed).toContain(`${signal}: stopping`), 5);
}

describe.concurrent('check', () => {
  test('verifies the key and the project, and creates no event', async ({ batch }) => {
    expect(await checkStatus('destination-batch', file('good.json', destinationConfiguration(batch)))).toEqual({
      status: 'SUCCEEDED',
      message: '',
    });
    expect(batch.stats).toMatchObject({ requests: 1, events_accepted: 0 });
  });

  test.for<[string, Row, RegExp]>([
    ['a wrong key', { rest_api_key: 'wrong-key' }, /refused the REST API key.*Settings → General/s],
    ['a wrong project', { project_key: 'project_other' }, /refused the REST API key for this project/],
    ['an invalid version', { api_version: '9' }, /api_version must be two numbers/],
    [
      'an address where nothing listens',
      { api_url: 'http://127.0.0.1:1' },
      /Can't reach 127\.0\.0\.1:1: nothing listens there.*Check api_url/s,
    ],
    ['plain http to another machine', { api_url: 'http://api.batch.com' }, /api_url must begin with https/],
    ['an address that is not HTTP', { api_url: 'file:///etc/passwd' }, /api_url/],
    ['no key', { rest_api_key: undefined }, /rest_api_key/],
  ])('%s', async ([_, changes, expected], { batch }) => {
    const { status, message } = await checkStatus(
      'destination-batch',
      file('bad.json', destinationConfiguration(batch, changes)),
      runInProcess,
    );
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
    expect(message).not.toContain(REST_API_KEY);
  });

  test('Batch under maintenance', async ({ batch }) => {
    batch.faults.add({ kind: 'status', status: 503 });
    expect(
      (await checkStatus('destination-batch', file('good.json', destinationConfiguration(batch)))).message,
    ).toMatch(/maintenance.*try again later/s);
  });
});

test('reads rows from a file, from where the reader before it stopped', async ({ batch }) => {
  // More than one read.
  const lines = rowLines(4_000).map((line) => `${line}\n`);
  const input = openSync(file('rows.ndjson', lines.join('')), 'r');
  try {
    readSync(input, Buffer.alloc(lines.slice(0, 10).join('').length));
    const child = start('destination-batch', writeArguments(batch), { stdio: [input, 'pipe', 'pipe'] });
    expect((await finished(child)).code).toBe(0);
  } finally {
    closeSync(input);
  }
  const sent = [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n);
  expect(sent.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3_990 }, (_, index) => index + 10));
});

test('discover prints what can be written', async ({ batch }) => {
  const result = await run('destination-batch', [
    'discover',
    '--config',
    file('good.json', destinationConfiguration(batch)),
  ]);
  expect(result.code).toBe(0);
  expect(result.messages).toMatchObject([
    {
      type: 'DESTINATION_CATALOG',
      destination_catalog: {
        operations: [
          { object_name: 'profile_event', sync_mode: 'append' },
          { object_name: 'profile_attributes', sync_mode: 'append_dedup', matching_keys: [['custom_id']] },
        ],
      },
    },
  ]);
});

describe.concurrent('rows and states', () => {
  test('batches events by profile, and echoes the STATE after them', async ({ batch }) => {
    const result = await write(batch, [...rowLines(1000), stateLine('a')]);
    expect(result.code).toBe(0);
    expect(result.stderr).toBe('');
    expect(acceptedNumbers(batch)).toEqual(upTo(1000));
    // 50 profiles with 20 events each: 15 in the first update, 5 in the second.
    expect(batch.stats).toMatchObject({ updates_accepted: 100, calls_repeating_a_custom_id: 0 });
    expect(states(result)).toMatchObject([{ destinationStats: { recordCount: 1000, rejectedRecordCount: 0 } }]);
  });

  test('keeps the order of the events of a profile', async ({ batch }) => {
    await write(batch, rowLines(2000));
    for (const id of ['u0', 'u17', 'u49']) {
      const order = [...batch.store.events({ customId: id })].map(({ json }) => JSON.parse(json).attributes.n);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(order).toHaveLength(40);
    }
  });

  test('I2: echoes a STATE with its bytes unchanged', async ({ batch }) => {
    const line =
      '{ "type" : "STATE","state":{"id": 7, "type":"STREAM","stream":{"stream_descriptor":{"name":"events"},"stream_state":{"x": 9007199254740993, "y": 2.0, "z":1E2,"t":"\\u00e9 \\/ é"}}},"unknown":[ ] }';
    const { stdout } = await write(batch, [...rowLines(3), line]);
    const echoed = stdout.split('\n').find((text) => text.includes('"STATE"'));
    expect(echoed).toBe(
      line.replace('}}},"unknown"', '}},"destinationStats":{"recordCount":3.0,"rejectedRecordCount":0.0}},"unknown"'),
    );
  });

  test('I1, I2: echoes states in order, each with the counts of accepted and rejected rows since the one before', async ({
    batch,
  }) => {
    const catalog = catalogOf('incremental', 'events', 'others');
    const result = await write(
      batch,
      [
        ...rowLines(10),
        recordLine({ custom_id: '', event_name: 'purchase' }),
        stateLine(1),
        recordLine({ custom_id: 'u', event_name: 'purchase' }, 'others'),
        ...rowLines(5),
        stateLine(2, 'others'),
        stateLine(3),
        stateLine(4),
      ],
      {},
      catalog,
    );
    expect(
      states(result).map(({ stream, destinationStats }) => [stream.stream_state.cursor, destinationStats]),
    ).toEqual([
      [1, { recordCount: 10, rejectedRecordCount: 1 }],
      [2, { recordCount: 1, rejectedRecordCount: 0 }],
      [3, { recordCount: 5, rejectedRecordCount: 0 }],
      [4, { recordCount: 0, rejectedRecordCount: 0 }],
    ]);
  });

  test('rejects rows that break a rule with a reason, and sends the others', async ({ batch }) => {
    const result = await write(batch, [
      recordLine({ event_name: 'purchase' }),
      recordLine({ custom_id: 'u1', event_name: 'Bad Name!' }),
      recordLine({ custom_id: 'u2', event_name: 'purchase', event_time: 'yesterday' }),
      recordLine({ custom_id: 'u3', event_name: 'purchase', n: 3, note: ' ', link: 'x'.repeat(301) }),
      stateLine(1),
    ]);
    expect(result.code).toBe(0);
    expect([...batch.store.events()].map(({ json }) => JSON.parse(json))).toEqual([
      { name: 'purchase', attributes: { n: 3 } },
    ]);
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 1, rejectedRecordCount: 3 });
    for (const said of [
      /custom_id_missing/,
      /event_name_invalid/,
      /event_time_invalid/,
      /"note".*text_blank/,
      /"link".*text_too_long/,
    ]) {
      expect(logs(result)).toContainEqual(expect.stringMatching(said));
    }
    expect(batch.stats.partial_errors).toBe(0);
  });

  test('skips other messages of a pipe, but reports an error of the source', async ({ batch }) => {
    const result = await write(batch, [
      JSON.stringify({ type: 'LOG', log: { level: 'INFO', message: 'hello' } }),
      JSON.stringify({ type: 'TRACE', trace: { type: 'STREAM_STATUS', emitted_at: 1, stream_status: {} } }),
      JSON.stringify({ type: 'TRACE', trace: { type: 'ERROR', emitted_at: 1, error: { message: 'no such table' } } }),
      JSON.stringify({ type: 'SOMETHING_NEW' }),
      'no JSON at all',
      '',
      ...rowLines(2),
      stateLine(1),
    ]);
    expect(result.code).toBe(0);
    expect(acceptedNumbers(batch)).toEqual([0, 1]);
    expect(states(result)).toHaveLength(1);
    expect(logs(result)).toContainEqual('ERROR The source failed: no such table');
    expect(result.stdout).not.toContain('hello');
  });

  test("I2: doesn't echo a STATE after a truncated line", async ({ batch }) => {
    const [first = '', second = ''] = rowLines(2);
    const result = await write(batch, [first, second.slice(0, 60), stateLine(1)]);
    expect(result.code).toBe(1);
    expect(states(result)).toEqual([]);
    expect(errors(result)[0]?.message).toMatch(/can't be read.*no later state is written/s);
  });

  test('reports a truncated last line of a killed source, and keeps the rows before it', async ({ batch }) => {
    const result = await write(batch, [...rowLines(2), stateLine(1), '{"type":"RECORD","record":{"str']);
    expect(result.code).toBe(1);
    expect(states(result)).toHaveLength(1);
    expect(acceptedNumbers(batch)).toEqual([0, 1]);
    expect(errors(result)[0]?.message).toMatch(/source was cut off/);
  });

  test('a row of a stream that is not in the catalog ends the sync', async ({ batch }) => {
    const result = await write(batch, [recordLine({ custom_id: 'u', event_name: 'x' }, 'other'), stateLine(1)]);
    expect(result.code).toBe(1);
    expect(states(result)).toEqual([]);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringContaining('"other"') },
    ]);
  });

  test('I7: numbers keep all their digits', async ({ batch }) => {
    await write(batch, [
      '{"type":"RECORD","record":{"stream":"events","emitted_at":1,"data":{"custom_id":9007199254740993,"event_name":"x","big":9223372036854775807,"exact":0.1234567890123456789,"nested":"{\\"n\\":9007199254740995}"}}}',
    ]);
    const [event] = batch.store.events();
    expect(event?.custom_id).toBe('9007199254740993');
    expect(event?.json).toContain(
      '"big":9223372036854775807,"exact":0.1234567890123456789,"nested":{"n":9007199254740995}',
    );
  });

  test('echoes a STATE soon after its rows while the input stays open', async ({ batch }) => {
    const child = start('destination-batch', writeArguments(batch), { stdio: ['pipe', 'pipe', 'pipe'] });
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    child.stdin?.write(`${rowLines(3).join('\n')}\n${stateLine(1)}\n`);
    await eventually(() => expect(printed).toContain('"destinationStats":{"recordCount":3.0'), 5);
    child.stdin?.end();
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });

  test('the cursor that a source defines is not sent, whatever its name', async ({ batch }) => {
    const stream = { name: 'events', source_defined_cursor: true, default_cursor_field: ['inserted_at'] };
    await write(
      batch,
      [recordLine({ custom_id: 'u', event_name: 'x', inserted_at: '2026-01-01T00:00:00Z', n: 1 })],
      {},
      {
        streams: [{ stream, sync_mode: 'incremental' }],
      },
    );
    expect([...batch.store.events()].map(({ json }) => JSON.parse(json))).toEqual([
      { name: 'x', attributes: { n: 1 } },
    ]);
  });

  test('converts strings to times and numbers by the schema of the catalog', async ({ batch }) => {
    const time = { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' };
    const properties = {
      ...{ custom_id: { type: 'string' }, event_name: { type: 'string' }, event_time: time, date__paid_at: time },
      ...{ price: { type: 'number' }, order_id: { type: ['null', 'integer'] }, note: { type: 'string' } },
    };
    const now = new Date().toISOString().slice(0, 19);
    // The second row is copied from its line, the first one is parsed.
    const times = [now, now.replace('T', ' '), `${now}Z`, `${now}+00:00`, `${now}.000000+0000`];
    const lines = times.map((event_time) =>
      recordLine({
        custom_id: 'u',
        event_name: 'x',
        event_time,
        date__paid_at: event_time,
        price: '47.250000000',
        order_id: '9007199254740993',
        note: '1',
      }),
    );
    const catalogWith = (json_schema: unknown): unknown => ({
      streams: [{ stream: { name: 'events', json_schema }, sync_mode: 'incremental' }],
    });
    const result = await write(batch, [...lines, stateLine(1)], {}, catalogWith({ type: 'object', properties }));
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: times.length, rejectedRecordCount: 0 });
    expect([...batch.store.events()].map(({ json }) => json.replaceAll('.000000Z', 'Z'))).toEqual(
      times.map(
        () =>
          `{"name":"x","time":"${now}Z","attributes":{"date(paid_at)":"${now}Z","price":47.250000000,"order_id":9007199254740993,"note":"1"}}`,
      ),
    );

    batch.reset();
    const without = await write(batch, [...lines, stateLine(1)], {}, catalogWith({}));
    expect(states(without)[0]?.destinationStats).toEqual({ recordCount: 2, rejectedRecordCount: 3 });
    expect([...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.price)).toEqual(
      Array.from({ length: 2 }, () => '47.250000000'),
    );
  });

  test('sync modes other than append are treated as append, with a warning', async ({ batch }) => {
    const catalog = {
      streams: [
        {
          stream: { name: 'events' },
          sync_mode: 'full_refresh',
          destination_sync_mode: 'overwrite',
          generation_id: 1,
          minimum_generation_id: 1,
        },
      ],
    };
    const result = await write(batch, [...rowLines(1)], {}, catalog);
    expect(result.code).toBe(0);
    expect(logs(result)).toContainEqual(expect.stringMatching(/WARN The stream "events" is configured as overwrite/));
    expect(logs(result)).toContainEqual(expect.stringMatching(/WARN The catalog asks to remove .+ of "events"/));
  });
});

describe.concurrent('responses of Batch', () => {
  const input = [...rowLines(50), stateLine(1)];

  test.for([
    ['500', { kind: 'status', status: 500, times: 2 }],
    ['503', { kind: 'status', status: 503 }],
    ['429 with Retry-After', { kind: 'status', status: 429, retry_after_seconds: 1 }],
    ['a connection cut before the request was stored', { kind: 'cut', stored: false }],
  ] as const)('retries after %s, and loses or duplicates no event', async ([_, fault], { batch }) => {
    batch.faults.add(fault);
    const requestLog = file('requests.ndjson', '');
    const args = [...writeArguments(batch), '--request-log', requestLog];
    const result = await run('destination-batch', args, { input: input.map((line) => `${line}\n`).join('') });
    expect(result.code).toBe(0);
    expect(acceptedNumbers(batch)).toEqual(upTo(50));
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 50, rejectedRecordCount: 0 });
    const logged = readFileSync(requestLog, 'utf8');
    expect(logged).not.toContain(REST_API_KEY);
    expect(
      logged
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject(
      upTo('times' in fault ? fault.times : 1).map((index) => ({
        attempt: index + 1,
        status: 'status' in fault ? fault.status : null,
        body: expect.toSatisfy((body: unknown[]) => body.length === 50),
      })),
    );
  });

  test('a connection cut after the request was stored duplicates its events, which are counted', async ({ batch }) => {
    batch.faults.add({ kind: 'cut', stored: true });
    const result = await write(batch, input);
    expect(result.code).toBe(0);
    expect(acceptedNumbers(batch)).toEqual(upTo(50).flatMap((n) => [n, n]));
    expect(logs(result)).toContainEqual(expect.stringMatching(/WARN 50 events may have reached Batch twice/));
  });

  test.for<[number, string, RegExp]>([
    [401, 'config_error', /key/],
    [403, 'config_error', /forbids/],
    [404, 'config_error', /api_version/],
    [405, 'config_error', /for a reason other than its content/],
  ])('%i ends the sync with %s and no state', async ([status, failureType, expected], { batch }) => {
    batch.faults.add({ kind: 'status', status });
    const result = await write(batch, input);
    expect(result.code).toBe(1);
    expect(states(result)).toEqual([]);
    expect(errors(result)).toMatchObject([{ failure_type: failureType, message: expect.stringMatching(expected) }]);
  });

  test('a lasting error ends the sync with a transient_error when the time for retries is over', async ({ batch }) => {
    batch.faults.add({ kind: 'status', status: 500, times: 1000 });
    const result = await write(batch, input, { retry_minutes: 0.03 });
    expect(result.code).toBe(1);
    expect(states(result)).toEqual([]);
    expect(errors(result)).toMatchObject([
      { failure_type: 'transient_error', message: expect.stringMatching(/Run the sync again later/) },
    ]);
  });

  test('reports metrics at the end with --report-metrics, also of a run that fails', async ({ batch }) => {
    batch.faults.add({ kind: 'status', status: 503 });
    const rejected = recordLine({ custom_id: '', event_name: 'purchase', n: 50 });
    const metrics = await writeWithMetrics(batch, [...input, rejected, stateLine(2)]);
    expect(metrics).toEqual({
      requests: { '202': 1, '503': 1 },
      request_seconds: { count: 2, sum: expect.any(Number), buckets: expect.any(Array) },
      retries: 1,
      updates: 100,
      events_accepted: 50,
      rows_rejected: expect.objectContaining({ custom_id_missing: 1, event_too_old: 0 }),
      possible_duplicates: 0,
      tokens_left: expect.any(Number),
    });
    batch.faults.add({ kind: 'status', status: 401 });
    expect(await writeWithMetrics(batch, input)).toMatchObject({ requests: { '401': 1 }, events_accepted: 0 });
  });

  test('halves a refused request until the bad update is isolated', async ({ batch }) => {
    batch.faults.add({ kind: 'refuse_when', contains: '"custom_id":"u7"' });
    const result = await write(batch, input);
    expect(result.code).toBe(0);
    expect(acceptedNumbers(batch)).toEqual(upTo(50).filter((n) => n !== 7));
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 49, rejectedRecordCount: 1 });
    expect(logs(result)).toContainEqual(expect.stringMatching(/refused_by_batch.*MALFORMED_PARAMETER/));
  });

  test('a partial error of a batch rejects the row of its update', async ({ batch }) => {
    batch.faults.add({ kind: 'partial', bulk_index: 3, category: 'event', reason: 'the event is from another time' });
    const result = await write(batch, input);
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 49, rejectedRecordCount: 1 });
    expect(logs(result)).toContainEqual(expect.stringMatching(/Batch said: the event is from another time/));
  });

  test('a partial error that names an attribute leaves its event accepted', async ({ batch }) => {
    batch.faults.add({ kind: 'partial', bulk_index: 3, category: 'attribute', attribute: 'n', reason: 'not today' });
    const result = await write(batch, input);
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 50, rejectedRecordCount: 0 });
    expect(logs(result)).toContainEqual(expect.stringMatching(/Batch left out the attribute "n": not today/));
  });

  test("a response that can't be parsed counts by its HTTP status, with a warning", async ({ batch }) => {
    batch.faults.add({ kind: 'garbage', stored: true });
    const result = await write(batch, input);
    expect(result.code).toBe(0);
    expect(acceptedNumbers(batch)).toEqual(upTo(50));
    expect(logs(result)).toContainEqual(expect.stringMatching(/response can't be read/));
  });
});

describe.concurrent('signals', () => {
  test('I4: SIGTERM settles the rows up to the next STATE, echoes it, and ends by the signal', async ({ batch }) => {
    batch.faults.add({ kind: 'delay', milliseconds: 500, times: 20 });
    const child = start('destination-batch', writeArguments(batch), { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = finished(child);
    child.stdin?.on('error', () => {});
    child.stdin?.write(`${[...rowLines(300), stateLine(1), ...rowLines(10, 300)].join('\n')}\n`);
    await eventually(() => expect(batch.stats.requests).toBeGreaterThan(0), 5);
    await signalled(child, 'SIGTERM');
    // Not at a state yet: it reads on to the next one, and no further.
    child.stdin?.write(`${[...rowLines(10, 310), stateLine(2), ...rowLines(10, 320), stateLine(3)].join('\n')}\n`);
    const result = await ended;
    expect(result.signal).toBe('SIGTERM');
    expect(states(result).map(({ stream }) => stream.stream_state.cursor)).toEqual([1, 2]);
    expect(acceptedNumbers(batch)).toEqual(upTo(320));
  });

  test('SIGINT ends write at once while it waits for input', async ({ batch }) => {
    const child = start('destination-batch', writeArguments(batch), { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = finished(child);
    child.stdin?.write(`${[...rowLines(3), stateLine(1)].join('\n')}\n`);
    await eventually(() => expect(batch.stats.events_accepted).toBe(3), 5);
    child.kill('SIGINT');
    const result = await ended;
    expect(result.signal).toBe('SIGINT');
    expect(states(result)).toHaveLength(1);
  });

  test("a second signal ends write while Batch doesn't answer", async ({ batch }) => {
    batch.faults.add({ kind: 'hang', stored: false, times: 100 });
    const child = start('destination-batch', writeArguments(batch), { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = finished(child);
    child.stdin?.write(`${[...rowLines(3), stateLine(1)].join('\n')}\n`);
    await eventually(() => expect(batch.stats.requests).toBe(1), 5);
    await signalled(child, 'SIGTERM');
    child.kill('SIGTERM');
    const result = await ended;
    expect(result.signal).toBe('SIGTERM');
    expect(states(result)).toEqual([]);
  });

  test('I10: records never appear on stdout', async ({ batch }) => {
    expect(records(await write(batch, [...rowLines(5), stateLine(1)]))).toEqual([]);
  });
});
