import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULT_LIMITS } from '../../sandbox/batch-api/limits.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { type Finished, finished } from '../../sandbox/launcher.ts';
import { EXIT_CODES } from '../../src/runner/exit-codes.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import {
  destinationConfiguration,
  eventually,
  expectSame,
  quickBatchApi,
  REST_API_KEY,
  sorted,
  sourceConfiguration,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { manifest, podOf } from './kubernetes-manifest.ts';
import { type Cluster, endAtOnce, startPod } from './kubernetes-pod.ts';

const SINGLE = podOf(manifest('cronjob.yaml'));
const PARTITION = podOf(manifest('indexed-job.yaml'));
const PARTS = 4;

const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-pods-'));
const started: ChildProcess[] = [];
let server: ClickHouseServer;

beforeAll(async () => {
  server = await sharedClickHouse();
  await server.execute('CREATE DATABASE shop');
});

afterAll(async () => {
  for (const pod of started) endAtOnce(pod);
  rmSync(folder, { recursive: true });
});

/** The number of a row is also in its timestamp: rows are read in the order of their numbers. */
async function createTable(name: string): Promise<void> {
  await server.execute(createTableSql(`shop.${name}`, 'n UInt64'));
}

async function insert(
  table: string,
  from: number,
  rows: number,
  customId = "concat('u', toString(number))",
): Promise<void> {
  await server.execute(
    `INSERT INTO shop.${table}
     SELECT ${customId}, 'purchase', now64(6) - INTERVAL 60 SECOND + INTERVAL number MICROSECOND, number
     FROM numbers(${from}, ${rows})`,
  );
}

type Volumes = { configuration: string; state: string; scratch: string };
type OwnCluster = Cluster & { volumes: Volumes };

/** A cluster with no state yet, and nothing in the volume of the configurations but these files. */
function cluster(files: Record<string, unknown>, secrets: Cluster['secrets'] = {}): OwnCluster {
  const at = mkdtempSync(join(folder, 'cluster-'));
  const volumes = { configuration: join(at, 'configuration'), state: join(at, 'state'), scratch: join(at, 'scratch') };
  for (const path of Object.values(volumes)) mkdirSync(path);
  const own = { volumes, secrets };
  for (const [name, content] of Object.entries(files)) configure(own, name, content);
  return own;
}

function configure({ volumes }: OwnCluster, name: string, content: unknown): void {
  writeFileSync(join(volumes.configuration, name), JSON.stringify(content));
}

/** As described in README.md: one configuration for each partition, with the secrets elsewhere. */
function partitionedCluster(batch: BatchApi): OwnCluster {
  const source = sourceConfiguration(server, 'shop', { table: 'events', password: '${CLICKHOUSE_PASSWORD}' });
  const destination = destinationConfiguration(batch, { rest_api_key: '${BATCH_REST_API_KEY}' });
  const sources = upTo(PARTS).map((index) => [
    `source-${index}-of-4.json`,
    { ...source, partition: { index, count: PARTS } },
  ]);
  return cluster(
    {
      ...Object.fromEntries(sources),
      'destination-of-4.json': { ...destination, endpoint: 'mass_update', rate_limit: 2_500 },
    },
    { 'clickhouse-to-batch-variables': { CLICKHOUSE_PASSWORD: READER.password, BATCH_REST_API_KEY: REST_API_KEY } },
  );
}

function start(...pod: Parameters<typeof startPod>): ChildProcess {
  const process = startPod(...pod);
  started.push(process);
  return process;
}

async function sync(...pod: Parameters<typeof startPod>): Promise<Finished> {
  const result = await finished(start(...pod));
  for (const secret of [READER.password, REST_API_KEY]) expect(result.stdout).not.toContain(secret);
  expect(result.stderr).toBe('');
  return result;
}

const eventSchema = z.looseObject({ event: z.string() });

/** The last lines of a pod's log: its result. Each line is a JSON event. */
function ending({ stdout }: Finished): z.output<typeof eventSchema> | undefined {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => eventSchema.parse(JSON.parse(line)))
    .at(-1);
}

function stateFile({ volumes }: OwnCluster): string {
  return join(volumes.state, 'state.json');
}

