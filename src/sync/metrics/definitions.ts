/** A metric: its type in Prometheus, the names of its labels, and the help text that it is exported with. */
type MetricDefinition = { type: 'counter' | 'gauge' | 'histogram'; labels: readonly string[]; help: string };

/** The beginning of the name of every metric. */
export const METRIC_PREFIX = 'clickhouse_to_batch_';

/** Every metric that `sync` exports, by its name without the prefix. docs/monitoring.md documents each of them. */
export const METRICS = {
  build_info: { type: 'gauge', labels: ['version'], help: 'The version of sync. The value is always 1.' },
  rows_read_total: { type: 'counter', labels: [], help: 'Rows read from ClickHouse.' },
  events_accepted_total: {
    type: 'counter',
    labels: [],
    help: 'Rows that Batch accepted, as events or as profile attributes.',
  },
  rows_rejected_total: { type: 'counter', labels: ['reason'], help: 'Rejected rows, by the code of the reason.' },
  possible_duplicates_total: { type: 'counter', labels: [], help: 'Events that Batch may have received twice.' },
  updates_total: { type: 'counter', labels: [], help: 'Profile updates sent to Batch, also in retries.' },
  requests_total: { type: 'counter', labels: ['status'], help: 'Requests to Batch, by HTTP status or no_response.' },
  request_duration_seconds: { type: 'histogram', labels: [], help: 'Duration of requests to Batch.' },
  retries_total: { type: 'counter', labels: [], help: 'Requests to Batch that repeated a failed request.' },
  tokens_left: { type: 'gauge', labels: [], help: 'Updates that the rate limit last allowed at once.' },
  runs_total: { type: 'counter', labels: ['outcome'], help: 'Runs that ended, by outcome.' },
  last_run_timestamp_seconds: {
    type: 'gauge',
    labels: ['outcome'],
    help: 'Unix time at which the last run with this outcome ended; 0 if there was none.',
  },
  last_run_duration_seconds: {
    type: 'gauge',
    labels: ['outcome'],
    help: 'Duration of the last run with this outcome.',
  },
  cursor_timestamp_seconds: {
    type: 'gauge',
    labels: ['database', 'stream'],
    help: 'The cursor of the stream as Unix time, for a cursor that is a time.',
  },
  cursor_lag_seconds: {
    type: 'gauge',
    labels: ['database', 'stream'],
    help: "Age of the cursor by ClickHouse's clock. Not in a metrics file.",
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

/**
 * A value of a metric. A histogram has several values. The `metricName` of each is the name of the histogram with a suffix:
 * _bucket, _sum or _count.
 */
export type MetricValue = { labels: Record<string, string | number>; value: number; metricName?: string | undefined };

/** A metric with its values, in the form that prom-client uses to exchange metrics between processes. */
export type MetricFamily = {
  name: string;
  type: MetricDefinition['type'];
  help: string;
  /** How prom-client merges values that have the same labels. */
  aggregator: 'sum';
  values: readonly MetricValue[];
};

/** Creates a metric with its values. */
export function createFamily(name: MetricName, values: readonly MetricValue[]): MetricFamily {
  const { type, help } = METRICS[name];
  return { name: METRIC_PREFIX + name, type, help, aggregator: 'sum', values };
}
