import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BatchApi as Sandbox } from '../../../sandbox/batch-api/server.ts';
import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { ConnectorError } from '../../protocol/errors.ts';
import { MessageOutput, OutputClosedError } from '../../protocol/output.ts';
import { MAX_CALLS_IN_FLIGHT } from '../batch/api.ts';
import { destinationConfigurationSchema } from '../config/schema.ts';
import { write } from './write.ts';

const KEYS = { rest_api_key: 'rest_write', project_key: 'project_write' };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.start({
    restApiKey: KEYS.rest_api_key,
    projectKey: KEYS.project_key,
    limits: { updateBurst: 1e6 },
  });
});
beforeEach(() => {
  sandbox.reset();
  sandbox.faults.clear();
});
afterAll(() => sandbox.close());

const inputs: Readable[] = [];
afterEach(() => {
  for (const input of inputs.splice(0)) input.destroy();
});

const catalogOf = (...names: string[]): ConfiguredCatalog => ({
  streams: names.map((name) => ({ stream: { name }, sync_mode: 'incremental', destination_sync_mode: 'append' })),
});

/** A run of `write` with this output, and the input that the test feeds. */
function startWith(
  stdout: Writable,
  {
    catalog = catalogOf('events'),
    source,
    ...settings
  }: {
    catalog?: ConfiguredCatalog;
    source?: Readable;
    flush_interval_seconds?: number;
    endpoint?: 'update';
    api_url?: string;
    dry_run?: boolean;
    rejected_rows?: { storage_type: 'Local'; path: string };
    on_rejection?: { mode: 'fail' };
    streams?: Record<string, { object: 'profile_attributes' }>;
  } = {},
) {
  const input = new PassThrough();
  inputs.push(source ?? input);
  const stop = new AbortController();
  const configuration = destinationConfigurationSchema.parse({ ...KEYS, api_url: sandbox.url, ...settings });
  const context = { output: new MessageOutput(stdout), stop: stop.signal, now: Date.now };
  const ended = { isDone: false };
  const result = write(context, configuration, catalog, source ?? input).finally(() => {
    ended.isDone = true;
  });
  // A test that does not ask how it ended looks at what came out.
  result.catch(() => undefined);
  const feed = (...fed: string[]): void => {
    input.write(fed.map((line) => `${line}\n`).join(''));
  };
  return { input, feed, stop, result, ended };
}

/** The same, with the lines that come out. */
function start(settings: Parameters<typeof startWith>[1] = {}) {
  const lines: string[] = [];
  let rest = '';
  const stdout = new Writable({
    write: (chunk: Buffer, _, callback) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      callback();
    },
  });
  return {
    ...startWith(stdout, settings),
    lines,
    states: () => lines.filter((line) => line.includes('"STATE"')),
    logs: () => logsOf(lines),
  };
}

const logsOf = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const message = JSON.parse(line) as { type: string; log?: { level: string; message: string } };
    return message.type === 'LOG' ? [`${message.log?.level} ${message.log?.message}`] : [];
  });

const row = (customId: string, name: string, stream = 'events'): string =>
  JSON.stringify({
    type: 'RECORD',
    record: { stream, emitted_at: 1, data: { custom_id: customId, event_name: name } },
  });

const state = (number: number, stream = 'events', stats = ''): string =>
  `{"type":"STATE", "state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"${stream}"},"stream_state":{"n":${number}.0}}${stats}},"id":${number}}`;

const stats = (accepted: number, rejected: number): string =>
  `,"destinationStats":{"recordCount":${accepted}.0,"rejectedRecordCount":${rejected}.0}`;

const stored = (): string[] =>
  [...sandbox.store.events()].map(
    ({ custom_id, json }) => `${custom_id} ${(JSON.parse(json) as { name: string }).name}`,
  );

async function failureOf(result: Promise<boolean>): Promise<ConnectorError> {
  const error = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectorError)) throw new Error('It did not fail as expected', { cause: error });
  return error;
}

