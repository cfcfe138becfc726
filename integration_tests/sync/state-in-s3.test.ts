import type { ChildProcess } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, launcherPath, run, start } from '../../sandbox/launcher.ts';
import { openStateStore } from '../../src/sync/state/open-store.ts';
import { sync } from '../../src/sync/sync.ts';
import { manifest, podOf } from '../packaging/kubernetes-manifest.ts';
import { startPod } from '../packaging/kubernetes-pod.ts';
import { S3Server } from '../support/s3-server.ts';
import {
  clickHouseWith,
  destinationConfiguration,
  eventually,
  quickBatchApi,
  sorted,
  sourceConfiguration,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const BUCKET = 'my-bucket';

const file = temporaryFiles();
const server = clickHouseWith('shop');

const s3 = await S3Server.start();
if (typeof s3 === 'string') process.stderr.write(`The state in S3 is not tested: ${s3}.\n`);

// Not in the block below: its hooks do not run when none of its tests is selected.
afterAll(() => (typeof s3 === 'string' ? undefined : s3.close()));

describe.skipIf(typeof s3 === 'string').concurrent('the state in S3', () => {
  if (typeof s3 === 'string') return;
  const store = s3;
  const started: ChildProcess[] = [];
  const batches: BatchApi[] = [];

  const environment = (credentials = store.writer): Record<string, string> => ({
    AWS_ENDPOINT_URL: store.url,
    AWS_ACCESS_KEY_ID: credentials.access_key_id,
    AWS_SECRET_ACCESS_KEY: credentials.secret_access_key,
    AWS_REGION: 'eu-west-1',
  });

  beforeAll(async () => {
    await store.createBucket(BUCKET);
    for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    for (const child of started) child.kill('SIGKILL');
    for (const batch of batches) await batch.close();
  });

  type Scene = {
    batch: BatchApi;
    state: string;
    source: string;
    destination: string;
    insert: (from: number, rows: number) => Promise<void>;
    /** The numbers of the rows that Batch received, repeated for each time. */
    received: () => number[];
  };

  /** A new table, Batch API and state. */
  async function scene(table: string): Promise<Scene> {
    const batch = await quickBatchApi();
    batches.push(batch);
    await server().execute(createTableSql(`shop.${table}`, 'n UInt32'));
    const at = "toDateTime64('2026-01-01 00:00:00', 6, 'UTC')";
    return {
      batch,
      state: `s3://${BUCKET}/${table}/state.json`,
      source: file('source.json', sourceConfiguration(server(), 'shop', { table })),
      destination: file('destination.json', destinationConfiguration(batch)),
      insert: (from, rows) =>
        server().execute(
          `INSERT INTO shop.${table} SELECT toString(number), 'x', ${at} + number, number FROM numbers(${from}, ${rows})`,
        ),
      received: () => sorted([...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n)),
    };
  }

  function syncArguments({ source, destination, state }: Scene, ...more: string[]): string[] {
    return ['sync', '--source', source, '--destination', destination, '--state', state, ...more];
  }

  function startSync(scenery: Scene, ...more: string[]): { child: ChildProcess; ended: Promise<Finished> } {
    const child = start('connector', syncArguments(scenery, ...more), { stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    return { child, ended: finished(child) };
  }

  /** The objects next to a state. */
  async function objects({ state }: Scene): Promise<Map<string, string>> {
    const prefix = state.slice(`s3://${BUCKET}/`.length);
    return new Map([...(await store.objects(BUCKET))].filter(([key]) => key.startsWith(prefix)));
  }

  const isLocked = async (scenery: Scene): Promise<boolean> =>
    (await (await openStateStore(scenery.state)).readLock()).kind === 'locked';

  test('the next run, such as the pod of cronjob-s3.yaml, continues from it', async () => {
    const scenery = { ...(await scene('orders')), state: `s3://${BUCKET}/clickhouse-to-batch/state.json` };
    await scenery.insert(0, 10);
    const result = await run('connector', syncArguments(scenery));
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining('10 rows read, 10 accepted')]);
    expect(await isLocked(scenery)).toBe(false);

    await scenery.insert(10, 5);
    const configuration = dirname(file('source.json', readFileSync(scenery.source, 'utf8')));
    copyFileSync(scenery.destination, join(configuration, 'destination.json'));
    const scratch = dirname(file('scratch', ''));
    const pod = startPod(podOf(manifest('cronjob-s3.yaml')), {
      volumes: { configuration, scratch },
      secrets: { 'clickhouse-to-batch-variables': environment() },
    });
    started.push(pod);
    const { code, stderr } = await finished(pod);
    expect([code, stderr]).toEqual([0, '']);
    expect(scenery.received()).toEqual(upTo(15));
    expect(await isLocked(scenery)).toBe(false);
  });

  test('of two runs at the same time, one fails and names the other', async () => {
    const scenery = await scene('events');
    await scenery.insert(0, 100);
    const runs = [1, 2].map(() => startSync(scenery, '--every', '1d'));
    const loser = await Promise.race(runs.map(({ ended }) => ended));
    const [winner] = runs.filter(({ child }) => child.exitCode === null);
    expect(loser.code).toBe(1);
    expect(loser.stderr).toMatch(
      new RegExp(`ERROR Another run is using the state file ${scenery.state}: process ${winner?.child.pid} on `),
    );
    await eventually(() => expect(scenery.received()).toEqual(upTo(100)));
    const status = await run('connector', ['status', '--state', scenery.state, '--json']);
    expect([status.code, JSON.parse(status.stdout)]).toMatchObject([0, { lock: { pid: winner?.child.pid } }]);
    winner?.child.kill('SIGTERM');
    expect((await winner?.ended)?.signal).toBe('SIGTERM');
    expect(await isLocked(scenery)).toBe(false);
  });

  test('I4: after SIGKILL between sending and saving, the next run takes over the lease and loses no row', async () => {
    const scenery = await scene('killed');
    await scenery.insert(0, 10);
    expect((await run('connector', syncArguments(scenery))).code).toBe(0);
    const before = (await objects(scenery)).get('killed/state.json');

    await scenery.insert(10, 500);
    const { child, ended } = startSync(scenery);
    scenery.batch.onCall = () => child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    scenery.batch.onCall = undefined;
    await eventually(() => expect(scenery.received().length).toBeGreaterThan(10));
    expect((await objects(scenery)).get('killed/state.json')).toBe(before);
    expect(await isLocked(scenery)).toBe(true);

    const logs: string[] = [];
    const ignore = (): void => {};
    const { source, destination, state } = scenery;
    const options = { source, destination, state, streams: [], allStreams: false, fullRefresh: false };
    const code = await sync(
      {
        ...options,
        limit: undefined,
        every: undefined,
        cron: undefined,
        staleAfter: undefined,
        alert: {},
        metrics: {},
      },
      {
        program: [launcherPath('connector')],
        reporter: {
          progressIntervalMs: 1_000,
          runStarted: ignore,
          progress: ignore,
          lastProgress: ignore,
          log: (level, speaker, message) => logs.push(`${level} ${speaker}: ${message}`),
          runEnded: ignore,
          nextRun: ignore,
          stopped: () => {},
          failed: ignore,
        },
        stop: new AbortController().signal,
        stopAtOnce: new AbortController().signal,
        now: Date.now,
        // 60 s pass at once.
        wait: async () => {},
      },
    );
    expect([code, logs[0]]).toEqual([0, expect.stringMatching(`is locked by process ${child.pid} on .* within 60 s`)]);
    const numbers = scenery.received();
    expect([...new Set(numbers)]).toEqual(upTo(510));
    // What the state covered is not sent again.
    expect(numbers.filter((n) => n < 10)).toEqual(upTo(10));
    expect(await isLocked(scenery)).toBe(false);
  });

  test('a state that another process has changed is not overwritten', async () => {
    const [first, second] = await Promise.all([1, 2].map(() => openStateStore(`s3://${BUCKET}/changed/state.json`)));
    expect(await first?.readState()).toBeUndefined();
    await first?.writeState('[1]');
    await second?.readState();
    await second?.writeState('[2]');
    await expect(first?.writeState('[3]')).rejects.toMatchObject({ code: 'state_file_changed' });
    expect(await second?.readState()).toBe('[2]');
  });

  // Not in parallel: to list objects, the other tests turn the permission checks of the whole server off for a moment.
  test.sequential('a bucket that is missing or forbidden ends with exit code 2', async () => {
    const scenery = await scene('nothing');
    const missing = await run('connector', syncArguments({ ...scenery, state: 's3://no-such-bucket/state.json' }));
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringMatching(/^ERROR .*The bucket does not exist\./)]);
    const forbidden = await run('connector', syncArguments(scenery), { env: environment(store.stranger) });
    expect([forbidden.code, forbidden.stderr]).toEqual([2, expect.stringMatching(/^ERROR .*Grant it s3:GetObject/)]);
  });
});
