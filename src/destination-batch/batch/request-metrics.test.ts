import { expect, test } from 'vitest';
import { RequestMetrics } from './request-metrics.ts';

test('counts requests by status, and their durations in cumulative buckets', () => {
  const metrics = new RequestMetrics();
  metrics.count(202, 50);
  metrics.count(202, 300);
  metrics.count(429, 20_000);
  metrics.count(undefined, 120_500);
  const { requests, request_seconds } = metrics.current;
  expect(requests).toEqual({ '202': 2, '429': 1, no_response: 1 });
  expect(request_seconds.count).toBe(4);
  expect(request_seconds.sum).toBeCloseTo(140.85);
  expect(Object.fromEntries(request_seconds.buckets)).toEqual({
    0.05: 1,
    0.1: 1,
    0.25: 1,
    0.5: 2,
    1: 2,
    2.5: 2,
    5: 2,
    10: 2,
    30: 3,
    60: 3,
    120: 3,
  });
});
