import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, run, start } from '../../sandbox/launcher.ts';
import { parseMetrics, samplesOf } from '../../sandbox/prometheus-text.ts';
import { METRIC_PREFIX, METRICS } from '../../src/sync/metrics/definitions.ts';
import { expectOnPage } from '../docs/troubleshooting-page.ts';
import {
  clickHouseWith,
  destinationConfiguration,
  eventually,
  quickBatchApi,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const ROWS = 1_000;

const file = temporaryFiles();
const server = clickHouseWith('shop');
let batch: BatchApi;

beforeAll(async () => {
  batch = await quickBatchApi();
  await server().execute(
    createTableSql('shop.events', 'n UInt32'),
    // The first row has no custom_id.
    `INSERT INTO shop.events SELECT if(number = 0, '', toString(number)), 'bought', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number FROM numbers(${ROWS})`,
  );
});

afterAll(() => batch.close());

beforeEach(() => {
  batch.reset();
  batch.faults.clear();
});

/** A path in a new folder. */
function pathOf(name: string): string {
  return join(dirname(file('folder', '')), name);
}

function syncArguments(state: string, ...more: string[]): string[] {
  return [
    'sync',
    '--source',
    file('source.json', sourceConfiguration(server(), 'shop')),
    '--destination',
    file('destination.json', destinationConfiguration(batch)),
    '--state',
    state,
    ...more,
  ];
}

/** A sync that keeps running and serves its metrics. */
type Running = { child: ChildProcess; ended: Promise<Finished>; url: string };

async function startWithServer(state: string, ...more: string[]): Promise<Running> {
  const args = syncArguments(state, ...more, '--metrics-port', '0');
  const child = start('connector', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = finished(child);
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text;
  });
  const urlIn = (): string | undefined => /Metrics: (http:\/\/127\.0\.0\.1:\d+)\/metrics\n/.exec(stderr)?.[1];
  await eventually(() => expect(urlIn() ?? child.exitCode).toBeTruthy());
  return { child, ended, url: urlIn() ?? '' };
}

async function get(url: string, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url + path);
  return { status: response.status, text: await response.text() };
}

async function scrape({ url }: Running): Promise<Record<string, number>> {
  return samplesOf((await get(url, '/metrics')).text);
}

const CURSOR = 'cursor_timestamp_seconds{database="shop",stream="events"}';
const NEWEST = Date.parse('2026-01-01T00:00:00Z') / 1_000 + ROWS - 1;

test('serves the progress of a run and the counts of all runs, and continues from the history after a restart', async () => {
  const state = pathOf('state.json');
  batch.faults.add({ kind: 'status', status: 503, times: 1_000 });
  const first = await startWithServer(state, '--every', '1h');
  // Batch accepts nothing yet, so the run can't end.
  await eventually(async () => {
    expect((await scrape(first))['requests_total{status="503"}']).toBeGreaterThan(0);
  }, 200);
  const during = await scrape(first);
  expect(during).toMatchObject({ rows_read_total: ROWS, events_accepted_total: 0 });
  expect(during['rows_rejected_total{reason="custom_id_missing"}']).toBe(1);
  expect(await get(first.url, '/healthz')).toEqual({ status: 200, text: 'ok\n' });
  expect(await get(first.url, '/readyz')).toEqual({ status: 503, text: 'No run has ended yet.\n' });

  batch.faults.clear();
  await eventually(async () => expect((await get(first.url, '/readyz')).status).toBe(200), 200);
  const { text } = await get(first.url, '/metrics');
  const after = samplesOf(text);
  const { requests, updates_accepted } = batch.stats;
  expect(after).toMatchObject({
    rows_read_total: ROWS,
    events_accepted_total: ROWS - 1,
    'rows_rejected_total{reason="custom_id_missing"}': 1,
    'rows_rejected_total{reason="event_too_old"}': 0,
    possible_duplicates_total: 0,
    request_duration_seconds_count: requests,
    'runs_total{outcome="succeeded"}': 1,
    [CURSOR]: NEWEST,
  });
  const { 'requests_total{status="202"}': accepted = 0, 'requests_total{status="503"}': failed = 0 } = after;
  expect(accepted + failed).toBe(requests);
  expect(after.retries_total).toBe(failed);
  expect(after.updates_total).toBeGreaterThan(updates_accepted);
  expect(after['last_run_duration_seconds{outcome="succeeded"}']).toBeGreaterThan(0);
  expect(after['cursor_lag_seconds{database="shop",stream="events"}']).toBeGreaterThan(0);
  expect(
    parseMetrics(text)
      .map(({ name }) => name.replace(METRIC_PREFIX, ''))
      .toSorted(),
  ).toEqual(Object.keys(METRICS).toSorted());

  // The server doesn't keep the process alive.
  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ signal: 'SIGTERM' });

  const second = await startWithServer(state, '--cron', '0 0 1 1 *', '--stale-after', '2h');
  const { status, text: reason } = await get(second.url, '/readyz');
  expect([status, reason]).toEqual([
    503,
    expect.stringMatching(
      /^The last run succeeded at \S+, but the newest row of events that was sent is \d+d old, more than 2h\.\n$/,
    ),
  ]);
  expect(await scrape(second)).toMatchObject({
    rows_read_total: 0,
    'runs_total{outcome="succeeded"}': 0,
    'last_run_timestamp_seconds{outcome="succeeded"}': after['last_run_timestamp_seconds{outcome="succeeded"}'],
    [CURSOR]: NEWEST,
  });
  second.child.kill('SIGTERM');
  await second.ended;
});

test('single runs write their metrics to a file, with the counts of the runs before', async () => {
  const state = pathOf('state.json');
  const prom = pathOf('orders.prom');
  expect((await run('connector', syncArguments(state, '--limit', '400', '--metrics-file', prom))).code).toBe(3);
  expect(samplesOf(readFileSync(prom, 'utf8'))).toMatchObject({ 'rows_read_total{sync="orders"}': 400 });
  expect((await run('connector', syncArguments(state, '--metrics-file', prom))).code).toBe(0);
  const samples = samplesOf(readFileSync(prom, 'utf8'));
  expect(samples).toMatchObject({
    'rows_read_total{sync="orders"}': ROWS,
    'events_accepted_total{sync="orders"}': ROWS - 1,
    'rows_rejected_total{reason="custom_id_missing",sync="orders"}': 1,
    'runs_total{outcome="succeeded",sync="orders"}': 2,
    'runs_total{outcome="failed",sync="orders"}': 0,
    'cursor_timestamp_seconds{database="shop",stream="events",sync="orders"}': NEWEST,
  });
});

test('a port in use is an error before any row is read', async () => {
  const { port } = new URL(batch.url);
  const result = await run('connector', syncArguments(pathOf('state.json'), '--every', '1h', '--metrics-port', port));
  expect([result.code, result.stdout, batch.stats.requests]).toEqual([2, '', 0]);
  expectOnPage('metrics_unusable', result.stderr.replace(/^ERROR /, ''), [[`port ${port}`, 'port 9464']]);
});
