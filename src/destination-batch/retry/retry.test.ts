import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { BatchApi as Sandbox } from '../../../sandbox/batch-api/server.ts';
import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { MessageOutput } from '../../protocol/output.ts';
import { destinationConfigurationSchema } from '../config/schema.ts';
import { Folder, GrowingFile } from '../rejected/folder.ts';
import { write } from '../write/write.ts';
import { type RetryOptions, type RetryPlan, type RetryResult, retry } from './retry.ts';

const KEYS = { rest_api_key: 'rest_retry', project_key: 'project_retry' };
const CATALOG: ConfiguredCatalog = { streams: [{ stream: { name: 'events' }, sync_mode: 'incremental' }] };

let sandbox: Sandbox;
let folder: string;
beforeAll(async () => {
  sandbox = await Sandbox.start({
    restApiKey: KEYS.rest_api_key,
    projectKey: KEYS.project_key,
    limits: { updateRate: 1e9, updateBurst: 1e9 },
  });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retry-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  sandbox.reset();
  sandbox.faults.clear();
  sandbox.onCall = undefined;
  await rm(folder, { recursive: true });
});
afterAll(() => sandbox.close());

type Settings = Record<string, unknown>;

function configure(settings: Settings = {}) {
  return destinationConfigurationSchema.parse({
    ...KEYS,
    api_url: sandbox.url,
    endpoint: 'update',
    rate_limit: 100_000,
    flush_interval_seconds: 0.02,
    rejected_rows: { storage_type: 'Local', path: folder },
    ...settings,
  });
}

const never = new AbortController().signal;
const context = (stop = never) => ({ output: new MessageOutput(new PassThrough().resume()), stop, now: Date.now });

/** A row that is rejected with the limit below, and accepted without it. Its profile is its own. */
const row = (n: number | string, custom_id = `user-${n}`): string =>
  JSON.stringify({
    type: 'RECORD',
    record: { stream: 'events', emitted_at: 1, data: { custom_id, event_name: 'x', n } },
  });

/** Rejects these rows, each run into a file of its own. */
async function reject(...runs: string[][]): Promise<void> {
  for (const rows of runs) {
    // Two good rows for each bad one: otherwise the sync would fail.
    const good = rows.map(() => row('good', 'a').replace('"event_name":"x"', '"event_name":"good"'));
    const input = Readable.from([Buffer.from([...rows, ...good].map((line) => `${line}\n`).join(''))], {
      objectMode: false,
    });
    await write(context(), configure({ limits: { custom_id_characters: 3 } }), CATALOG, input);
  }
}

const EVERYTHING: RetryOptions = {
  reason: undefined,
  since: undefined,
  limit: undefined,
  includeUncertain: false,
  includeAttributes: false,
  isDryRun: false,
};

async function retryRows(
  options: Partial<RetryOptions> = {},
  settings: Settings = {},
  stop?: AbortSignal,
): Promise<RetryResult & { plan: RetryPlan | undefined }> {
  let plan: RetryPlan | undefined;
  const onPlan = (given: RetryPlan): void => {
    plan = given;
  };
  const hooks = { onPlan, wait: async () => {} };
  const result = await retry(context(stop), configure(settings), { ...EVERYTHING, ...options }, hooks);
  return { ...result, plan };
}

/** How often each row arrived, by `n`. */
function countArrivals(): Map<number, number> {
  const arrivals = new Map<number, number>();
  for (const { json } of sandbox.store.events()) {
    const { name, attributes } = JSON.parse(json);
    if (name !== 'good') arrivals.set(attributes.n, (arrivals.get(attributes.n) ?? 0) + 1);
  }
  return arrivals;
}
const arrived = (): number[] =>
  [...countArrivals()].flatMap(([n, times]) => Array(times).fill(n)).sort((a, b) => a - b);

type Kept = { n: number; code: string; attempts: number; may_have_arrived: boolean };

const files = async (): Promise<string[]> => (await readdir(folder)).toSorted();
async function kept(): Promise<Kept[]> {
  const rows: Kept[] = [];
  for (const name of await files()) {
    if (name.startsWith('.')) continue;
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1)) {
      const { record, rejection } = JSON.parse(line);
      const { code, attempts, may_have_arrived } = rejection;
      rows.push({ n: record.data.n, code, attempts, may_have_arrived });
    }
  }
  return rows.sort((a, b) => a.n - b.n);
}
const numbersOf = (rows: readonly Kept[]): number[] => rows.map(({ n }) => n);

/** Changes the lines of all files. */
async function edit(change: (line: string) => string): Promise<void> {
  for (const name of await files()) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
    await writeFile(path, lines.map((line) => `${change(line)}\n`).join(''));
  }
}

