import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runRecord } from '../../../integration_tests/support/run-records.ts';
import { samplesOf } from '../../../sandbox/prometheus-text.ts';
import type { MetricsOptions } from './options.ts';
import { type ExportedMetrics, startMetrics } from './start.ts';

/** An hour after the end of a run. */
const NOW = Date.parse('2026-01-31T13:00:00Z');
const LOOPBACK = { host: '127.0.0.1', port: 0 };

let folder: string;
let file: string;
const started: ExportedMetrics[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  file = join(folder, 'orders.prom');
});

afterEach(async () => {
  for (const { close } of started.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts to export metrics, and returns the URL of the server, too. */
async function start(options: Partial<MetricsOptions>): Promise<ExportedMetrics & { url: string }> {
  let url = '';
  const exported = await startMetrics(
    { listen: undefined, file: undefined, ...options },
    {
      runs: [],
      staleAfterMs: undefined,
      now: () => NOW,
      onListening: (listening) => {
        url = listening;
      },
    },
  );
  started.push(exported);
  return { ...exported, url };
}

/** A run that reads rows, in its own process. */
async function run(rowsRead: number): Promise<void> {
  const { listener, close } = await start({ file });
  listener.progress?.(
    {
      rowsRead,
      rowsEstimated: undefined,
      rowsAccepted: 0,
      rowsRejected: 0,
      rowsPerSecond: undefined,
      millisecondsLeft: undefined,
    },
    {
      requests: { '200': 1 },
      request_seconds: { count: 1, sum: 0.2, buckets: [[0.5, 1]] },
      retries: 0,
      updates: 1,
      events_accepted: rowsRead,
      rows_rejected: {},
      possible_duplicates: 0,
      tokens_left: 1,
    },
    () => ({ server_clock_offset_ms: null, streams: [] }),
  );
  await listener.runEnded(runRecord({ rows_read: rowsRead }));
  await close();
}

describe('a metrics file', () => {
  test('exists before the first run ends, and every user can read it', async () => {
    const mask = process.umask(0o077);
    await start({ file }).finally(() => process.umask(mask));
    expect(samplesOf(readFileSync(file, 'utf8'))).toMatchObject({ 'rows_read_total{sync="orders"}': 0 });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder)).toEqual(['orders.prom']);
  });

  test('continues the counters of the runs before', async () => {
    await run(100);
    await run(150);
    const samples = samplesOf(readFileSync(file, 'utf8'));
    expect(samples).toMatchObject({
      'rows_read_total{sync="orders"}': 250,
      'requests_total{status="200",sync="orders"}': 2,
      'runs_total{outcome="succeeded",sync="orders"}': 2,
      'request_duration_seconds_bucket{le="0.5"}': 2,
      'cursor_timestamp_seconds{database="shop",stream="events",sync="orders"}': NOW / 1_000 - 3_600,
    });
    // It would be wrong as soon as the file is older.
    expect(Object.keys(samples).filter((name) => name.includes('lag'))).toEqual([]);
  });

  test.each([
    ['another version', (text: string) => text.replace(/^(# counters \{"version":")[^"]+/m, '$10.0.0')],
    ['another program', () => 'up 1\n'],
    ['a process that was killed', (text: string) => text.slice(0, -20)],
  ])('starts at 0 after a file of %s', async (_, change) => {
    await run(100);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
    await run(7);
    expect(samplesOf(readFileSync(file, 'utf8'))).toMatchObject({ 'rows_read_total{sync="orders"}': 7 });
  });

  test.each([
    [
      'a missing folder',
      () => rmSync(folder, { recursive: true }),
      /: the folder \S+ does not exist\. Create it \(mkdir -p \S+\)\.$/,
    ],
    ['a folder in its place', () => mkdirSync(file), /orders\.prom: /],
  ])('is a config error with %s', async (_, prepare, message) => {
    prepare();
    await expect(start({ file })).rejects.toMatchObject({
      code: 'metrics_unusable',
      failureType: 'config_error',
      message: expect.stringMatching(message),
    });
  });

  test('that can no longer be written is an error of the listener', async () => {
    const { listener } = await start({ file });
    rmSync(folder, { recursive: true });
    await expect(listener.runEnded(runRecord({}))).rejects.toThrow(/Can't write the metrics file/);
  });
});

describe('the server', () => {
  test('serves metrics, and whether the last run succeeded', async () => {
    const { listener, url } = await start({ listen: LOOPBACK });
    const get = async (path: string, method = 'GET'): Promise<[number, string, string | null]> => {
      const response = await fetch(url + path, { method });
      return [response.status, await response.text(), response.headers.get('content-type')];
    };
    const TEXT = 'text/plain; charset=utf-8';
    expect(await get('/healthz')).toEqual([200, 'ok\n', TEXT]);
    expect(await get('/readyz')).toEqual([503, 'No run has ended yet.\n', TEXT]);
    await listener.runEnded(runRecord({}));
    expect(await get('/readyz?verbose')).toEqual([200, 'The last run succeeded at 2026-01-31T12:00:00.000Z.\n', TEXT]);
    await listener.runEnded(runRecord({ outcome: 'failed' }));
    expect(await get('/readyz')).toEqual([503, 'The last run failed at 2026-01-31T12:00:00.000Z.\n', TEXT]);
    const [status, text, type] = await get('/metrics');
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(samplesOf(text)).toMatchObject({
      'runs_total{outcome="failed"}': 1,
      'cursor_lag_seconds{database="shop",stream="events"}': 3_600,
    });
    expect(await get('/metrics', 'HEAD')).toEqual([200, '', type]);
    expect(await get('/metrics', 'POST')).toEqual([405, 'Only GET and HEAD are supported.\n', TEXT]);
    expect(await get('/')).toEqual([404, 'This server has /metrics, /healthz and /readyz.\n', TEXT]);
  });

  test('is a config error if the port is in use', async () => {
    const { url } = await start({ listen: LOOPBACK });
    const port = Number(new URL(url).port);
    await expect(start({ listen: { ...LOOPBACK, port } })).rejects.toMatchObject({
      code: 'metrics_unusable',
      failureType: 'config_error',
      message: `Can't serve metrics on port ${port} of 127.0.0.1: the port is in use, perhaps by another sync. Choose another port with --metrics-port.`,
    });
  });

  test.each([
    [
      'that is not an address of this machine',
      '192.0.2.1',
      /of 192\.0\.2\.1: this machine does not have this address\. /,
    ],
    [
      'that is not a host name',
      'not a host',
      /of not a host: (the name does not resolve|the DNS server does not answer)\. /,
    ],
  ])('is a config error with a host %s', async (_, host, message) => {
    await expect(start({ listen: { host, port: 0 } })).rejects.toThrow(message);
  });
});
