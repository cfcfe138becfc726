import { describe, expect, test } from 'vitest';
import { runRecord, streamRecord } from '../../../integration_tests/support/run-records.ts';
import { parseMetrics, samplesOf } from '../../../sandbox/prometheus-text.ts';
import type { DestinationMetrics } from '../../protocol/analytics.ts';
import type { RunCursors } from '../history/run-record.ts';
import { METRIC_PREFIX, METRICS } from './definitions.ts';
import { RunMetrics } from './run-metrics.ts';

const NO_CURSORS: RunCursors = { server_clock_offset_ms: null, streams: [] };

/** What the destination reports after a number of requests, each with a rejected row. */
function reported(requests: number): DestinationMetrics {
  return {
    requests: { '200': requests },
    request_seconds: {
      count: requests,
      sum: requests * 0.25,
      buckets: [
        [0.1, 0],
        [0.5, requests],
      ],
    },
    retries: 0,
    updates: requests * 200,
    events_accepted: requests * 1_000,
    rows_rejected: { custom_id_missing: requests },
    possible_duplicates: 0,
    tokens_left: 300 - requests,
  };
}

function progress(metrics: RunMetrics, rowsRead: number, destination: DestinationMetrics, cursors = NO_CURSORS): void {
  const settled = { rowsAccepted: 0, rowsRejected: 0, rowsEstimated: undefined };
  const rates = { rowsPerSecond: undefined, millisecondsLeft: undefined };
  metrics.progress({ rowsRead, ...settled, ...rates }, destination, () => cursors);
}

async function scraped(metrics: RunMetrics, now?: string): Promise<Record<string, number>> {
  return samplesOf(await metrics.format({}, now === undefined ? undefined : Date.parse(now)));
}

const CURSOR = 'cursor_timestamp_seconds{database="shop",stream="events"}';
const NOON = Date.parse('2026-01-31T12:00:00Z') / 1_000;

describe('counters', () => {
  test('are 0 before the first run', async () => {
    const samples = await scraped(new RunMetrics([]));
    expect(samples).toMatchObject({
      rows_read_total: 0,
      events_accepted_total: 0,
      retries_total: 0,
      'runs_total{outcome="succeeded"}': 0,
      'runs_total{outcome="failed"}': 0,
      'last_run_timestamp_seconds{outcome="failed"}': 0,
    });
    expect(Object.keys(samples)).not.toContain('tokens_left');
  });

  test('include the active run and the runs before it, and never decrease', async () => {
    const metrics = new RunMetrics([]);
    const accepted: unknown[] = [];
    const scrape = async (): Promise<void> => {
      accepted.push((await scraped(metrics)).events_accepted_total);
    };
    for (let run = 0; run < 2; run += 1) {
      await scrape();
      for (const requests of [1, 4]) {
        progress(metrics, 10 * requests, reported(requests));
        await scrape();
      }
      await metrics.runEnded(runRecord({ rows_read: 42 }));
    }
    await scrape();
    expect(accepted).toEqual([0, 1_000, 4_000, 4_000, 5_000, 8_000, 8_000]);
    expect(await scraped(metrics)).toMatchObject({
      rows_read_total: 84,
      'rows_rejected_total{reason="custom_id_missing"}': 8,
      'requests_total{status="200"}': 8,
      'request_duration_seconds_bucket{le="0.1"}': 0,
      'request_duration_seconds_bucket{le="0.5"}': 8,
      'request_duration_seconds_bucket{le="+Inf"}': 8,
      request_duration_seconds_sum: 2,
      request_duration_seconds_count: 8,
      'runs_total{outcome="succeeded"}': 2,
      tokens_left: 296,
    });
  });

  test('add up the statuses, the reasons and the buckets of different runs', async () => {
    const metrics = new RunMetrics([]);
    progress(metrics, 1, reported(2));
    await metrics.runEnded(runRecord({ outcome: 'failed' }));
    const others = { requests: { '429': 1, no_response: 2 }, rows_rejected: { event_too_old: 3 } };
    progress(metrics, 1, { ...reported(1), ...others });
    expect(await scraped(metrics)).toMatchObject({
      'requests_total{status="200"}': 2,
      'requests_total{status="429"}': 1,
      'requests_total{status="no_response"}': 2,
      'rows_rejected_total{reason="custom_id_missing"}': 2,
      'rows_rejected_total{reason="event_too_old"}': 3,
      'request_duration_seconds_bucket{le="0.5"}': 3,
      'runs_total{outcome="failed"}': 1,
    });
  });
});

