import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { type Finished, finished, run, start, sync } from '../../sandbox/launcher.ts';
import { DEFAULT_LIMITS } from '../../src/destination-batch/batch/limits.ts';
import { EventMapper } from '../../src/destination-batch/mapping/mapper.ts';
import { viewOf } from '../../src/shared/byte-pattern.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import {
  catalogOf,
  destinationConfiguration,
  lastState,
  logs,
  quickBatchApi,
  records,
  sourceConfiguration,
  states,
  temporaryFiles,
} from '../support/support.ts';

const ROWS = 30_000;
const file = temporaryFiles();
let server: ClickHouseServer;
let batch: BatchApi;

beforeAll(async () => {
  [server, batch] = await Promise.all([sharedClickHouse(), quickBatchApi()]);
  await server.execute(
    'CREATE DATABASE shop',
    `CREATE TABLE shop.events (
      custom_id String, event_name LowCardinality(String), event_time DateTime64(3, 'UTC'), last_updated_at DateTime64(6) DEFAULT now64(6),
      n UInt64, price Decimal(10, 2), url__item_url String, date__bought_at Nullable(DateTime), details String
    ) ENGINE = MergeTree ORDER BY (last_updated_at, custom_id)`,
  );
  await insert(0, ROWS);
});

afterAll(async () => {
  await batch.close();
});

beforeEach(() => {
  batch.reset();
  batch.faults.clear();
});

async function insert(from: number, rows: number): Promise<void> {
  await server.execute(
    `INSERT INTO shop.events (custom_id, event_name, event_time, n, price, url__item_url, date__bought_at, details)
     SELECT concat('u', toString(number % 5000)), 'purchase', now64(3), number, number % 100 + 0.25, concat('https://example.com/', toString(number)),
       if(number % 3 = 0, NULL, now()), '{"size":"M","ratio":0.5}' FROM numbers(${from}, ${rows})`,
  );
}

function paths(state?: unknown): { source: string; destination: string; catalog: string; state?: string } {
  return {
    source: file('source.json', sourceConfiguration(server, 'shop')),
    destination: file('destination.json', destinationConfiguration(batch)),
    catalog: file('catalog.json', catalogOf('incremental', 'events')),
    ...(state === undefined ? {} : { state: file('state.json', state) }),
  };
}

function counted(result: Finished): number {
  return states(result).reduce((sum, { destinationStats }) => sum + (destinationStats?.recordCount ?? 0), 0);
}

function acceptedNumbers(): number[] {
  return [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n);
}

test('the record cutter accepts every line of the source after the first', async () => {
  const { source, catalog } = paths();
  const { stdout } = await run('source-clickhouse', ['read', '--config', source, '--catalog', catalog]);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"type":"RECORD"'));
  const mapper = new EventMapper(DEFAULT_LIMITS, { stream: 'events' });
  let parsed = 0;
  for (const line of lines) {
    const bytes = Buffer.from(line);
    if (mapper.tryCut(bytes, viewOf(bytes), 0, bytes.length) !== undefined) continue;
    parsed += 1;
    mapper.map(JSON.parse(line).record.data, line);
  }
  expect([lines.length, parsed]).toEqual([ROWS, 1]);
});

describe(`${ROWS} rows through a pipe`, () => {
  let first: Finished;

  test('I1: each row arrives at Batch once, and the states count them all', async () => {
    first = await sync(paths());
    expect(first.code).toBe(0);
    expect(first.stderr).toBe('');
    expect(batch.stats.events_accepted).toBe(ROWS);
    expect(new Set(acceptedNumbers()).size).toBe(ROWS);
    expect(counted(first)).toBe(ROWS);
    expect(batch.stats.partial_errors).toBe(0);
  });

  test('I3: the last STATE resumes at no row, and after ten rows were added, at these ten', async () => {
    const { source, catalog, state } = paths(lastState(first));
    const read = (): Promise<Finished> =>
      run('source-clickhouse', ['read', '--config', source, '--catalog', catalog, '--state', state ?? '']);
    expect(records(await read())).toEqual([]);
    await insert(ROWS, 10);
    expect(records(await read()).map(({ n }) => n)).toHaveLength(10);
    const second = await sync(paths(lastState(first)));
    expect(acceptedNumbers().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, index) => ROWS + index));
    expect(counted(second)).toBe(10);
  });
});

describe('the destination ends halfway', () => {
  async function interrupted(signal: 'SIGKILL' | 'SIGTERM'): Promise<Finished> {
    const { source, destination, catalog } = paths();
    const reader = start('source-clickhouse', ['read', '--config', source, '--catalog', catalog], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const writer = start('destination-batch', ['write', '--config', destination, '--catalog', catalog], {
      stdio: [reader.stdout ?? 'ignore', 'pipe', 'pipe'],
    });
    reader.stdout?.destroy();
    // Both ends are awaited from now on, because either may be the first to end.
    const readerEnded = once(reader, 'exit');
    const ended = finished(writer);
    // During a call, so that Batch can't accept the rest first. Once: a second signal would end it at once.
    batch.onCall = () => {
      if (batch.stats.events_accepted <= 10_000) return;
      batch.onCall = undefined;
      writer.kill(signal);
    };
    const result = await ended;
    await readerEnded;
    return result;
  }

  test('I4: after SIGKILL, a second run from the last STATE delivers every row at least once', async () => {
    const killed = await interrupted('SIGKILL');
    expect(killed.signal).toBe('SIGKILL');
    expect(states(killed).length).toBeGreaterThan(0);
    const [rows] = await server.query<{ rows: string }>('SELECT count() AS rows FROM shop.events');
    expect(batch.stats.events_accepted).toBeLessThan(Number(rows?.rows));
    const second = await sync(paths(lastState(killed)));
    expect(second.code).toBe(0);
    expect(new Set(acceptedNumbers()).size).toBe(Number(rows?.rows));
  });

  test('I4: after SIGTERM, a second run delivers the rest, and no row twice', async () => {
    const stopped = await interrupted('SIGTERM');
    expect(stopped.signal).toBe('SIGTERM');
    expect(stopped.stderr).toBe('');
    const [rows] = await server.query<{ rows: string }>('SELECT count() AS rows FROM shop.events');
    const second = await sync(paths(lastState(stopped)));
    expect(second.code).toBe(0);
    expect(acceptedNumbers()).toHaveLength(Number(rows?.rows));
    expect(new Set(acceptedNumbers()).size).toBe(Number(rows?.rows));
  });
});

test('retries after HTTP 429, 500, 503 and a cut connection lose no row', async () => {
  batch.faults.add([
    { kind: 'status', status: 500 },
    { kind: 'cut', stored: false },
    { kind: 'status', status: 429, retry_after_seconds: 1 },
    { kind: 'status', status: 503 },
  ]);
  const result = await sync(paths());
  expect(result.code).toBe(0);
  const [rows] = await server.query<{ rows: string }>('SELECT count() AS rows FROM shop.events');
  expect(acceptedNumbers()).toHaveLength(Number(rows?.rows));
  expect(logs(result)).toContainEqual(
    expect.stringMatching(/0 rejected, 0 not sent\. .* requests with \d+ updates, 4 retries/),
  );
});