test('sends rows before the flush interval if their lines use up the capacity of rejected rows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'session-'));
  try {
    const { feed, input, result } = start({
      flush_interval_seconds: 900,
      rejected_rows: { storage_type: 'Local', path: folder },
    });
    // The string is too long for Batch, so the event is small.
    const long = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 40; n += 1) {
      const data = { custom_id: `u${n % 5}`, event_name: `e${n}`, long };
      feed(JSON.stringify({ type: 'RECORD', record: { stream: 'events', emitted_at: 1, data } }));
    }
    await expect.poll(() => stored().length, { timeout: 30_000 }).toBeGreaterThan(30);
    input.end();
    expect(await result).toBe(true);
    expect(stored()).toHaveLength(40);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('I1, I2: sends rows, and echoes each state with the counts of the rows before it', async () => {
  const { feed, input, result, states, logs } = start();
  feed(row('u1', 'a'), row('u2', 'b'), row('', 'c'), state(1), row('u1', 'd'), state(2), state(3));
  input.end();
  expect(await result).toBe(true);
  expect(stored().toSorted()).toEqual(['u1 a', 'u1 d', 'u2 b']);
  expect(states()).toEqual([
    state(1, 'events', stats(2, 1)),
    state(2, 'events', stats(1, 0)),
    state(3, 'events', stats(0, 0)),
  ]);
  expect(logs()).toEqual([
    'WARN A row of events is rejected (custom_id_missing): custom_id is missing or blank, so there is no profile to attach the event to. Its columns: custom_id (blank string), event_name (string of 1 character). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/custom_id_missing.md',
    'INFO 4 rows read: 3 accepted, 1 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 1 request with 2 updates, 0 retries.',
    'WARN Rows rejected: custom_id_missing: 1.',
  ]);
});

test('echoes a state while the input continues', async () => {
  const { feed, input, result, states } = start({ flush_interval_seconds: 0.01 });
  feed(row('u1', 'a'), state(1));
  await expect.poll(states, { interval: 2 }).toEqual([state(1, 'events', stats(1, 0))]);
  feed(row('u1', 'b'));
  input.end();
  expect(await result).toBe(true);
  expect(stored()).toEqual(['u1 a', 'u1 b']);
});

test('I2: does not echo a state before its rows are accepted', async () => {
  const { feed, result, states } = start({ flush_interval_seconds: 0.01 });
  sandbox.faults.add([
    { kind: 'delay', milliseconds: 50 },
    { kind: 'status', status: 401 },
  ]);
  feed(row('u1', 'a'), state(1));
  await expect.poll(() => sandbox.faults.list().length, { interval: 2 }).toBe(1);
  expect(states()).toEqual([]);
  await expect.poll(states, { interval: 2 }).toHaveLength(1);
  feed(row('u1', 'b'), state(2));
  await failureOf(result);
  expect(states()).toEqual([state(1, 'events', stats(1, 0))]);
});

test('writes only a summary for an empty input', async () => {
  const { input, result, lines, logs } = start();
  input.end();
  expect(await result).toBe(true);
  expect(lines).toHaveLength(1);
  expect(logs()).toEqual([
    'INFO 0 rows read: 0 accepted, 0 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 0 requests with 0 updates, 0 retries.',
  ]);
});

test('with several streams, each state counts the rows of its stream', async () => {
  const { feed, input, result, states } = start({ catalog: catalogOf('a', 'b') });
  feed(row('u1', 'x', 'a'), row('u2', 'y', 'b'), state(1, 'a'), state(2, 'b'));
  input.end();
  expect(await result).toBe(true);
  expect(states()).toEqual([state(1, 'a', stats(1, 0)), state(2, 'b', stats(1, 0))]);
});

test('skips and counts lines that are not messages for a destination', async () => {
  const { feed, input, result, logs } = start();
  feed('Starting', '', '{"type":"LOG","log":{"level":"INFO","message":"x"}}', '{"type":"CATALOG"}', row('u1', 'a'));
  input.end();
  expect(await result).toBe(true);
  expect(logs().at(-1)).toBe('INFO Lines on stdin that were skipped: not JSON: 2, type CATALOG: 1.');
  expect(stored()).toEqual(['u1 a']);
});

test('parses lines with invalid UTF-8, so that the events contain replacement characters', async () => {
  const { input, result } = start();
  const withText = (customId: string, text: string): string =>
    row(customId, 'e').replace('"event_name"', `"text":"${text}","event_name"`);
  const lines = [withText('u1', 'é'), withText('u2', 'é'), withText('u3', 'e\u{1F455}')].join('\n');
  const bytes = Buffer.from(`${lines}\n`);
  // Only the first byte of this character is left.
  bytes[bytes.indexOf('é', bytes.indexOf('u2')) + 1] = 0x20;
  input.end(bytes);
  expect(await result).toBe(true);
  const events = [...sandbox.store.events()].map(({ custom_id, json }) => `${custom_id} ${json}`);
  expect(events.toSorted()).toEqual([
    'u1 {"name":"e","attributes":{"text":"é"}}',
    'u2 {"name":"e","attributes":{"text":"\ufffd "}}',
    'u3 {"name":"e","attributes":{"text":"e\u{1F455}"}}',
  ]);
});

test('passes on an error of the source', async () => {
  const { feed, input, result, logs } = start();
  feed('{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"No such table"}}}');
  input.end();
  expect(await result).toBe(true);
  expect(logs()[0]).toBe('ERROR The source failed: No such table');
});

test('passes on a warning of the source, and not its progress', async () => {
  const { feed, input, result, logs } = start();
  feed('{"type":"LOG","log":{"level":"INFO","message":"10 rows"}}');
  feed('{"type":"LOG","log":{"level":"WARN","message":"Rows are held back"}}');
  input.end();
  expect(await result).toBe(true);
  expect(logs().slice(0, -1)).toEqual(['WARN The source warns: Rows are held back']);
});

test.each([
  [
    'overwrite',
    [
      'WARN The stream "events" is configured as overwrite, but events can only be added to profiles. It is treated as append.',
    ],
  ],
  ['append', []],
  [null, []],
])('warns about the destination sync mode %s', async (destination_sync_mode, logged) => {
  const { input, result, logs } = start({
    catalog: { streams: [{ stream: { name: 'events' }, sync_mode: 'incremental', destination_sync_mode }] },
  });
  input.end();
  await result;
  expect(logs().slice(0, -1)).toEqual(logged);
});

test('reports an attribute that is left out, and sends its event', async () => {
  const { feed, input, result, logs } = start();
  feed('{"type":"RECORD","record":{"stream":"events","data":{"custom_id":"u1","event_name":"a","b":"","c":1}}}');
  input.end();
  await result;
  expect([...sandbox.store.events()].map(({ json }) => json)).toEqual(['{"name":"a","attributes":{"c":1}}']);
  expect(logs()).toEqual([
    'WARN The column "b" of events is blank. The row is sent without it (text_blank; shown once per column). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/text_blank.md',
    'INFO 1 row read: 1 accepted, 0 rejected, 0 not sent. 1 attribute left out, 0 possible duplicates. 1 request with 1 update, 0 retries.',
    'WARN Attributes left out before sending: b (text_blank): 1.',
  ]);
});

test.each([
  [
    'a source of its own accord',
    { source_defined_cursor: true, default_cursor_field: ['n'] },
    '{"name":"a","attributes":{"m":2}}',
  ],
  ['a user', { default_cursor_field: ['n'] }, '{"name":"a","attributes":{"n":1,"m":2}}'],
  ['no one', {}, '{"name":"a","attributes":{"n":1,"m":2}}'],
])('a column chosen as the cursor by %s', async (_, cursor, expected) => {
  const { feed, input, result } = start({
    catalog: { streams: [{ stream: { name: 'events', ...cursor }, sync_mode: 'incremental' }] },
  });
  feed('{"type":"RECORD","record":{"stream":"events","data":{"custom_id":"u1","event_name":"a","n":1,"m":2}}}');
  input.end();
  expect(await result).toBe(true);
  expect([...sandbox.store.events()].map(({ json }) => json)).toEqual([expected]);
});

test('counts a row that Batch refuses as rejected, with its reason', async () => {
  const { feed, input, result, states, logs } = start();
  sandbox.faults.add({ kind: 'partial', bulk_index: 1, category: 'event', reason: 'no such event' });
  feed(row('u1', 'a'), row('u2', 'b'), state(1));
  input.end();
  expect(await result).toBe(true);
  expect(states()).toEqual([state(1, 'events', stats(1, 1))]);
  expect(logs()[0]).toMatch(
    /^WARN A row of events is rejected \(refused_by_batch\): Batch said: no such event\. Its columns: custom_id \(string of 2 characters\), event_name \(string of 1 character\)\. See .+refused_by_batch\.md$/,
  );
});

// Batch refuses only such an event, but reports the update that contains it.
test.each([
  ['older than 24 hours', -25 * 3_600_000, 'event_too_old'],
  ["in the future by this machine's clock", 3_600_000, 'event_in_future'],
])('rejects only the event %s, and counts the others of its profile as accepted', async (age, offset, code) => {
  const { feed, input, result, states, logs } = start();
  const time = new Date(Date.now() + offset).toISOString();
  feed(
    row('u1', 'a'),
    `{"type":"RECORD","record":{"stream":"events","data":{"custom_id":"u1","event_name":"b","event_time":"${time}"}}}`,
    row('u1', 'c'),
    state(1),
  );
  input.end();
  await result;
  expect(stored()).toEqual(['u1 a', 'u1 c']);
  expect(states()).toEqual([state(1, 'events', stats(2, 1))]);
  expect(logs()[0]).toMatch(
    `WARN A row of events is rejected (${code}): the event is ${age}, and Batch refuses such events. Batch said: events[0]: time is `,
  );
});

test('I10: waits for a slow reader of stdout, and writes the states in order', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const written: string[] = [];
  const stdout = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _, callback) => {
      written.push(chunk.toString());
      held.then(() => callback());
    },
  });
  const { feed, input, result } = startWith(stdout);
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  feed(...numbers.slice(0, 40).map((number) => state(number)));
  await expect.poll(() => written.length, { interval: 2 }).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(stdout.writableLength).toBe(written[0]?.length);
  // What follows is not read.
  feed(...numbers.slice(40).map((number) => state(number)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(input.readableLength).toBe(10 * `${state(40)}\n`.length);
  input.end();
  release();
  expect(await result).toBe(true);
  expect(written.filter((line) => line.includes('STATE'))).toEqual(
    numbers.map((number) => `${state(number, 'events', stats(0, 0))}\n`),
  );
});

