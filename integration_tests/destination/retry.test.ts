import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, run, start } from '../../sandbox/launcher.ts';
import { expectOnPage } from '../docs/troubleshooting-page.ts';
import { runInProcess } from '../support/in-process.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import { catalogOf, destinationConfiguration, eventually, quickBatchApi, temporaryFiles } from '../support/support.ts';

type Row = Record<string, unknown>;

const file = temporaryFiles();
let batch: BatchApi;
let folder: string;

beforeEach(async () => {
  batch = await quickBatchApi();
  folder = mkdtempSync(join(tmpdir(), 'retry-'));
});

afterEach(async () => {
  await batch.close();
  rmSync(folder, { recursive: true, force: true });
});

const configuration = (changes: Row = {}): string =>
  file(
    'destination.json',
    destinationConfiguration(batch, { rejected_rows: { storage_type: 'Local', path: folder }, ...changes }),
  );

const SHORT_IDS = { limits: { custom_id_characters: 3 } };

const writeArguments = (config: string): string[] => [
  'write',
  '--config',
  config,
  '--catalog',
  file('catalog.json', catalogOf('incremental', 'events')),
];

/** Rows, of which the given ones are rejected because their ids are too long. */
const linesOf = (...numbers: number[]): string =>
  [
    ...numbers.map((n) => recordLine({ custom_id: `user-${n}`, event_name: 'x', n })),
    ...numbers.map(() => recordLine({ custom_id: 'u', event_name: 'good' })),
    stateLine(1),
  ]
    .map((line) => `${line}\n`)
    .join('');

const reject = (...numbers: number[]): Promise<Finished> =>
  runInProcess('destination-batch', writeArguments(configuration(SHORT_IDS)), { input: linesOf(...numbers) });

const retryArguments = (config: string, options: readonly string[] = []): string[] => [
  'retry',
  '--destination',
  config,
  ...options,
];

const retry = (changes: Row = {}, ...options: string[]): Promise<Finished> =>
  run('connector', retryArguments(configuration(changes), options));

const files = (): string[] => readdirSync(folder).toSorted();

type Kept = [n: number, attempts: number, mayHaveArrived: boolean];

/** The rows in the folder. */
const kept = (): Kept[] =>
  files()
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line))
    .map(({ record, rejection }) => [record.data.n, rejection.attempts, rejection.may_have_arrived]);

const arrived = (): number[] =>
  [...batch.store.events()].flatMap(({ json }) => JSON.parse(json).attributes?.n ?? []).toSorted((a, b) => a - b);

test('reports what it would do and what it did, and exits with 3 if a row is rejected again', async () => {
  await reject(1, 22);
  const before = files();
  const rehearsed = await retry({ limits: { custom_id_characters: 6, event_age_hours: 1 } }, '--dry-run');
  expect([rehearsed.code, files(), arrived()]).toEqual([3, before, []]);
  expect(rehearsed.stdout).toBe(
    '2 rejected rows: 2 would be sent.\nDry run: nothing was sent. 1 would be accepted, 1 rejected (custom_id_too_long: 1), as far as can be known before sending.\n',
  );
  const first = await retry({ limits: { custom_id_characters: 6 } });
  expect([first.code, arrived(), kept()]).toEqual([3, [1], [[22, 2, false]]]);
  expect(first.stderr).toBe(
    'WARN  A row of events is rejected (custom_id_too_long): custom_id has 7 characters, but Batch accepts at most 6.\n',
  );
  expect(first.stdout).toMatch(
    /^2 rejected rows: 2 to send\.\nDone: 1 accepted, 1 rejected \(custom_id_too_long: 1\)\.\nThey are kept in \S+\/events-\S+\.ndjson\. \S+ explain CODE says what to do\.\n$/,
  );
});

test('exits with 2 for a code that no row has', async () => {
  const result = await retry({}, '--reason', 'custom_id_to_long');
  expect([result.code, result.stdout]).toEqual([2, '']);
  expect(result.stderr).toMatch(/Did you mean custom_id_too_long\?/);
});

test('does not touch the files of a run that is in progress', async () => {
  const writing = start('destination-batch', writeArguments(configuration(SHORT_IDS)), { stdio: 'pipe' });
  const ended = finished(writing);
  writing.stdin?.write(linesOf(1));
  await eventually(() => expect(kept()).toEqual([[1, 1, false]]));
  const during = await retry({}, '--include-uncertain');
  expect([during.code, arrived(), kept()]).toEqual([0, [], [[1, 1, false]]]);
  expect(during.stdout).toMatch(/1 file not read, because a run is writing to it: events-\S+\.ndjson\./);
  writing.stdin?.end(linesOf(2));
  expect((await ended).code).toBe(0);
  expect(kept()).toHaveLength(2);
  const after = await retry();
  expect([after.code, after.stderr, arrived(), files()]).toEqual([0, '', [1, 2], []]);
  expect(after.stdout).toBe('2 rejected rows: 2 to send.\nDone: 2 accepted, 0 rejected.\n');
});

test('loses no row if it is killed while it sends, and a second retry at the same time sends none', async () => {
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  await reject(...numbers);
  let requests = 0;
  batch.onCall = () => {
    requests += 1;
  };
  // Of several requests, Batch answers all but the second one, which it stores.
  batch.faults.add([
    { kind: 'delay', milliseconds: 0 },
    { kind: 'hang', stored: true },
  ]);
  const small = configuration({ limits: { request_bytes: 1_000 } });
  const first: ChildProcess = start('connector', retryArguments(small), { stdio: 'pipe' });
  const ended = finished(first);
  await eventually(() => expect(requests).toBeGreaterThan(3));
  const second = await retry();
  expect([second.code, second.stdout]).toEqual([1, '']);
  const owner = `process ${first.pid} on ${hostname()}`;
  expectOnPage('rejected_rows_locked', second.stderr, [[owner, 'process 4711 on host-a']]);
  first.kill('SIGKILL');
  expect((await ended).signal).toBe('SIGKILL');
  // Whatever is not in Batch is still in the folder.
  const sent = arrived();
  await retry();
  const uncertain = kept();
  expect(arrived().length).toBe(new Set(arrived()).size);
  expect([...new Set([...arrived(), ...uncertain.map(([n]) => n)])].sort((a, b) => a - b)).toEqual(numbers);
  expect(sent.length).toBeGreaterThan(0);
  expect(uncertain.every(([, attempts, mayHaveArrived]) => attempts === 2 && mayHaveArrived)).toBe(true);
  await retry({}, '--include-uncertain');
  expect([[...new Set(arrived())], files()]).toEqual([numbers, []]);
});