function accepted(batch: BatchApi): number[] {
  return [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n);
}

describe('one pod', () => {
  let batch: BatchApi;

  beforeAll(async () => {
    batch = await quickBatchApi();
  });

  afterAll(() => batch.close());

  test('resumes from the state of the previous pod, and ends with an exit code that its Job knows', async () => {
    await createTable('orders');
    await insert('orders', 0, 1_000);
    const source = sourceConfiguration(server, 'shop', { table: 'orders' });
    const own = cluster({ 'source.json': source, 'destination.json': destinationConfiguration(batch) });

    const first = await sync(SINGLE, own);
    expect(first.code).toBe(0);
    expect(ending(first)).toMatchObject({
      event: 'run_ended',
      outcome: 'complete',
      rows_accepted: 1_000,
      exit_code: 0,
    });
    expectSame(sorted(accepted(batch)), upTo(1_000));
    expect(readdirSync(own.volumes.scratch)).toEqual([]);
    expect(readdirSync(own.volumes.state)).toEqual(['state.json', 'state.json.runs.json']);

    await insert('orders', 1_000, 5);
    await insert('orders', 1_005, 1, "''");
    expect((await sync(SINGLE, own)).code).toBe(EXIT_CODES.rowsRejected);
    expectSame(sorted(accepted(batch)), upTo(1_005));

    const state = readFileSync(stateFile(own), 'utf8');
    configure(own, 'source.json', { ...source, password: 'wrong' });
    const misconfigured = await sync(SINGLE, own);
    expect(misconfigured.code).toBe(EXIT_CODES.misconfigured);
    expect(ending(misconfigured)).toMatchObject({ errors: [{ message: expect.stringMatching(/password/) }] });
    expect(readFileSync(stateFile(own), 'utf8')).toBe(state);
  });

  test('I4: after SIGTERM the next pod sends no row twice; after SIGKILL, only rows that no STATE covers', async () => {
    // Many more than are still delivered after SIGTERM: 20,000, and the rows in the pipes between the processes.
    const ROWS = 120_000;
    await createTable('many');
    await insert('many', 0, ROWS);
    batch.reset();
    const own = cluster({
      'source.json': sourceConfiguration(server, 'shop', { table: 'many' }),
      // At this rate, all rows would take 15 s.
      'destination.json': destinationConfiguration(batch, { endpoint: 'mass_update', rate_limit: 8_000 }),
    });
    const stateText = (): string =>
      readdirSync(own.volumes.state).includes('state.json') ? readFileSync(stateFile(own), 'utf8') : '';
    const untilStateIsNew = async (): Promise<void> => {
      const before = stateText();
      await eventually(() => expect(stateText()).not.toBe(before));
    };

    const terminated = start(SINGLE, own);
    const terminatedEnd = finished(terminated);
    await untilStateIsNew();
    // Only to the first process, as Kubernetes does.
    terminated.kill('SIGTERM');
    const { signal, stderr } = await terminatedEnd;
    expect([signal, stderr]).toEqual(['SIGTERM', '']);
    expect(readdirSync(own.volumes.scratch)).toEqual([]);
    expect(readdirSync(own.volumes.state)).toEqual(['state.json', 'state.json.runs.json']);
    const delivered = batch.stats.events_accepted;
    expectSame(sorted(accepted(batch)), upTo(delivered));

    // Batch stops answering when there is a new state, so most rows are not sent when the pod is killed, even if that is late.
    const resumed = stateText();
    batch.onCall = () => {
      if (stateText() === resumed) return;
      batch.onCall = undefined;
      batch.faults.add({ kind: 'hang', times: 1_000 });
    };
    const killed = start(SINGLE, own);
    const killedEnd = finished(killed);
    await untilStateIsNew();
    endAtOnce(killed);
    await killedEnd;
    batch.onCall = undefined;
    batch.faults.clear();
    const sent = batch.stats.events_accepted;
    expect(sent).toBeLessThan(ROWS);

    leaveLockToAnotherPod(own);
    configure(own, 'destination.json', destinationConfiguration(batch, { endpoint: 'mass_update' }));
    const last = await sync(SINGLE, own);
    expect(last.code).toBe(0);
    expect(last.stdout).toMatch(/The state file is locked by process \d+ on clickhouse-to-batch-0/);
    const numbers = accepted(batch);
    expect(new Set(numbers).size).toBe(ROWS);
    expect(numbers.filter((n) => n < delivered)).toHaveLength(delivered);
    expect(numbers.length - ROWS).toBeLessThan(sent - delivered);
  });
});