test('I5: reads no more rows while Batch does not respond (backpressure)', async () => {
  let pulled = 0;
  const source = Readable.from(
    (function* () {
      for (; pulled < 200_000; pulled += 500) {
        yield Buffer.from(Array.from({ length: 500 }, (_, index) => `${row(`u${pulled + index}`, 'a')}\n`).join(''));
      }
    })(),
  );
  // One of its own, since this run does not end by itself.
  const silent = await Sandbox.start({ restApiKey: KEYS.rest_api_key, projectKey: KEYS.project_key });
  silent.faults.add({ kind: 'hang', times: MAX_CALLS_IN_FLIGHT });
  const { ended, stop } = startWith(new PassThrough().resume(), {
    source,
    endpoint: 'update',
    api_url: silent.url,
  });
  // What is in flight and what waits: 1,600 updates and 20,000 events.
  await expect.poll(() => pulled, { interval: 2, timeout: 10_000 }).toBeGreaterThan(20_000);
  await expect.poll(() => silent.stats.requests, { interval: 2 }).toBeGreaterThan(3);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pulled).toBeLessThan(32_000);
  expect([ended.isDone, stop.signal.aborted]).toEqual([false, false]);
  await silent.close();
});

test('a dry run maps and batches all rows, sends nothing and echoes no state', async () => {
  const { input, feed, result, states, logs } = start({ dry_run: true });
  feed(row('u1', 'a'), row('u1', 'b'), row('', 'c'), row('u2', 'd'), state(1));
  input.end();
  expect(await result).toBe(true);
  expect([sandbox.stats.requests, states()]).toEqual([0, []]);
  expect(logs().join('\n')).toMatch(
    /dry run: nothing is sent.*4 rows read: 3 accepted, 1 rejected, .* 1 request with 2 updates/s,
  );
});

