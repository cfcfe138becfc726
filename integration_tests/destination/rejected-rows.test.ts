import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, launcherPath, run, start } from '../../sandbox/launcher.ts';
import {
  type DestinationConfiguration,
  destinationConfigurationSchema,
} from '../../src/destination-batch/config/schema.ts';
import { type RetryResult, retry } from '../../src/destination-batch/retry/retry.ts';
import { write as writeRows } from '../../src/destination-batch/write/write.ts';
import { configuredCatalogSchema } from '../../src/protocol/catalog.ts';
import { MessageOutput } from '../../src/protocol/output.ts';
import { validateMessage } from '../protocol/message-schema.ts';
import { runInProcess } from '../support/in-process.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import { S3Server } from '../support/s3-server.ts';
import {
  catalogOf,
  checkStatus,
  destinationConfiguration,
  errors,
  eventually,
  logs,
  quickBatchApi,
  states,
  temporaryFiles,
} from '../support/support.ts';

type Row = Record<string, unknown>;
type KeptRow = {
  record: { data: Row };
  rejection: {
    code: string;
    batch_said: string | null;
    sent: boolean;
    events_in_update: number;
    may_have_arrived: boolean;
    attempts: number;
  };
};

const file = temporaryFiles();
let batch: BatchApi;
let folder: string;

beforeEach(async () => {
  batch = await quickBatchApi();
  folder = mkdtempSync(join(tmpdir(), 'rejected-rows-'));
});

afterEach(async () => {
  await batch.close();
  rmSync(folder, { recursive: true, force: true });
});

const good = (n: number): string => recordLine({ custom_id: `u${n}`, event_name: 'purchase', n });
const missing = (n: number): string => recordLine({ custom_id: null, event_name: 'purchase', n });

const local = (): Row => ({ rejected_rows: { storage_type: 'Local', path: folder } });

function writeArguments(changes: Row, catalog: unknown = catalogOf('incremental', 'events')): string[] {
  const config = file('destination.json', destinationConfiguration(batch, changes));
  return ['write', '--config', config, '--catalog', file('catalog.json', catalog)];
}

function write(lines: readonly string[], changes: Row = {}, catalog?: unknown): Promise<Finished> {
  return runInProcess('destination-batch', writeArguments(changes, catalog), {
    input: lines.map((line) => `${line}\n`).join(''),
  });
}

const parsed = (text: string): KeptRow[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** The files of rejected rows, by name. The record of a run is not one. */
const files = (): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.run-'))
    .toSorted();
const kept = (name: string | undefined): KeptRow[] => parsed(readFileSync(join(folder, name ?? ''), 'utf8'));
const numbersOf = (rows: readonly KeptRow[]): unknown[] => rows.map(({ record }) => record.data.n);
const cursors = (result: Finished): unknown[] => states(result).map(({ stream }) => stream.stream_state.cursor);
const acceptedNumbers = (): number[] =>
  [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n).toSorted((a, b) => a - b);

describe('an event that Batch refuses among others of its profile', () => {
  const rows = ['kept_a', 'refused', 'kept_b'].map((event_name, n) => recordLine({ custom_id: 'u1', event_name, n }));

  beforeEach(() => batch.changeLimits({ eventNamePattern: /^kept_/ }));

  test('is rejected with the others, which may have arrived, because Batch names only the update', async () => {
    const result = await write([...rows, stateLine(1)], local());
    expect(acceptedNumbers()).toEqual([0, 2]);
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 0, rejectedRecordCount: 3 });
    expect(kept(files()[0]).map(({ rejection }) => rejection.may_have_arrived)).toEqual([true, true, true]);
  });

  test('is the only one that is rejected with limits.events_per_update of 1', async () => {
    const result = await write([...rows, stateLine(1)], { ...local(), limits: { events_per_update: 1 } });
    expect(acceptedNumbers()).toEqual([0, 2]);
    expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 2, rejectedRecordCount: 1 });
    expect(numbersOf(kept(files()[0]))).toEqual([1]);
    expect(kept(files()[0])[0]?.rejection.may_have_arrived).toBe(false);
    // Each costs an update of the rate limit.
    expect(batch.stats.tokens.update.used).toBe(3);
  });
});

