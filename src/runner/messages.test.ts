import { describe, expect, test } from 'vitest';
import { analytics, DESTINATION_METRICS, type DestinationMetrics, SERVER_CLOCK } from '../protocol/analytics.ts';
import { parseMessage } from './messages.ts';

const METRICS: DestinationMetrics = {
  requests: { '200': 12, '429': 1, no_response: 1 },
  request_seconds: { count: 14, sum: 3.2, buckets: [[0.05, 0]] },
  retries: 2,
  updates: 900,
  events_accepted: 1_200,
  rows_rejected: { custom_id_missing: 3 },
  possible_duplicates: 0,
  tokens_left: 700,
};

const AT = Date.parse('2026-01-01T00:00:00Z');

function parsed(type: Parameters<typeof analytics>[0], value: object): unknown {
  return parseMessage(JSON.stringify(analytics(type, value, AT)));
}

describe('an ANALYTICS message', () => {
  test('has the metrics of the destination', () => {
    expect(parsed(DESTINATION_METRICS, METRICS)).toEqual({ kind: 'metrics', metrics: METRICS });
  });

  test("has the server's clock: how far it is ahead of this machine's", () => {
    const offsetOf = (server_time: string): unknown => parsed(SERVER_CLOCK, { server_time });
    expect(offsetOf('2026-01-01T00:00:01.500Z')).toEqual({ kind: 'server_clock', offsetMs: 1_500 });
    expect(offsetOf('2025-12-31T23:59:59Z')).toEqual({ kind: 'server_clock', offsetMs: -1_000 });
  });

  test.each([
    [DESTINATION_METRICS, { ...METRICS, updates: 'many' }],
    [SERVER_CLOCK, { server_time: 'noon' }],
    [SERVER_CLOCK, {}],
  ] as const)('of type %s with the value %j is ignored', (type, value) => {
    expect(parsed(type, value)).toEqual({ kind: 'other' });
  });
});