/** A lost pod had a different name, and its lock is already old when the next pod starts. */
function leaveLockToAnotherPod({ volumes }: OwnCluster): void {
  const owner = join(volumes.state, 'state.json.lock.json');
  writeFileSync(owner, JSON.stringify({ ...JSON.parse(readFileSync(owner, 'utf8')), host: 'clickhouse-to-batch-0' }));
  const then = Date.now() / 1_000 - 6;
  utimesSync(join(volumes.state, 'state.json.lock'), then, then);
}

/**
 * Returns by how many updates a project was ahead of its rate, at most. Calls that a busy machine delivers late, and then at
 * once, are no excess: Batch's own bucket, which is full after a pause, would answer them with HTTP 429.
 */
function watchRate(batch: BatchApi): () => number {
  const { massUpdateRate, massUpdateBurst } = DEFAULT_LIMITS;
  const start = Date.now();
  let updates = 0;
  let excess = Number.NEGATIVE_INFINITY;
  batch.onCall = (_, body) => {
    updates += JSON.parse(body).length;
    excess = Math.max(excess, updates - massUpdateBurst - (massUpdateRate * (Date.now() - start)) / 1_000);
  };
  return () => excess;
}

describe('four pods in parallel, at the rate limit of one project', () => {
  const ROWS = 40_000;
  const PROFILES = 30_000;
  let batch: BatchApi;
  let own: OwnCluster;

  beforeAll(async () => {
    batch = await quickBatchApi();
    await createTable('events');
    await insert('events', 0, ROWS, `concat('u', toString(number % ${PROFILES}))`);
    own = partitionedCluster(batch);
  });

  afterAll(() => batch.close());

  function syncAll(): Promise<Finished[]> {
    return Promise.all(upTo(PARTS).map((index) => sync(PARTITION, own, index)));
  }

  test('I8: four pods send each row once, those of a profile in order, within the rate limit of the project', async () => {
    const excess = watchRate(batch);
    const pods = await syncAll();
    expect(excess()).toBeLessThanOrEqual(0);
    expect(pods.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const numbers = accepted(batch);
    expectSame(sorted(numbers), upTo(ROWS));
    for (const n of upTo(ROWS - PROFILES).filter((number) => number % 1_000 === 0)) {
      const ofProfile = [...batch.store.events({ customId: `u${n}` })].map(({ json }) => JSON.parse(json).attributes.n);
      expect(ofProfile).toEqual([n, n + PROFILES]);
    }
    expect(Object.keys(batch.stats.answers)).toEqual(['202']);
    expect(readdirSync(own.volumes.state)).toEqual(
      upTo(PARTS).flatMap((index) => [`part-${index}-of-4.json`, `part-${index}-of-4.json.runs.json`]),
    );
  });

  test('partitions resume from their own states, or from the state of one pod after the partition is added to it', async () => {
    const elsewhere = await quickBatchApi();
    const source = sourceConfiguration(server, 'shop', { table: 'events' });
    const one = cluster({ 'source.json': source, 'destination.json': destinationConfiguration(elsewhere) });
    expect((await sync(SINGLE, one)).code).toBe(0);
    await elsewhere.close();
    for (const index of [2, 3]) {
      const states = JSON.parse(readFileSync(stateFile(one), 'utf8'));
      for (const { stream } of states) stream.stream_state.partition = { index, count: PARTS };
      writeFileSync(join(own.volumes.state, `part-${index}-of-4.json`), JSON.stringify(states));
    }

    await insert('events', ROWS, 1_000);
    const pods = await syncAll();
    expect(pods.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expectSame(sorted(accepted(batch)), upTo(ROWS + 1_000));
    expect(Object.keys(batch.stats.answers)).toEqual(['202']);
  });
});