test('a dry run stores no rejected rows, since the next run reads them again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-dry-run-'));
  try {
    const { input, feed, result } = start({ dry_run: true, rejected_rows: { storage_type: 'Local', path: folder } });
    feed(row('', 'a'), row('u1', 'b'), state(1));
    input.end();
    await result;
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a row that ends the sync does not hold back the states before it, and rows after them are not sent', async () => {
  const { feed, result, states } = start({ on_rejection: { mode: 'fail' } });
  feed(
    row('u1', 'a'),
    row('u2', 'b'),
    state(1),
    row('u1', 'c'),
    state(2),
    row('u1', 'd'),
    row('', 'e'),
    row('u2', 'f'),
    state(3),
  );
  expect((await failureOf(result)).code).toBe('too_many_rejected');
  expect(stored().sort()).toEqual(['u1 a', 'u1 c', 'u2 b']);
  expect(states()).toEqual([state(1, 'events', stats(2, 0)), state(2, 'events', stats(1, 0))]);
});

test('sends a backlog with mass_update, and each row arrives once', async () => {
  const rows = 7_000;
  const { feed, input, result, states, logs } = start();
  feed(...Array.from({ length: rows }, (_, index) => row(`u${index}`, 'a')), state(1));
  input.end();
  expect(await result).toBe(true);
  expect(states()).toEqual([state(1, 'events', stats(rows, 0))]);
  expect(new Set([...sandbox.store.events()].map(({ custom_id }) => custom_id)).size).toBe(rows);
  expect(sandbox.store.eventCount).toBe(rows);
  expect(sandbox.stats.tokens['mass-update'].used).toBe(rows);
  expect(logs()).toContainEqual(expect.stringContaining('From now on, rows are sent with mass_update'));
});

