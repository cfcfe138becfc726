import { z } from 'zod';
import type { Message } from './messages.ts';

/** The types of the ANALYTICS messages. The connectors write these messages only with the hidden option --report-metrics. */
export const DESTINATION_METRICS = 'destination-batch-metrics';
export const SERVER_CLOCK = 'source-clickhouse-clock';

/** Counts by key. */
const counts = z.record(z.string(), z.number());

/** What the destination has done since the start of the run. */
export const destinationMetricsSchema = z.object({
  /** Requests by their HTTP status, or `no_response`. */
  requests: counts,
  /**
   * The durations of all requests, in seconds. Each bucket consists of an upper bound and the number of requests that took at
   * most this long. The buckets don't include longer requests; `count` does.
   */
  request_seconds: z.object({
    count: z.number(),
    sum: z.number(),
    buckets: z.array(z.tuple([z.number(), z.number()])),
  }),
  retries: z.number(),
  /** The updates in all requests, including those in retries: Batch's rate limit counts these too. */
  updates: z.number(),
  /** Rows that Batch accepted, as events or as attributes of profiles. */
  events_accepted: z.number(),
  /** Rejected rows by code, including rows that no state covers yet. Codes without rows are included with the count 0. */
  rows_rejected: counts,
  possible_duplicates: z.number(),
  /** The number of updates that the destination's own rate limit allows to be sent at once. */
  tokens_left: z.number(),
});

export type DestinationMetrics = z.output<typeof destinationMetricsSchema>;

/** The time of ClickHouse's clock (RFC 3339) when the message was emitted. */
export const serverClockSchema = z.object({ server_time: z.string() });

/**
 * Builds an ANALYTICS message.
 *
 * @param at milliseconds since the epoch.
 */
export function analytics(type: typeof DESTINATION_METRICS | typeof SERVER_CLOCK, value: object, at: number): Message {
  return {
    type: 'TRACE',
    trace: { type: 'ANALYTICS', emitted_at: at, analytics: { type, value: JSON.stringify(value) } },
  };
}