test('sends each row once, and leaves nothing in the folder', async () => {
  await reject([row(1), row(2)], [row(3)]);
  expect(numbersOf(await kept())).toEqual([1, 2, 3]);
  const { counts, failed, plan } = await retryRows();
  expect(failed).toBeUndefined();
  expect(counts).toEqual({ accepted: 3, rejected: new Map(), uncertain: 0 });
  expect(plan?.counts.send).toBe(3);
  expect([arrived(), await files()]).toEqual([[1, 2, 3], []]);
  expect((await retryRows()).counts.accepted).toBe(0);
});

test('needs the place of the rejected rows', async () => {
  await expect(retryRows({}, { rejected_rows: { storage_type: 'None' } })).rejects.toMatchObject({
    code: 'configuration_invalid',
    message: expect.stringMatching(/Set it to the folder or the bucket/),
  });
});

test('keeps rows that are rejected again, in one file, with the number of attempts', async () => {
  await reject([row(1), row(22)], [row(3)]);
  const limits = { custom_id_characters: 6 };
  const { counts } = await retryRows({}, { limits });
  expect([counts.accepted, [...counts.rejected]]).toEqual([2, [['custom_id_too_long', 1]]]);
  await retryRows({}, { limits });
  expect(await kept()).toEqual([{ n: 22, code: 'custom_id_too_long', attempts: 3, may_have_arrived: false }]);
  expect([arrived(), (await files()).length]).toEqual([[1, 3], 2]);
});