test('ends when the reader of stdout is gone, even if Batch never responds', async () => {
  const stdout = new Writable({ highWaterMark: 1, write: () => {} });
  const { feed, result } = startWith(stdout, { flush_interval_seconds: 0.01 });
  feed(row('u1', 'a'), state(1));
  await expect.poll(() => stdout.writableLength, { interval: 2 }).toBe(`${state(1, 'events', stats(1, 0))}\n`.length);
  sandbox.faults.add({ kind: 'hang' });
  feed(row('u2', 'b'));
  await expect.poll(() => sandbox.stats.requests, { interval: 2 }).toBe(2);
  stdout.destroy(new Error('EPIPE'));
  await expect(result).rejects.toThrow(OutputClosedError);
});

test('rejected rows after the last state are stored when the reader of the output is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rejected-'));
  try {
    const stdout = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) });
    const { feed, input, result } = startWith(stdout, { rejected_rows: { storage_type: 'Local', path: folder } });
    feed(row('', 'a'), state(1), row('', 'b'));
    input.end();
    await expect(result).rejects.toThrow(OutputClosedError);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.unconfirmed-rest.ndjson'));
    expect(await readFile(join(folder, names[0] ?? ''), 'utf8')).toContain('"event_name":"b"');
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('the sync fails', () => {
  test('at a row of a stream that is not in the catalog', async () => {
    const { feed, result, states } = start();
    feed(state(1), row('u1', 'a', 'others'), state(2));
    expect(await failureOf(result)).toMatchObject({
      failureType: 'config_error',
      message:
        'A row belongs to the stream "others", which is not in the catalog. Use the same catalog for the write command as for the read command.',
    });
    expect(states()).toEqual([state(1, 'events', stats(0, 0))]);
  });

  test('at a state after a line that may have been a row', async () => {
    const { feed, result, states, logs } = start();
    feed(state(1), row('u1', 'a').slice(0, -3), row('u1', 'b'), state(2));
    expect(await failureOf(result)).toMatchObject({
      failureType: 'system_error',
      message: expect.stringMatching(/^1 message on stdin .+ no later state is written.+the source was cut off/),
    });
    expect(states()).toEqual([state(1, 'events', stats(0, 0))]);
    expect(logs().at(-1)).toBe('INFO Lines on stdin that were skipped: broken JSON: 1.');
  });

  test.each([
    ['in its midst', `${row('u1', 'b').slice(0, -3)}\n${row('u1', 'c')}\n`],
    ['at its end', row('u1', 'b').slice(0, -3)],
  ])('at the end of an input with a line that may have been a row %s, even if no state follows', async (_, rest) => {
    const { feed, input, result, states } = start();
    feed(row('u1', 'a'), state(1));
    input.end(rest);
    expect((await failureOf(result)).failureType).toBe('system_error');
    // What was before it is not lost.
    expect(stored()[0]).toBe('u1 a');
    expect(states()).toEqual([state(1, 'events', stats(1, 0))]);
  });

  test('when Batch refuses the key; only the states before are echoed', async () => {
    const { feed, result, states, logs } = start({ flush_interval_seconds: 0.01 });
    feed(row('u1', 'a'), state(1));
    await expect.poll(states, { interval: 2 }).toEqual([state(1, 'events', stats(1, 0))]);
    sandbox.faults.add({ kind: 'status', status: 401 });
    feed(row('u1', 'b'), state(2));
    expect((await failureOf(result)).failureType).toBe('config_error');
    expect(states()).toHaveLength(1);
    expect(logs().at(-1)).toBe(
      'INFO 2 rows read: 1 accepted, 0 rejected, 1 not sent (the next run reads them again). 0 attributes left out, 0 possible duplicates. 2 requests with 2 updates, 0 retries.',
    );
  });
});