test('no message contains the text of a row, whatever Batch quotes', async () => {
  const mail = 'jane.roe@example.com';
  const row = (n: number): string =>
    recordLine({ custom_id: `u${n}`, event_name: 'x', mail, tags: { [mail]: 1 }, note: `hello ${mail}`, n });
  batch.faults.add([
    { kind: 'status', status: 500, body: { error_code: 'SERVER_ERROR', error_message: `can't store "${mail}"` } },
    {
      kind: 'partial',
      bulk_index: 0,
      category: 'attribute',
      attribute: mail,
      reason: `'${mail}' in hello jane.ro… is wrong`,
    },
    { kind: 'partial', bulk_index: 0, category: 'event', reason: `bad: ${mail} "${mail.toUpperCase()}"` },
    { kind: 'status', status: 202, body: `<p>${mail}</p>` },
    { kind: 'status', status: 403, body: mail },
  ]);
  const results = [];
  for (const n of [1, 2, 3, 4]) results.push(await write([row(n), '{"type":"a row of jane.roe"}', stateLine(n)]));
  const printed = results
    .flatMap((result) => [...logs(result), ...errors(result).map(({ message }) => message)])
    .join('\n');
  expect(printed).toMatch(/can't store "\*{4}"/);
  expect(printed).toMatch(/Batch left out the attribute "\*{4}": '\*{4}' in \*{4}… is wrong/);
  expect(printed).not.toMatch(/jane\.ro/i);
});

describe('dead letters in files', () => {
  test('rejected rows are stored as unchanged RECORD messages, each with its rejection', async () => {
    const odd =
      '{"type":"RECORD", "record":{"stream":"events","emitted_at":1,"data":{"custom_id":"","event_name":"x","n":9007199254740993,"d":1.50}},"more":[1.0] }';
    batch.faults.add({ kind: 'refuse_when', contains: '"custom_id":"u7"' });
    const result = await write(
      [good(1), odd, recordLine({ custom_id: 'u7', event_name: 'x', n: 7 }), stateLine(1)],
      local(),
    );
    expect([result.code, result.stderr]).toEqual([0, '']);
    const [name = '', ...others] = files();
    expect(others).toEqual([]);
    expect(name).toMatch(/^events-\d{8}T\d{6}Z-[0-9a-f]{8}\.ndjson$/);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    const text = readFileSync(join(folder, name), 'utf8');
    expect(text.startsWith(odd.slice(0, -1))).toBe(true);
    // The protocol allows additional parts next to the record; the schema of the tests does not.
    for (const { record } of parsed(text))
      expect([validateMessage({ type: 'RECORD', record }), validateMessage.errors]).toEqual([true, null]);
    expect(parsed(text).map(({ rejection }) => rejection)).toMatchObject([
      { code: 'custom_id_missing', batch_said: null, sent: false, events_in_update: 0, may_have_arrived: false },
      {
        code: 'refused_by_batch',
        batch_said: expect.stringContaining('400'),
        sent: true,
        events_in_update: 1,
        may_have_arrived: false,
      },
    ]);
    expect(logs(result)).toContainEqual(`INFO Rejected rows are kept in ${join(folder, name)}.`);
    expect(logs(result)[0] ?? '').not.toContain('9007199254740993');
  });

  test('report when Batch names only an update, and not which of its events it refused', async () => {
    batch.faults.add({ kind: 'partial', bulk_index: 0, category: 'event', reason: 'not today' });
    const lines = [1, 2, 3].map((n) => recordLine({ custom_id: 'u', event_name: 'x', n }));
    await write([...lines, good(9), stateLine(1)], local());
    expect(kept(files()[0]).map(({ rejection }) => rejection)).toMatchObject(
      [1, 2, 3].map(() => ({ batch_said: 'not today', sent: true, events_in_update: 3, may_have_arrived: true })),
    );
  });

  test('of several streams and runs are in separate files', async () => {
    const catalog = catalogOf('incremental', 'a/../b', 'a.b');
    for (let times = 0; times < 2; times += 1) {
      const lines = [recordLine({ n: 1 }, 'a/../b'), recordLine({ n: 2 }, 'a.b'), stateLine(1, 'a.b')];
      await write(lines, local(), catalog);
    }
    expect(files()).toHaveLength(4);
    expect(
      files()
        .flatMap((name) => numbersOf(kept(name)))
        .toSorted(),
    ).toEqual([1, 1, 2, 2]);
  });

  test('I1: dead letters are written before the STATE after them: after SIGKILL, no STATE covers a lost row', async () => {
    const child = start('destination-batch', writeArguments(local()), { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin?.on('error', () => {});
    const ended = finished(child);
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
      // At the first states that are echoed, while others are still pending.
      if (printed.includes('"STATE"')) child.kill('SIGKILL');
    });
    const lines = Array.from({ length: 2000 }, (_, n) => `${good(n)}\n${missing(n)}\n${stateLine(n)}\n`);
    child.stdin?.write(lines.join(''));
    const result = await ended;
    expect(result.signal).toBe('SIGKILL');
    const whole = result.stdout.slice(0, result.stdout.lastIndexOf('\n') + 1);
    const echoed = whole.split('\n').filter((line) => line.includes('"STATE"')).length;
    expect(echoed).toBeGreaterThan(0);
    const text = readFileSync(join(folder, files()[0] ?? ''), 'utf8');
    expect(numbersOf(parsed(text.slice(0, text.lastIndexOf('\n')))).slice(0, echoed)).toEqual(
      Array.from({ length: echoed }, (_, n) => n),
    );
  });

  test('dead letters that no echoed STATE covers are in a separate file when the sync fails', async () => {
    batch.faults.add([{ kind: 'delay', milliseconds: 0 }]);
    const child = start('destination-batch', writeArguments(local()), { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = finished(child);
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    child.stdin?.write(`${[good(1), missing(2), stateLine(1)].join('\n')}\n`);
    await eventually(() => expect(printed).toContain('"STATE"'), 5);
    batch.faults.add({ kind: 'status', status: 401 });
    child.stdin?.end(`${[missing(3), good(4), stateLine(2)].join('\n')}\n`);
    const result = await ended;
    expect([result.code, cursors(result)]).toEqual([1, [1]]);
    const [first, second, ...others] = files();
    expect([first, second, others]).toEqual([
      expect.stringMatching(/^events-[^.]+\.ndjson$/),
      expect.stringMatching(/^events-[^.]+\.unconfirmed-rest\.ndjson$/),
      [],
    ]);
    expect([numbersOf(kept(first)), numbersOf(kept(second))]).toEqual([[2], [3]]);
    expect(logs(result)).toContainEqual(expect.stringMatching(/WARN Rejected rows after the last state.+unconfirmed/));
  });

  const sourceError = JSON.stringify({
    type: 'TRACE',
    trace: { type: 'ERROR', emitted_at: 1, error: { message: 'The server is gone.', failure_type: 'transient_error' } },
  });

  test.each<[string, string[], unknown[], unknown[]]>([
    ['after the last STATE of the input', [missing(1), stateLine(1), missing(2), good(3)], [1], [2]],
    ['when the source fails before its first STATE', [missing(1), good(2), sourceError], [], [1]],
    ['before a STATE of another stream', [missing(1), stateLine(1), missing(2), stateLine(1, 'other')], [1], [2]],
    ['not, if the input has no STATE', [missing(1), good(2)], [1], []],
  ])('are unconfirmed %s', async (_, lines, confirmed, unconfirmed) => {
    const result = await write(lines, local());
    expect(result.code).toBe(0);
    const isUnconfirmed = (name: string): boolean => name.includes('.unconfirmed-');
    const numbersIn = (names: string[]): unknown[] => names.flatMap((name) => numbersOf(kept(name)));
    expect(numbersIn(files().filter((name) => !isUnconfirmed(name)))).toEqual(confirmed);
    expect(numbersIn(files().filter(isUnconfirmed))).toEqual(unconfirmed);
  });

  test('I1: a full disk fails the sync, with whole lines in the file and no STATE after a row that was not kept', async () => {
    const lines = Array.from({ length: 50 }, (_, n) => [good(n), missing(n), stateLine(n)]).flat();
    const args = [launcherPath('destination-batch'), ...writeArguments(local())];
    // The smallest possible limit: a block or two of 512 bytes.
    const child = spawn('/bin/sh', ['-c', 'ulimit -f 2; exec "$@"', 'sh', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = finished(child);
    child.stdin.on('error', () => {});
    for (const [index, line] of lines.entries()) {
      child.stdin.write(`${line}\n`);
      if (index % 3 === 2) await new Promise((resolve) => setImmediate(resolve));
    }
    child.stdin.end();
    const result = await ended;
    expect(result.code).toBe(1);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/would exceed the size limit/) },
    ]);
    const text = readFileSync(join(folder, files()[0] ?? ''), 'utf8');
    expect(text === '' || text.endsWith('\n')).toBe(true);
    expect(states(result).length).toBeLessThanOrEqual(parsed(text).length);
  });

  test.each<[string, () => string, RegExp]>([
    [
      'does not exist',
      () => join(folder, 'none'),
      /The folder does not exist\. Create it \(mkdir -p \S+none\); in a container, mount it/,
    ],
    ['is not a folder', () => file('a-file', 'x'), /The path is not a folder\. Give the path of a folder/],
    ['cannot be written to', () => '/proc', /has no permission|Create it/],
  ])('check and write report when the folder %s', async (_, path, expected) => {
    const rejected_rows = { storage_type: 'Local', path: path() };
    const status = await checkStatus(
      'destination-batch',
      file('c.json', destinationConfiguration(batch, { rejected_rows })),
      runInProcess,
    );
    expect(status).toEqual({ status: 'FAILED', message: expect.stringMatching(expected) });
    const result = await write([good(1), stateLine(1)], { rejected_rows });
    expect([result.code, states(result), acceptedNumbers()]).toEqual([1, [], []]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
  });

  test('check leaves no file in the folder of the dead letters', async () => {
    const status = await checkStatus('destination-batch', file('c.json', destinationConfiguration(batch, local())));
    expect([status.status, readdirSync(folder)]).toEqual(['SUCCEEDED', []]);
  });
});

describe('replaying dead letters', () => {
  const long = (n: number): string => recordLine({ custom_id: `user-${n}`, event_name: 'x', n });

  test('rejected rows arrive once after the configuration is corrected', async () => {
    const rows = [...[1, 2, 3].map(long), ...[4, 5].map(good)];
    const first = await write([...rows, stateLine(1)], { ...local(), limits: { custom_id_characters: 3 } });
    expect(first.code).toBe(0);
    expect(acceptedNumbers()).toEqual([4, 5]);
    const [name = ''] = files();
    const args = writeArguments(local());
    const second = await runInProcess('destination-batch', args, { input: readFileSync(join(folder, name)) });
    expect([second.code, states(second), files()]).toEqual([0, [], [name]]);
    expect(acceptedNumbers()).toEqual([1, 2, 3, 4, 5]);
    for (const { json } of batch.store.events()) expect(json).not.toContain('rejection');
  });

  test('rows that are corrected in the file arrive; the others are kept again, with only their new reason', async () => {
    await write([missing(1), recordLine({ custom_id: 'u', event_name: 'Bad Name', n: 2 }), stateLine(1)], local());
    const [name = ''] = files();
    const corrected = readFileSync(join(folder, name), 'utf8')
      .replace('"custom_id":null', '"custom_id":"u1"')
      .replace('Bad Name","n":2', `x","event_time":"?","n":2`);
    rmSync(join(folder, name));
    const again = await runInProcess('destination-batch', writeArguments(local()), { input: corrected });
    expect([again.code, acceptedNumbers()]).toEqual([0, [1]]);
    const rows = kept(files()[0]);
    expect([numbersOf(rows), rows.map(({ rejection }) => [rejection.code, rejection.attempts])]).toEqual([
      [2],
      [['event_time_invalid', 2]],
    ]);
    expect(readFileSync(join(folder, files()[0] ?? ''), 'utf8').match(/"rejection":/g)).toHaveLength(1);
  });
});

describe('when rows are rejected', () => {
  const many = Array.from({ length: 150 }, (_, n) => [missing(n), ...(n % 10 === 9 ? [stateLine(n)] : [])]).flat();

  test('all of them, for one reason: the sync fails and no state is echoed', async () => {
    const result = await write(many, local());
    expect([result.code, states(result)]).toEqual([1, []]);
    expect(errors(result)).toMatchObject([
      {
        failure_type: 'config_error',
        message: expect.stringMatching(
          /^100 of the 100 rows so far were rejected with custom_id_missing\..+Map the column.+custom_id_missing\.md$/s,
        ),
      },
    ]);
    expect(files().map((name) => name.replace(/^.+unconfirmed/, ''))).toEqual(['-rest.ndjson']);
  });

  test('after the mapping is corrected, the next run sends each of them once', async () => {
    await write(many);
    const result = await write(many.map((line) => line.replace('"custom_id":null', '"custom_id":"u"')));
    expect([result.code, states(result).length]).toEqual([0, 15]);
    expect(acceptedNumbers()).toEqual(Array.from({ length: 150 }, (_, n) => n));
  });

  test('all of a small sync, refused by Batch: the sync fails, too', async () => {
    batch.faults.add({ kind: 'refuse_when', contains: 'custom_id' });
    const result = await write([...Array.from({ length: 12 }, (_, n) => good(n)), stateLine(1)]);
    expect([result.code, states(result)]).toEqual([1, []]);
    expect(errors(result)).toMatchObject([
      {
        failure_type: 'config_error',
        message: expect.stringMatching(/^12 of the 12 rows of this sync were rejected with refused_by_batch/),
      },
    ]);
  });

  test('echoes the states before the rejected rows', async () => {
    const before = Array.from({ length: 5 }, (_, n) => good(n));
    const result = await write([...before, stateLine(-1), ...many]);
    expect([result.code, cursors(result)[0], errors(result)[0]?.failure_type]).toEqual([1, -1, 'config_error']);
    // The limit of 95 % applies after 100 rows or more.
    expect(cursors(result).at(-1)).toBeLessThan(95);
  });

  test('on_rejection fail: ends the sync at the first rejected row, with the states before it', async () => {
    const lines = [good(1), stateLine(1), missing(2), stateLine(2)];
    const child = start('destination-batch', writeArguments({ ...local(), on_rejection: { mode: 'fail' } }), {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = finished(child);
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    child.stdin?.write(`${lines.slice(0, 2).join('\n')}\n`);
    await eventually(() => expect(printed).toContain('"STATE"'), 5);
    child.stdin?.write(`${lines.slice(2).join('\n')}\n`);
    const result = await ended;
    expect([result.code, cursors(result)]).toEqual([1, [1]]);
    expect(errors(result)).toMatchObject([
      {
        failure_type: 'config_error',
        message: expect.stringMatching(
          /^A row was rejected with custom_id_missing \(.+on_rejection is set to fail at the first rejected row/,
        ),
      },
    ]);
    expect(numbersOf(kept(files()[0]))).toEqual([2]);
  });

  test('the log describes rejected rows without their values', async () => {
    batch.faults.add({
      kind: 'partial',
      bulk_index: 0,
      category: 'event',
      reason: 'the text "top secret" of 123456 is odd',
    });
    const row = { custom_id: 'u-hidden', event_name: 'x', note: 'top secret', amount: 123456 };
    const result = await write([recordLine(row), recordLine({ ...row, custom_id: ' ' }), good(1), stateLine(1)]);
    expect(result.code).toBe(0);
    expect(result.stdout).not.toMatch(/top secret|123456|u-hidden/);
    expect(logs(result)).toContainEqual(
      expect.stringMatching(
        /refused_by_batch\): Batch said: the text "\*\*\*\*" of \*\*\*\* is odd\. Its columns: custom_id \(string of 8 characters\), event_name \(string of 1 character\), note \(string of 10 characters\), amount \(number\)/,
      ),
    );
    expect(logs(result)).toContainEqual(
      expect.stringMatching(
        /^INFO 3 rows read: 1 accepted, 2 rejected, 0 not sent\. 0 attributes left out, 0 possible duplicates\./,
      ),
    );
  });
});

test('a state nested 20,000 levels deep is echoed', async () => {
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
  const line = `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"events"},"stream_state":${deep}}}}`;
  const result = await write([good(1), line]);
  expect(result.code).toBe(0);
  expect(result.stdout).toContain(`"stream_state":${deep}},"destinationStats":{"recordCount":1.0`);
});

const s3 = await S3Server.start();
if (typeof s3 === 'string') process.stderr.write(`Rejected rows in S3 are not tested: ${s3}.\n`);

// Not in the block below: its hooks do not run when none of its tests is selected.
afterAll(() => (typeof s3 === 'string' ? undefined : s3.close()));

describe.skipIf(typeof s3 === 'string')('dead letters in S3', () => {
  if (typeof s3 === 'string') return;
  let bucket: string;
  let buckets = 0;

  beforeEach(async () => {
    buckets += 1;
    bucket = `rejected-${buckets}`;
    await s3.createBucket(bucket);
  });

  const options = (changes: Row = {}): Row => ({
    rejected_rows: {
      storage_type: 'S3',
      s3_bucket_name: bucket,
      s3_bucket_region: 'eu-west-1',
      bucket_path: 'batch/rejected',
      s3_endpoint: s3.url,
      ...s3.writer,
      ...changes,
    },
  });

  /** The objects with rejected rows, by name. Records of runs and the journal of retry are not among them. */
  const rowObjects = async (): Promise<Map<string, string>> =>
    new Map([...(await s3.objects(bucket))].filter(([name]) => !name.includes('/.')));

  test('are in an object when the STATE after them is echoed, and can be replayed', async () => {
    const child = start('destination-batch', writeArguments({ ...options(), limits: { custom_id_characters: 3 } }), {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = finished(child);
    let printed = '';
    child.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    child.stdin?.write(
      `${[good(1), recordLine({ custom_id: 'user-2', event_name: 'x', n: 2 }), stateLine(1)].join('\n')}\n`,
    );
    await eventually(() => expect(printed).toContain('"STATE"'), 5);
    child.kill('SIGKILL');
    await ended;
    const objects = await rowObjects();
    expect([...objects.keys()]).toEqual([
      expect.stringMatching(/^batch\/rejected\/events\/\d{8}T\d{6}Z-[0-9a-f]{8}-000001\.ndjson$/),
    ]);
    const [text = ''] = objects.values();
    expect(parsed(text).map(({ rejection }) => rejection.code)).toEqual(['custom_id_too_long']);
    const replayed = await runInProcess('destination-batch', writeArguments({}), { input: text });
    expect([replayed.code, acceptedNumbers()]).toEqual([0, [1, 2]]);
  });

  test('are sent again by retry, also after it is killed, and by only one retry at a time', async () => {
    const rows = [1, 2, 3, 4, 5].map((n) => recordLine({ custom_id: `user-${n}`, event_name: 'x', n }));
    // Three objects, because the states are far apart.
    const input = new PassThrough();
    const context = {
      output: new MessageOutput(new PassThrough().resume()),
      stop: new AbortController().signal,
      now: Date.now,
    };
    const configure = (changes: Row = {}): DestinationConfiguration =>
      destinationConfigurationSchema.parse(destinationConfiguration(batch, { ...options(), ...changes }));
    const catalog = configuredCatalogSchema.parse(catalogOf('incremental', 'events'));
    const written = writeRows(context, configure({ limits: { custom_id_characters: 3 } }), catalog, input);
    for (const [index, part] of [rows.slice(0, 2), rows.slice(2, 4), rows.slice(4)].entries()) {
      input.write(`${[good(7), ...part, stateLine(index)].join('\n')}\n`);
      await eventually(async () => expect((await rowObjects()).size).toBe(index + 1));
    }
    input.end();
    await written;

    // Batch stores the rows of the second of three requests, and does not answer.
    batch.faults.add([
      { kind: 'delay', milliseconds: 0 },
      { kind: 'hang', stored: true },
    ]);
    let requests = 0;
    batch.onCall = () => {
      requests += 1;
    };
    const small = file(
      'destination.json',
      destinationConfiguration(batch, { ...options(), limits: { request_bytes: 200 } }),
    );
    const killed = start('connector', ['retry', '--destination', small], { stdio: 'pipe' });
    const ended = finished(killed);
    await eventually(() => expect(requests).toBeGreaterThan(2));
    const retryRows = async (includeUncertain = false): Promise<RetryResult> => {
      const filter = {
        reason: undefined,
        since: undefined,
        limit: undefined,
        includeUncertain,
        includeAttributes: false,
        isDryRun: false,
      };
      return retry(context, configure(), filter, { onPlan: () => {} });
    };
    await expect(retryRows()).rejects.toMatchObject({ code: 'rejected_rows_locked' });
    killed.kill('SIGKILL');
    await ended;

    expect((await retryRows()).failed).toBeUndefined();
    const sent = acceptedNumbers().filter((n) => n !== 7);
    expect(sent.length).toBe(new Set(sent).size);
    const left = [...(await rowObjects()).values()].flatMap(parsed);
    expect(left.every(({ rejection }) => rejection.may_have_arrived && rejection.attempts === 2)).toBe(true);
    expect(new Set([...sent, ...numbersOf(left)])).toEqual(new Set([1, 2, 3, 4, 5]));
    expect((await retryRows(true)).counts.accepted).toBe(left.length);
    // Only the journal is left: removing it could remove the one of another retry.
    expect([...(await s3.objects(bucket)).keys()]).toEqual(['batch/rejected/.retry.json']);
  });

  test('of a sync that fails are in a separate object', async () => {
    const result = await write([...Array.from({ length: 10 }, (_, n) => missing(n)), stateLine(1)], options());
    expect([result.code, result.stderr, states(result)]).toEqual([1, '', []]);
    expect([...(await rowObjects()).keys()]).toEqual([expect.stringMatching(/-[0-9a-f]{8}\.unconfirmed-1\.ndjson$/)]);
  });

  test('check writes and removes a probe', async () => {
    const config = file('c.json', destinationConfiguration(batch, options()));
    expect((await checkStatus('destination-batch', config)).status).toBe('SUCCEEDED');
    expect((await s3.objects(bucket)).size).toBe(0);
  });

  test('assumes an IAM role', async () => {
    const args = writeArguments(options({ role_arn: s3.roleArn }));
    const input = `${[good(1), missing(2), stateLine(1)].join('\n')}\n`;
    const result = await run('destination-batch', args, { input, env: { AWS_ENDPOINT_URL_STS: s3.url } });
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect((await rowObjects()).size).toBe(1);
  });

  test.each<[string, () => Row, RegExp]>([
    ['the secret is wrong', () => ({ secret_access_key: 'wrong' }), /SignatureDoesNotMatch.+Check secret_access_key/],
    ['the key is unknown', () => ({ access_key_id: 'AKIAUNKNOWN' }), /InvalidAccessKeyId.+Check access_key_id/],
    ['the key may not write', () => s3.stranger, /AccessDenied.+s3:PutObject/],
    ['the bucket is missing', () => ({ s3_bucket_name: 'none-such' }), /NoSuchBucket.+Check s3_bucket_name/],
    [
      'half of a key is given',
      () => ({ secret_access_key: undefined }),
      /only one of access_key_id and secret_access_key/,
    ],
  ])('check and write report when %s', async (_, changes, expected) => {
    const configuration = options(changes());
    const status = await checkStatus(
      'destination-batch',
      file('c.json', destinationConfiguration(batch, configuration)),
      runInProcess,
    );
    expect(status).toEqual({ status: 'FAILED', message: expect.stringMatching(expected) });
    expect(status.message).not.toContain(s3.writer.secret_access_key);
    const result = await write([good(1), stateLine(1)], configuration);
    expect([result.code, states(result), acceptedNumbers()]).toEqual([1, [], []]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
  });

  test('check reports when nothing listens at the endpoint', async () => {
    const config = file('c.json', destinationConfiguration(batch, options({ s3_endpoint: 'http://127.0.0.1:1' })));
    expect((await checkStatus('destination-batch', config, runInProcess)).message).toMatch(
      /ECONNREFUSED.+Check s3_endpoint/,
    );
  });
});