describe('selects rows', () => {
  test('by the code of their rejection', async () => {
    await reject([row(1), row(2, '')]);
    const { plan } = await retryRows({ reason: 'custom_id_too_long' });
    expect(plan?.counts).toEqual({ send: 1, filtered: 1, uncertain: 0, attributes: 0, over_limit: 0, unreadable: 0 });
    expect([arrived(), await kept()]).toEqual([[1], [expect.objectContaining({ n: 2, attempts: 1 })]]);
  });

  test('by the time of their rejection, and leaves other files as they are', async () => {
    await reject([row(1)]);
    await edit((line) => line.replace(/"rejected_at":"[^"]+"/, '"rejected_at":"2026-01-01T00:00:00Z"'));
    const before = await files();
    await retryRows({ since: Date.parse('2026-01-02') });
    expect([arrived(), await files()]).toEqual([[], before]);
    await retryRows({ since: Date.parse('2026-01-01') });
    expect([arrived(), await files()]).toEqual([[1], []]);
  });

  test('up to a limit', async () => {
    await reject([row(1), row(2), row(3)], [row(4)]);
    const { plan } = await retryRows({ limit: 2 });
    expect(plan?.counts).toMatchObject({ send: 2, over_limit: 2 });
    expect([arrived(), numbersOf(await kept())]).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('that set attributes of profiles only if asked to, because a sync may have sent newer values', async () => {
    const catalog = {
      streams: [{ ...CATALOG.streams[0], destination_object_name: 'profile_attributes' }],
    } as ConfiguredCatalog;
    const rows = [row(1), row(1).replace('"n":1', '"n":2'), row('a', 'a')];
    const input = Readable.from([Buffer.from(rows.map((line) => `${line}\n`).join(''))], { objectMode: false });
    await write(context(), configure({ limits: { custom_id_characters: 3 } }), catalog, input);
    const before = await files();
    expect((await retryRows()).plan?.counts).toMatchObject({ send: 0, attributes: 2 });
    expect(await files()).toEqual(before);
    const { plan, counts } = await retryRows({ includeAttributes: true });
    expect([plan?.counts.send, counts.accepted, await files()]).toEqual([2, 2, []]);
    expect(sandbox.store.profiles.get('user-1')?.attributes).toEqual(
      new Map(Object.entries({ event_name: 'x', n: 2 })),
    );
    expect(arrived()).toEqual([]);
  });

  test('except lines that are not rows', async () => {
    await reject([row(1), row(2)]);
    await edit((line) => (line.includes('user-2') ? '{"type":"RECORD","rec' : line));
    expect((await retryRows()).plan?.counts).toMatchObject({ send: 1, unreadable: 1 });
    const [name = ''] = (await files()).filter((each) => !each.startsWith('.'));
    expect(await readFile(join(folder, name), 'utf8')).toBe('{"type":"RECORD","rec\n');
  });
});

describe('does not send', () => {
  test('rows that may have arrived, unless asked', async () => {
    sandbox.faults.add({ kind: 'partial', bulk_index: 0, category: 'event', reason: 'no' });
    const input = [row(1, 'u'), row(2, 'u')].map((line) => `${line}\n`).join('');
    await write(context(), configure(), CATALOG, Readable.from([Buffer.from(input)], { objectMode: false }));
    expect((await retryRows()).plan?.counts).toMatchObject({ send: 0, uncertain: 2 });
    expect([arrived(), (await kept()).length]).toEqual([[], 2]);
    await retryRows({ includeUncertain: true });
    expect([arrived(), await files()]).toEqual([[1, 2], []]);
  });

  test('rows of a failed sync after its last state, unless asked', async () => {
    const lines = Array.from({ length: 12 }, (_, n) => `${row(n)}\n`).join('');
    const input = Readable.from([Buffer.from(lines)], { objectMode: false });
    const failing = write(context(), configure({ limits: { custom_id_characters: 3 } }), CATALOG, input);
    await expect(failing).rejects.toMatchObject({ code: 'too_many_rejected' });
    expect((await retryRows()).plan?.counts).toMatchObject({ send: 0, uncertain: 12 });
    await retryRows({ includeUncertain: true });
    expect([arrived().length, await files()]).toEqual([12, []]);
  });

  test('rows of a run that was killed, unless asked', async () => {
    await reject([row(1)]);
    const name = (await files()).find((each) => each.startsWith('.run-')) ?? '';
    const record = JSON.parse(await readFile(join(folder, name), 'utf8'));
    await writeFile(join(folder, name), JSON.stringify({ ...record, ended: false }));
    expect((await retryRows()).plan?.counts).toMatchObject({ send: 0, uncertain: 1 });
    await retryRows({ includeUncertain: true });
    expect([arrived(), await files()]).toEqual([[1], []]);
  });

  test('rows in a dry run, and changes nothing', async () => {
    await reject([row(1), row(22)]);
    const before = await files();
    const { counts } = await retryRows({ isDryRun: true }, { limits: { custom_id_characters: 6 } });
    expect([counts.accepted, counts.rejected.get('custom_id_too_long')]).toEqual([1, 1]);
    expect([arrived(), await files(), (await kept()).length]).toEqual([[], before, 2]);
  });
});

test('maps rows with the catalog of their run, and counts events that are too old', async () => {
  const properties = { at: { type: 'string', format: 'date-time' }, version: { type: 'string' } };
  const stream = {
    name: 'events',
    source_defined_cursor: true,
    default_cursor_field: ['version'],
    json_schema: { properties: { ...properties, custom_id: {}, event_name: {} } },
  };
  const data = { custom_id: 'user-1', event_name: 'x', at: '2026-01-31 03:00:00', version: '7' };
  const line = JSON.stringify({ type: 'RECORD', record: { stream: 'events', data } });
  const settings = { mapping: { event_time_column: 'at' } };
  await write(
    context(),
    configure({ ...settings, limits: { custom_id_characters: 3 } }),
    { streams: [{ stream, sync_mode: 'incremental' }] },
    Readable.from([Buffer.from(line)], { objectMode: false }),
  );
  const bodies: string[] = [];
  sandbox.onCall = (_, body) => bodies.push(body);
  const { plan } = await retryRows({}, settings);
  expect([plan?.tooOld, plan?.eventAgeHours]).toEqual([1, 24]);
  expect(bodies).toEqual([expect.stringContaining('{"name":"x","time":"2026-01-31T03:00:00Z"}')]);
});

test('counts events that are too old if there is no record of their run', async () => {
  await reject([row(1)]);
  for (const name of await files()) {
    if (name.startsWith('.run-')) await rm(join(folder, name));
    else {
      const text = await readFile(join(folder, name), 'utf8');
      await writeFile(
        join(folder, name),
        text.replace('"event_name"', '"event_time":"2026-01-31T03:00:00Z","event_name"'),
      );
    }
  }
  expect((await retryRows()).plan?.tooOld).toBe(1);
});

describe('a retry that ends early', () => {
  test('keeps unsent rows as they are when Batch refuses the key', async () => {
    await reject([row(1), row(2)]);
    const before = await kept();
    sandbox.faults.add({ kind: 'status', status: 401 });
    const { failed, counts } = await retryRows();
    expect(failed).toMatchObject({ error: { code: 'batch_key_refused' } });
    expect([counts.accepted, counts.uncertain, await kept()]).toEqual([0, 0, before]);
    await retryRows();
    expect([arrived(), await files()]).toEqual([[1, 2], []]);
  });

  test('marks rows whose request got no response', async () => {
    await reject([row(1), row(2)]);
    sandbox.faults.add({ kind: 'cut', stored: true });
    const { failed, counts } = await retryRows({}, { retry_minutes: 0.000001 });
    expect([failed, counts.uncertain]).toMatchObject([{ error: { code: 'batch_unreachable' } }, 2]);
    expect(await kept()).toMatchObject([1, 2].map((n) => ({ n, may_have_arrived: true, attempts: 2 })));
    await retryRows();
    expect(arrived()).toEqual([1, 2]);
  });

  test('because of a signal has sent and recorded the rows that it began', async () => {
    await reject(Array.from({ length: 1_500 }, (_, n) => row(n)));
    const stop = new AbortController();
    sandbox.onCall = () => stop.abort();
    const { counts, failed } = await retryRows({}, {}, stop.signal);
    expect(failed).toBeUndefined();
    expect(counts.uncertain).toBe(0);
    expect(arrived().length).toBe(counts.accepted);
    expect(counts.accepted).toBeLessThan(1_500);
    const left = await kept();
    expect([left.length + counts.accepted, left.some((each) => each.may_have_arrived)]).toEqual([1_500, false]);
    await retryRows();
    expect([[...countArrivals().values()].filter((times) => times !== 1), countArrivals().size]).toEqual([[], 1_500]);
  });
});

/**
 * Makes the folder read-only from an operation on, which is either done or not: nothing that the process does from then on remains,
 * as if it had been killed.
 */
function dieAt(operation: number, isDone: boolean): { isReached: () => boolean } {
  let count = 0;
  const guard = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    count += 1;
    if (count < operation) return work();
    const result = count === operation && isDone ? await work() : undefined;
    if (result instanceof GrowingFile) await result.close();
    throw new Error('killed');
  };
  const { put, remove, removeUnlessGrown, create } = Folder.prototype;
  const { append } = GrowingFile.prototype;
  vi.spyOn(Folder.prototype, 'put').mockImplementation(function (this: Folder, ...args) {
    return guard(() => put.apply(this, args));
  });
  vi.spyOn(Folder.prototype, 'remove').mockImplementation(function (this: Folder, ...args) {
    return guard(() => remove.apply(this, args));
  });
  vi.spyOn(Folder.prototype, 'removeUnlessGrown').mockImplementation(function (this: Folder, ...args) {
    return guard(() => removeUnlessGrown.apply(this, args));
  });
  vi.spyOn(Folder.prototype, 'create').mockImplementation(function (this: Folder, ...args) {
    return guard(() => create.apply(this, args));
  });
  vi.spyOn(GrowingFile.prototype, 'append').mockImplementation(function (this: GrowingFile, ...args) {
    return guard(() => append.apply(this, args));
  });
  return { isReached: () => count >= operation };
}

describe('a retry that is killed', () => {
  test('at any step, and the next one too, loses no row, and sends none a second time', async () => {
    await reject([row(1), row(22), row(3)], [row(44), row(5)]);
    const before = new Map<string, string>();
    for (const name of await files()) before.set(name, await readFile(join(folder, name), 'utf8'));
    const limits = { custom_id_characters: 6 };
    const retryUntil = async (operation: number, isDone: boolean): Promise<boolean> => {
      const death = dieAt(operation, isDone);
      await retryRows({}, { limits }).catch(() => undefined);
      vi.restoreAllMocks();
      return death.isReached();
    };
    let operation = 0;
    for (let isReached = true; isReached; ) {
      operation += 1;
      const second = ((operation * 5) % 16) + 1;
      for (const [name, content] of before) await writeFile(join(folder, name), content);
      isReached = await retryUntil(operation, false);
      await retryUntil(second, true);
      const step = `${operation} ${second}`;
      // Whatever happened, each row is in Batch or in the folder.
      const known = new Set([...arrived(), ...numbersOf(await kept())]);
      expect([step, [...known].sort((a, b) => a - b)]).toEqual([step, [1, 3, 5, 22, 44]]);
      await retryRows({}, { limits });
      const sure = await kept();
      expect([step, arrived().length]).toEqual([step, new Set(arrived()).size]);
      expect([step, new Set(numbersOf(sure)).size]).toEqual([step, sure.length]);
      await retryRows({ includeUncertain: true });
      expect([step, [...countArrivals().keys()].sort((a, b) => a - b)]).toEqual([step, [1, 3, 5, 22, 44]]);
      // Only rows that were marked were sent again.
      for (const [n, times] of countArrivals()) {
        const isMarked = sure.some((each) => each.n === n && each.may_have_arrived);
        expect([step, n, times > 1 && !isMarked]).toEqual([step, n, false]);
      }
      expect([step, await files()]).toEqual([step, []]);
      sandbox.reset();
    }
    expect(operation).toBeGreaterThan(15);
  });
});