describe('the summary warns about rows that the next run sends again and Batch may have', () => {
  const again = (logs: readonly string[]): string[] =>
    logs.filter((words) => words.includes('may be in Batch already'));

  test('when they were accepted after the last state', async () => {
    const { feed, input, result, logs } = start();
    feed(row('u1', 'a'), state(1), row('u2', 'b'), row('', 'c'));
    input.end(row('u1', 'd').slice(0, -3));
    await failureOf(result);
    expect(again(logs())).toEqual([
      'WARN 1 of the rows that the next run sends again may be in Batch already: 1 were accepted after the last state, and 0 were in flight when the run ended.',
    ]);
  });

  test.each<[string, Parameters<typeof start>[0], '401'?]>([
    ['but not when they were refused', {}, '401'],
    ['nor in a dry run, which sends none', { dry_run: true }],
  ])('%s', async (_, settings, fault) => {
    if (fault === '401') sandbox.faults.add({ kind: 'status', status: 401 });
    const { feed, input, result, logs } = start(settings);
    feed(row('u1', 'a'));
    input.end(fault === undefined ? row('u1', 'd').slice(0, -3) : '');
    await failureOf(result);
    expect(again(logs())).toEqual([]);
  });
});

test('logs each retry while Batch is unreachable, and not only at the end', async () => {
  sandbox.faults.add({ kind: 'status', status: 503, retry_after_seconds: 1 });
  const { feed, input, ended, result, logs } = start({ flush_interval_seconds: 0.01 });
  feed(row('u1', 'a'));
  await expect
    .poll(logs, { interval: 2 })
    .toEqual([expect.stringMatching(/^WARN .*503.* Attempt 1 failed\. Retrying/)]);
  expect(ended.isDone).toBe(false);
  input.end();
  expect(await result).toBe(true);
});

describe('I4: SIGTERM', () => {
  test('ends it before the first row, even if the input stays open', async () => {
    const { stop, result } = start();
    stop.abort();
    expect(await result).toBe(false);
  });

  test('reads rows up to the next state, sends them, echoes it, and reads no row after it', async () => {
    const { feed, stop, result, states } = start({ flush_interval_seconds: 0.01 });
    feed(row('u1', 'a'));
    await expect.poll(stored, { interval: 2 }).toEqual(['u1 a']);
    stop.abort();
    feed(row('u1', 'b'), state(1), row('u1', 'c'), state(2));
    expect(await result).toBe(false);
    expect(stored()).toEqual(['u1 a', 'u1 b']);
    expect(states()).toEqual([state(1, 'events', stats(2, 0))]);
  });

  test('ends it at that state, even if nothing follows and the input stays open', async () => {
    const { feed, stop, ended, states } = start({ flush_interval_seconds: 0.01 });
    feed(row('u1', 'a'));
    await expect.poll(stored, { interval: 2 }).toEqual(['u1 a']);
    stop.abort();
    feed(state(1));
    await expect.poll(() => ended.isDone, { interval: 2, timeout: 1_000 }).toBe(true);
    expect(states()).toEqual([state(1, 'events', stats(1, 0))]);
  });
});

