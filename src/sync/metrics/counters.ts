import type { DestinationMetrics } from '../../protocol/analytics.ts';
import type { RunRecord } from '../history/run-record.ts';
import { createFamily, METRIC_PREFIX, type MetricFamily, type MetricValue } from './definitions.ts';

/**
 * Returns the counters of a run so far.
 *
 * @param metrics undefined if the destination has not reported any yet.
 */
export function countRun(rowsRead: number, metrics: DestinationMetrics | undefined): MetricFamily[] {
  return [
    createFamily('rows_read_total', withoutLabel(rowsRead)),
    createFamily('events_accepted_total', withoutLabel(metrics?.events_accepted ?? 0)),
    createFamily('rows_rejected_total', byLabel('reason', metrics?.rows_rejected ?? {})),
    createFamily('possible_duplicates_total', withoutLabel(metrics?.possible_duplicates ?? 0)),
    createFamily('updates_total', withoutLabel(metrics?.updates ?? 0)),
    createFamily('requests_total', byLabel('status', metrics?.requests ?? {})),
    createFamily('request_duration_seconds', metrics === undefined ? [] : histogram(metrics.request_seconds)),
    createFamily('retries_total', withoutLabel(metrics?.retries ?? 0)),
  ];
}

/**
 * The outcomes of a run. Their metrics are exported from the start, with 0, because an alert rule can't detect the first change
 * of a metric that was missing before.
 */
export const OUTCOMES = ['succeeded', 'failed', 'stopped'] as const satisfies Outcome[];

export type Outcome = RunRecord['outcome'];

/** Counts a run that ended. @param ended the outcome of the run; if undefined, all counts are 0, as at the start. */
export function countOutcome(ended: Outcome | undefined): MetricFamily {
  return createFamily(
    'runs_total',
    OUTCOMES.map((outcome) => ({ labels: { outcome }, value: outcome === ended ? 1 : 0 })),
  );
}

function withoutLabel(value: number): MetricValue[] {
  return [{ labels: {}, value }];
}

function byLabel(label: string, counts: Record<string, number>): MetricValue[] {
  return Object.entries(counts).map(([each, value]) => ({ labels: { [label]: each }, value }));
}

/** Returns the values of a histogram. Prometheus' last bucket, +Inf, contains all requests. */
function histogram({ count, sum, buckets }: DestinationMetrics['request_seconds']): MetricValue[] {
  const name = `${METRIC_PREFIX}request_duration_seconds`;
  return [
    ...[...buckets, ['+Inf', count] as const].map(([le, value]) => ({
      metricName: `${name}_bucket`,
      labels: { le },
      value,
    })),
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