describe('gauges', () => {
  test('show the last run of each outcome, also of earlier processes', async () => {
    const failed = runRecord({ outcome: 'failed', ended_at: '2026-01-31T11:00:00.000Z' });
    const succeeded = runRecord({ started_at: '2026-01-31T11:58:29.500Z' });
    expect(await scraped(new RunMetrics([failed, succeeded]))).toMatchObject({
      'last_run_timestamp_seconds{outcome="succeeded"}': NOON,
      'last_run_duration_seconds{outcome="succeeded"}': 90.5,
      'last_run_timestamp_seconds{outcome="failed"}': NOON - 3_600,
      'last_run_timestamp_seconds{outcome="stopped"}': 0,
      'runs_total{outcome="failed"}': 0,
    });
  });

  test("show the cursors that are times, and their age by ClickHouse's clock", async () => {
    const streams = [streamRecord({}), streamRecord({ name: 'numbered', cursor: '7', cursor_time: null })];
    const run = runRecord({ streams, server_clock_offset_ms: 2_000 });
    const samples = await scraped(new RunMetrics([run]), '2026-01-31T12:05:00Z');
    expect(samples).toMatchObject({ [CURSOR]: NOON, 'cursor_lag_seconds{database="shop",stream="events"}': 302 });
    expect(Object.keys(samples).filter((name) => name.includes('numbered'))).toEqual([]);
  });

  test('show the cursors of the active run as soon as it has some', async () => {
    const metrics = new RunMetrics([runRecord({})]);
    progress(metrics, 1, reported(1));
    expect(await scraped(metrics)).toMatchObject({ [CURSOR]: NOON });
    const streams = [streamRecord({ cursor_time: '2026-01-31T12:01:00Z' })];
    progress(metrics, 1, reported(1), { server_clock_offset_ms: null, streams });
    expect(await scraped(metrics)).toMatchObject({ [CURSOR]: NOON + 60 });
  });

  test.each([
    ['before it read rows', runRecord({ outcome: 'failed', streams: [streamRecord({ name: 'abandoned' })] })],
    ['without cursors', runRecord({ streams: [streamRecord({ cursor: null, cursor_time: null })] })],
  ])('keep the cursors after a run that ended %s', async (_, later) => {
    expect(await scraped(new RunMetrics([runRecord({}), later]))).toMatchObject({ [CURSOR]: NOON });
  });
});

test('metrics have their type, help and labels, and escape the values of labels', async () => {
  const name = 'a"b\\c\nd';
  const metrics = new RunMetrics([runRecord({ streams: [streamRecord({ name })] })]);
  progress(metrics, 1, reported(1));
  const text = await metrics.format({ sync: 'orders' }, 0);
  const families = parseMetrics(text);
  const defined = Object.entries(METRICS).map(([name, { type, help }]) => ({ name: METRIC_PREFIX + name, type, help }));
  expect(families.map(({ name, type, help }) => ({ name, type, help }))).toEqual(expect.arrayContaining(defined));
  expect(families).toHaveLength(defined.length);
  for (const [known, { type, labels }] of Object.entries(METRICS)) {
    const values = families.find((family) => family.name === METRIC_PREFIX + known)?.metrics ?? [];
    expect(values.length, known).toBeGreaterThan(0);
    // The parser ignores the labels of a histogram.
    if (type === 'histogram') continue;
    for (const value of values) expect(Object.keys(value.labels).toSorted()).toEqual([...labels, 'sync'].toSorted());
  }
  expect(text).toContain('\nclickhouse_to_batch_request_duration_seconds_bucket{le="0.5",sync="orders"} 1\n');
  const lag = families.find((family) => family.name.endsWith('cursor_lag_seconds'))?.metrics;
  expect(lag?.map(({ labels }) => labels)).toEqual([{ database: 'shop', stream: name, sync: 'orders' }]);
});