describe('a stream of profile attributes', () => {
  const attributesRow = (custom_id: string, attributes: Record<string, unknown>): string =>
    JSON.stringify({
      type: 'RECORD',
      record: { stream: 'customers', emitted_at: 1, data: { custom_id, last_updated_at: 'x', ...attributes } },
    });
  const settings = {
    catalog: catalogOf('customers', 'events'),
    streams: { customers: { object: 'profile_attributes' as const } },
  };
  const attributesOf = (customId: string): unknown =>
    Object.fromEntries(sandbox.store.profiles.get(customId)?.attributes ?? []);

  test('I1, I2: sets attributes, and echoes each state with the counts of the rows before it', async () => {
    const { feed, input, result, states, logs } = start(settings);
    feed(attributesRow('u1', { plan: 'free', n: 1 }), row('u1', 'a'), attributesRow('', { plan: 'x' }));
    feed(state(1, 'customers'), state(2), attributesRow('u1', { plan: 'gold' }), attributesRow('u2', {}));
    feed(state(3, 'customers'));
    input.end();
    expect(await result).toBe(true);
    expect([attributesOf('u1'), attributesOf('u2'), stored()]).toEqual([{ plan: 'gold', n: 1 }, {}, ['u1 a']]);
    expect(states()).toEqual([
      state(1, 'customers', stats(1, 1)),
      state(2, 'events', stats(1, 0)),
      state(3, 'customers', stats(2, 0)),
    ]);
    // All rows of u1 share an update.
    expect(logs()).toContainEqual(expect.stringContaining('1 request with 2 updates'));
  });

  test('I2: a row with more attributes than an update may have is accepted when all its parts are', async () => {
    const wide = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`a${n}`, n]));
    const { feed, input, result, states, logs } = start({ ...settings, dry_run: false });
    feed(attributesRow('u1', wide), attributesRow('u1', { a119: 'last' }), state(1, 'customers'));
    input.end();
    expect(await result).toBe(true);
    expect(attributesOf('u1')).toEqual({ ...wide, a119: 'last' });
    expect(states()).toEqual([state(1, 'customers', stats(2, 0))]);
    expect(logs()).toContainEqual(expect.stringContaining('3 requests with 3 updates'));
  });

  test('I1: a row is rejected if Batch refuses one of its parts, and stored once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'session-'));
    try {
      const wide = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`a${n}`, n]));
      sandbox.faults.add({ kind: 'partial', bulk_index: 0, category: 'update', reason: 'no' });
      const { feed, input, result, states } = start({
        ...settings,
        rejected_rows: { storage_type: 'Local', path: folder },
      });
      feed(attributesRow('u1', wide), attributesRow('u2', { a: 1 }), state(1, 'customers'));
      input.end();
      expect(await result).toBe(true);
      expect(states()).toEqual([state(1, 'customers', stats(1, 1))]);
      const files = (await readdir(folder)).filter((name) => name.endsWith('.ndjson'));
      const lines = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
      expect(lines.join('').trimEnd().split('\n')).toEqual([expect.stringContaining('"code":"refused_by_batch"')]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('I2: after a row that must fail the sync, only the rows before its state are sent', async () => {
    const { feed, result, states } = start({ ...settings, on_rejection: { mode: 'fail' } });
    feed(attributesRow('u1', { plan: 'free' }), state(1, 'customers'), attributesRow('u1', { plan: 'gold' }));
    feed(attributesRow('', {}), state(2, 'customers'));
    expect((await failureOf(result)).code).toBe('too_many_rejected');
    expect([states(), attributesOf('u1')]).toEqual([[state(1, 'customers', stats(1, 0))], { plan: 'free' }]);
  });
});
