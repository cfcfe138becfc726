import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../sandbox/batch-api/limits.ts';
import type { BatchApi } from '../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../sandbox/clickhouse/server.ts';
import { type Finished, finished } from '../sandbox/launcher.ts';
import { manifest, podOf, ROOT } from './kubernetes_manifest.ts';
import { startPod } from './kubernetes_pod.ts';
import {
  catalogOf,
  destinationConfiguration,
  errors,
  logs,
  quickBatchApi,
  sorted,
  sourceConfiguration,
  upTo,
} from './support.ts';

const SINGLE = podOf(manifest('cronjob.yaml'));
const PARTITION = podOf(manifest('indexed-job.yaml'));
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-pods-'));
const started: ChildProcess[] = [];
let server: ClickHouseServer;

beforeAll(async () => {
  server = await ClickHouseServer.start();
  await server.execute('CREATE DATABASE shop');
});

afterAll(async () => {
  for (const pod of started) endAtOnce(pod);
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** The number of a row is in its stamp too: rows are read in the order of their numbers. */
async function createTable(name: string): Promise<void> {
  await server.execute(
    `CREATE TABLE shop.${name} (custom_id String, event_name String, last_updated_at DateTime64(6), n UInt64)
     ENGINE = MergeTree ORDER BY last_updated_at`,
  );
}

async function insert(table: string, from: number, rows: number, profiles = rows): Promise<void> {
  await server.execute(
    `INSERT INTO shop.${table}
     SELECT concat('u', toString(number % ${profiles})), 'purchase', now64(6) - INTERVAL 60 SECOND + INTERVAL number MICROSECOND, number
     FROM numbers(${from}, ${rows})`,
  );
}

type Volumes = { configuration: string; state: string; scratch: string };

/** What the pods of a test have, with no state yet. */
function volumes(
  name: string,
  batch: BatchApi,
  { tables, destination = {} }: { tables: string[]; destination?: Record<string, unknown> },
): Volumes {
  const at = (volume: string): string => join(folder, name, volume);
  const made = { configuration: at('configuration'), state: at('state'), scratch: at('scratch') };
  for (const path of Object.values(made)) mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries({
    source: sourceConfiguration(server, 'shop'),
    destination: { ...destinationConfiguration(batch), ...destination },
    catalog: catalogOf('incremental', ...tables),
  })) {
    writeFileSync(join(made.configuration, `${file}.json`), JSON.stringify(content));
  }
  copyFileSync(join(ROOT, 'deploy/kubernetes/sync.mjs'), join(made.configuration, 'sync.mjs'));
  return made;
}

function start(...pod: Parameters<typeof startPod>): ChildProcess {
  const process = startPod(...pod);
  started.push(process);
  return process;
}

/** As the kubelet does it when the time for an end has run out, or a node that loses its power. */
function endAtOnce({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
}

function sync(own: Volumes): Promise<Finished> {
  return finished(start(SINGLE, own));
}

function stateFile({ state }: Volumes): string {
  return join(state, 'state.json');
}

function accepted(batch: BatchApi): number[] {
  return [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n);
}

describe('one pod', () => {
  let batch: BatchApi;

  beforeAll(async () => {
    batch = await quickBatchApi();
    await createTable('orders');
    await insert('orders', 0, 1_000);
  });

  afterAll(() => batch.close());

  test('goes on from the state of the one before', async () => {
    const own = volumes('again', batch, { tables: ['orders'] });

    const first = await sync(own);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(logs(first)).toContainEqual(expect.stringContaining('1000 rows'));
    expect(first.messages.map(({ type }) => type)).not.toContain('STATE');
    expect(sorted(accepted(batch))).toEqual(upTo(1_000));
    expect(readdirSync(own.scratch)).toEqual([]);
    expect(readdirSync(own.state)).toEqual(['state.json']);

    await insert('orders', 1_000, 5);
    expect((await sync(own)).code).toBe(0);
    expect(sorted(accepted(batch))).toEqual(upTo(1_005));
  });

  test('that fails in either half fails, and leaves the state as it was', async () => {
    const own = volumes('failing', batch, { tables: ['orders'] });
    await sync(own);
    const state = readFileSync(stateFile(own), 'utf8');
    const path = (name: string): string => join(own.configuration, name);
    const [source, destination] = ['source.json', 'destination.json'].map((name) => readFileSync(path(name), 'utf8'));

    writeFileSync(path('source.json'), JSON.stringify({ ...JSON.parse(source ?? ''), password: 'wrong' }));
    const unread = await sync(own);
    expect(unread.code).toBe(1);
    // What the source says is told by the destination, as nobody else hears it.
    expect(logs(unread)).toContainEqual(expect.stringMatching(/password/));

    writeFileSync(path('source.json'), source ?? '');
    writeFileSync(
      path('destination.json'),
      JSON.stringify({ ...JSON.parse(destination ?? ''), rest_api_key: 'wrong' }),
    );
    await insert('orders', 1_005, 1);
    const unwritten = await sync(own);
    expect(unwritten.code).toBe(1);
    expect(errors(unwritten)).toHaveLength(1);
    expect(readFileSync(stateFile(own), 'utf8')).toBe(state);
  });

  describe('ended halfway', () => {
    // More than may wait in the destination and in the pipes.
    const ROWS = 60_000;

    beforeAll(async () => {
      await createTable('many');
      await insert('many', 0, ROWS);
    });

    /** A second sync, which is ended while it is at the first of two streams: the other's state is that of the first sync. */
    async function halfway(name: string, end: (pod: ChildProcess) => void): Promise<[Volumes, Finished]> {
      // At this pace all of them would take more than 7 s.
      const destination = { endpoint: 'mass_update', rate_limit: 8_000 };
      const own = volumes(name, batch, { tables: ['orders'], destination });
      await sync(own);
      batch.reset();
      volumes(name, batch, { tables: ['many', 'orders'], destination });
      const pod = start(SINGLE, own);
      const ending = finished(pod);
      await vi.waitFor(
        () => {
          expect(batch.stats.events_accepted).toBeGreaterThan(6_000);
          expect(readFileSync(stateFile(own), 'utf8')).toContain('"many"');
        },
        { timeout: 30_000, interval: 1 },
      );
      end(pod);
      const ended = await ending;
      expect(batch.stats.events_accepted).toBeLessThan(ROWS);
      return [own, ended];
    }

    test('by SIGTERM: the next one brings the rest, and no row twice, of whichever stream', async () => {
      // To the first process alone, as Kubernetes does.
      const [own, ended] = await halfway('terminated', (pod) => pod.kill('SIGTERM'));
      expect(ended).toMatchObject({ code: 143, stderr: '' });
      expect(readdirSync(own.scratch)).toEqual([]);
      expect((await sync(own)).code).toBe(0);
      expect(sorted(accepted(batch))).toEqual(upTo(ROWS));
    });

    test('by SIGKILL: the next one brings each row, and only those twice that no state was kept for', async () => {
      const [own, ended] = await halfway('killed', endAtOnce);
      expect(ended.signal).toBe('SIGKILL');
      const sent = batch.stats.events_accepted;
      expect((await sync(own)).code).toBe(0);
      const numbers = accepted(batch);
      expect(new Set(numbers).size).toBe(ROWS);
      expect(numbers.length - ROWS).toBeLessThan(sent);
    });
  });
});

describe('four pods side by side, at the rate of one project', () => {
  const ROWS = 40_000;
  const PROFILES = 30_000;
  let batch: BatchApi;
  let own: Volumes;

  beforeAll(async () => {
    const { massUpdateRate, massUpdateBurst } = DEFAULT_LIMITS;
    batch = await quickBatchApi({ massUpdateRate, massUpdateBurst });
    await createTable('events');
    await insert('events', 0, ROWS, PROFILES);
    own = volumes('partitions', batch, { tables: ['events'] });
  });

  afterAll(() => batch.close());

  function syncAll(its = own): Promise<Finished[]> {
    return Promise.all(upTo(4).map((index) => finished(start(PARTITION, its, { [COMPLETION_INDEX]: String(index) }))));
  }

  test('bring each row once, those of a profile in their order, and are never told to wait', async () => {
    const pods = await syncAll();
    expect(pods.map(({ code, stderr }) => [code, stderr])).toEqual(upTo(4).map(() => [0, '']));
    const numbers = accepted(batch);
    expect(sorted(numbers)).toEqual(upTo(ROWS));
    for (const n of upTo(ROWS - PROFILES).filter((number) => number % 1_000 === 0)) {
      const ofProfile = [...batch.store.events({ customId: `u${n}` })].map(({ json }) => JSON.parse(json).attributes.n);
      expect(ofProfile).toEqual([n, n + PROFILES]);
    }
    expect(Object.keys(batch.stats.answers)).toEqual(['202']);
    expect(readdirSync(own.state)).toEqual(upTo(4).map((index) => `part-${index}-of-4.json`));
  });

  test('go on from their own states', async () => {
    await insert('events', ROWS, 1_000);
    const pods = await syncAll();
    expect(pods.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(sorted(accepted(batch))).toEqual(upTo(ROWS + 1_000));
    expect(Object.keys(batch.stats.answers)).toEqual(['202']);
  });

  test('take over from one pod, by its state with the part written into it', async () => {
    await createTable('growing');
    await insert('growing', 0, 1_000);
    const grown = volumes('grown', batch, { tables: ['growing'] });
    batch.reset();
    expect((await sync(grown)).code).toBe(0);
    for (const index of upTo(4)) {
      const whole = JSON.parse(readFileSync(stateFile(grown), 'utf8'));
      for (const { state } of whole) state.stream.stream_state.partition = { index, count: 4 };
      writeFileSync(join(grown.state, `part-${index}-of-4.json`), JSON.stringify(whole));
    }
    await insert('growing', 1_000, 100);
    expect((await syncAll(grown)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(sorted(accepted(batch))).toEqual(upTo(1_100));
  });
});
