import { describe, expect, test } from 'vitest';
import { createRoutes } from './rate-limit.ts';

const never = new AbortController().signal;

describe('the bucket has the configured rate, and the same share of the burst minus half a second', () => {
  type Configured = Parameters<typeof createRoutes>[0];
  const cases: [string, Configured, endpoint: string, atOnce: number, refillMs: number, updatesPerRequest: number][] = [
    ["Batch's own", { endpoint: 'update', rate_limit: undefined }, 'update', 850, 2_834, 200],
    ['a quarter of it', { endpoint: 'update', rate_limit: 75 }, 'update', 212, 2_827, 200],
    ['one whose burst is smaller than a request', { endpoint: 'update', rate_limit: 30 }, 'update', 85, 2_834, 85],
    ['one that Batch granted', { endpoint: 'update', rate_limit: 1_000 }, 'update', 2_833, 2_833, 200],
    ['one update a second', { endpoint: 'update', rate_limit: 1 }, 'update', 2, 2_000, 2],
    ['one update in ten seconds', { endpoint: 'update', rate_limit: 0.1 }, 'update', 1, 10_000, 1],
    ["mass_update's own", { endpoint: 'mass_update', rate_limit: undefined }, 'mass_update', 5_000, 500, 5_000],
    ['a quarter of that', { endpoint: 'mass_update', rate_limit: 2_500 }, 'mass_update', 1_250, 500, 1_250],
    ['auto', { endpoint: 'auto', rate_limit: undefined }, 'update', 850, 2_834, 200],
    ['auto, capped', { endpoint: 'auto', rate_limit: 75 }, 'update', 212, 2_827, 200],
    ['auto, with a cap that update does not reach', { endpoint: 'auto', rate_limit: 5_000 }, 'update', 850, 2_834, 200],
  ];
  test.each(cases)('%s', async (_, configured, endpoint, atOnce, refillMs, updatesPerRequest) => {
    let time = 0;
    const sleep = async (milliseconds: number): Promise<void> => {
      time += milliseconds;
    };
    const { normal } = createRoutes(configured, { now: () => time, sleep });
    await normal.bucket.take(atOnce, never);
    expect(time).toBe(0);
    // If the bucket had contained more tokens, the same number would be available sooner.
    await normal.bucket.take(atOnce, never);
    expect(time).toBe(refillMs);
    expect([normal.endpoint.name, normal.updatesPerRequest]).toEqual([endpoint, updatesPerRequest]);
  });
});

test.each([
  ['auto', undefined, 10_000],
  ['auto', 5_000, 5_000],
  // `update` reaches this rate itself.
  ['auto', 300, undefined],
  ['update', undefined, undefined],
  ['mass_update', undefined, undefined],
] as const)(
  'endpoint %s with rate_limit %s: the bulk route sends %s updates a second',
  (endpoint, rate_limit, expected) => {
    const { bulk } = createRoutes({ endpoint, rate_limit });
    expect([bulk?.endpoint.name, bulk?.bucket.perSecond]).toEqual([expected && 'mass_update', expected]);
  },
);

test('with the system clock, tokens are available at once, and the wait for more can be aborted', async () => {
  const { bucket } = createRoutes({ endpoint: 'update', rate_limit: 0.001 }).normal;
  await bucket.take(1, never);
  const leaving = new AbortController();
  const waiting = bucket.take(1, leaving.signal);
  setTimeout(() => leaving.abort(new Error('No longer wanted')), 1);
  await expect(waiting).rejects.toThrow(/^The operation was aborted$/);
});

test('a wait longer than the maximum of a timer is one wait', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => {
    warnings.push(name);
  };
  process.on('warning', note);
  const { bucket } = createRoutes({ endpoint: 'update', rate_limit: 300 }).normal;
  const thirtyDays = 30 * 24 * 3_600_000;
  bucket.pause(thirtyDays);
  const leaving = new AbortController();
  const waiting = bucket.take(1, leaving.signal);
  setTimeout(() => leaving.abort(), 10);
  await expect(waiting).rejects.toThrow(/^The operation was aborted$/);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  // If a timer is too long, Node warns, and waits for only a millisecond.
  expect(warnings).toEqual([]);
});
