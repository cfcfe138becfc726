import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Clock, TokenBucket } from './token-bucket.ts';

/** A clock that only moves when the test advances it. */
class HandClock implements Clock {
  #now = 5_000;
  readonly #sleepers = new Set<{ until: number; wake: () => void }>();

  readonly now = (): number => this.#now;

  readonly sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const sleeper = { until: this.#now + milliseconds, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', leave);
    });

  /** Advances the time from one timer to the next, and runs everything that follows each timer. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      const [next] = [...this.#sleepers].sort((a, b) => a.until - b.until);
      if (next === undefined || next.until > end) break;
      this.#now = Math.max(this.#now, next.until);
      next.wake();
      await settle();
    }
    this.#now = end;
  }
}

/** Waits until all promises that are ready have run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const never = new AbortController().signal;

/** A bucket, and the time at which each request got its tokens, in milliseconds since the start. */
function bucketOf(capacity: number, perSecond: number) {
  const clock = new HandClock();
  const start = clock.now();
  const bucket = new TokenBucket({ capacity, perSecond, clock });
  const taken: [who: string, at: number][] = [];
  const take = async (who: string, count: number, signal = never): Promise<void> => {
    await bucket.take(count, signal);
    taken.push([who, clock.now() - start]);
  };
  return { clock, bucket, taken, take };
}

test('a new bucket is full', async () => {
  const { clock, taken, take } = bucketOf(1_000, 300);
  for (const who of ['a', 'b', 'c', 'd', 'e', 'f']) void take(who, 200);
  await clock.advance(0);
  expect(taken).toEqual(['a', 'b', 'c', 'd', 'e'].map((who) => [who, 0]));
});

test('tokens come back with time, to the millisecond', async () => {
  const { clock, taken, take } = bucketOf(1_000, 300);
  void take('a', 1_000);
  void take('b', 200);
  await clock.advance(666);
  expect(taken).toEqual([['a', 0]]);
  await clock.advance(1);
  expect(taken).toEqual([
    ['a', 0],
    ['b', 667],
  ]);
});

test('never has more tokens than its capacity', async () => {
  const { clock, taken, take } = bucketOf(10, 10);
  await clock.advance(3_600_000);
  void take('a', 10);
  void take('b', 1);
  await clock.advance(1_000);
  expect(taken).toEqual([
    ['a', 3_600_000],
    ['b', 3_600_100],
  ]);
});

test('serves requests in order, even if a later one needs fewer tokens', async () => {
  const { clock, taken, take } = bucketOf(10, 10);
  void take('a', 8);
  void take('b', 10);
  void take('c', 1);
  await clock.advance(10_000);
  expect(taken).toEqual([
    ['a', 0],
    ['b', 800],
    ['c', 900],
  ]);
});

test('refunded tokens are available for the next request, up to the capacity', async () => {
  const { clock, bucket, taken, take } = bucketOf(10, 10);
  void take('a', 10);
  await clock.advance(0);
  bucket.refund(4);
  void take('b', 4);
  await clock.advance(1_000);
  bucket.refund(100);
  void take('c', 10);
  void take('d', 1);
  await clock.advance(1_000);
  expect(taken).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 1_000],
    ['d', 1_100],
  ]);
});

describe('a pause', () => {
  test('returns no tokens, and then starts with an empty bucket', async () => {
    const { clock, bucket, taken, take } = bucketOf(10, 10);
    bucket.pause(5_000);
    void take('a', 1);
    void take('b', 10);
    await clock.advance(5_099);
    expect(taken).toEqual([]);
    await clock.advance(2_000);
    expect(taken).toEqual([
      ['a', 5_100],
      ['b', 6_100],
    ]);
  });

  test('applies to requests that already wait', async () => {
    const { clock, bucket, taken, take } = bucketOf(10, 10);
    void take('a', 10);
    void take('b', 5);
    await clock.advance(400);
    bucket.pause(5_000);
    await clock.advance(10_000);
    expect(taken).toEqual([
      ['a', 0],
      ['b', 5_900],
    ]);
  });

  test('is not cut short by a shorter one', async () => {
    const { clock, bucket, taken, take } = bucketOf(10, 10);
    bucket.pause(5_000);
    await clock.advance(1_000);
    bucket.pause(1_000);
    void take('a', 10);
    await clock.advance(10_000);
    expect(taken).toEqual([['a', 6_000]]);
  });

  test('is made longer by a longer one', async () => {
    const { clock, bucket, taken, take } = bucketOf(10, 10);
    bucket.pause(1_000);
    void take('a', 10);
    await clock.advance(500);
    bucket.pause(5_000);
    await clock.advance(10_000);
    expect(taken).toEqual([['a', 6_500]]);
  });

  test('of zero duration empties the bucket', async () => {
    const { clock, bucket, taken, take } = bucketOf(10, 10);
    bucket.pause(0);
    void take('a', 10);
    await clock.advance(10_000);
    expect(taken).toEqual([['a', 1_000]]);
  });
});

describe('HTTP 429', () => {
  test('halves the rate, which grows back linearly in half a minute', async () => {
    const { clock, bucket, taken, take } = bucketOf(10_000, 100);
    bucket.slowDownAfter429(0);
    // 50 a second at first and 100 at the end, so 75 in the mean.
    void take('until it is whole', 2_250);
    void take('from then on', 1_000);
    await clock.advance(50_000);
    expect(taken).toEqual([
      ['until it is whole', 30_001],
      ['from then on', 40_001],
    ]);
  });

  test('pauses, and only then the rate grows', async () => {
    const { clock, bucket, taken, take } = bucketOf(10_000, 100);
    bucket.slowDownAfter429(60_000);
    void take('a', 2_250);
    await clock.advance(100_000);
    expect(taken).toEqual([['a', 90_001]]);
  });

  test('counts only once during its pause', async () => {
    const { clock, bucket, taken, take } = bucketOf(10_000, 100);
    for (let call = 0; call < 8; call += 1) bucket.slowDownAfter429(5_000);
    void take('a', 2_250);
    await clock.advance(40_000);
    expect(taken).toEqual([['a', 35_001]]);
  });

  test('after another halves again, down to a sixty-fourth', async () => {
    const { clock, bucket, taken, take } = bucketOf(64, 64);
    for (let refusal = 0; refusal < 20; refusal += 1) {
      bucket.slowDownAfter429(1);
      await clock.advance(1);
    }
    void take('a', 1);
    await clock.advance(2_000);
    // A second at a sixty-fourth of the rate, which grows in the meantime.
    expect(taken).toEqual([['a', 760]]);
  });
});

describe('an aborted request', () => {
  test('rejects with its own reason and takes no tokens', async () => {
    const { clock, taken, take } = bucketOf(10, 10);
    const leaving = new AbortController();
    void take('a', 10);
    const waiting = take('b', 10, leaving.signal);
    void take('c', 5);
    await clock.advance(300);
    leaving.abort(new Error('No longer wanted'));
    await expect(waiting).rejects.toThrow(/^No longer wanted$/);
    await clock.advance(10_000);
    expect(taken).toEqual([
      ['a', 0],
      ['c', 500],
    ]);
  });

  test('does not delay the requests after it', async () => {
    const { clock, taken, take } = bucketOf(10, 10);
    const leaving = new AbortController();
    void take('a', 10);
    void take('b', 5);
    const waiting = take('c', 10, leaving.signal);
    void take('d', 5);
    leaving.abort(new Error('No longer wanted'));
    await Promise.all([expect(waiting).rejects.toThrow(/^No longer wanted$/), clock.advance(10_000)]);
    expect(taken).toEqual([
      ['a', 0],
      ['b', 500],
      ['d', 1_000],
    ]);
  });

  test('takes no tokens if it was already aborted, even if the bucket is full', async () => {
    const { clock, bucket, taken, take } = bucketOf(10, 10);
    await expect(bucket.take(10, AbortSignal.abort(new Error('No longer wanted')))).rejects.toThrow(
      /^No longer wanted$/,
    );
    void take('a', 10);
    await clock.advance(0);
    expect(taken).toEqual([['a', 0]]);
  });
});

test('a sleep that ends too early returns no tokens too early', async () => {
  let now = 0;
  // As Node's timers do, by a fraction of a millisecond.
  const sleep = async (milliseconds: number): Promise<void> => {
    now += Math.max(0.2, milliseconds - 0.7);
  };
  const bucket = new TokenBucket({ capacity: 10, perSecond: 10, clock: { now: () => now, sleep } });
  await bucket.take(10, never);
  await bucket.take(7, never);
  expect(now).toBeGreaterThanOrEqual(700);
  expect(now).toBeLessThan(702);
});

type Step =
  | { kind: 'take'; count: number }
  | { kind: 'advance'; milliseconds: number }
  | { kind: 'pause'; milliseconds: number }
  | { kind: 'leave'; which: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('take' as const), count: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('advance' as const), milliseconds: fc.nat(3_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const), milliseconds: fc.nat(5_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
  ),
  { maxLength: 40 },
);

test('I8: never exceeds the rate limit in any interval, returns nothing during a pause, and keeps the order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(0.7, 3, 10, 300), async (all, perSecond) => {
      const capacity = 20;
      const clock = new HandClock();
      const bucket = new TokenBucket({ capacity, perSecond, clock });
      const taken: { who: number; at: number; count: number }[] = [];
      const pauses: { from: number; to: number }[] = [];
      const takers: AbortController[] = [];
      for (const step of all) {
        switch (step.kind) {
          case 'take': {
            const taker = new AbortController();
            const who = takers.push(taker);
            const { count } = step;
            bucket.take(count, taker.signal).then(
              () => taken.push({ who, at: clock.now(), count }),
              (error: unknown) => expect(error).toBe(taker.signal.reason),
            );
            await settle();
            break;
          }
          case 'advance':
            await clock.advance(step.milliseconds);
            break;
          case 'pause':
            pauses.push({ from: clock.now(), to: clock.now() + step.milliseconds });
            bucket.pause(step.milliseconds);
            break;
          case 'leave':
            takers[step.which % Math.max(1, takers.length)]?.abort(new Error('left'));
            await settle();
            break;
        }
      }
      await clock.advance(10_000_000);

      const leavers = takers.filter(({ signal }) => signal.aborted).length;
      expect(taken.length).toBeGreaterThanOrEqual(takers.length - leavers);
      const order = taken.map(({ who }) => who);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      for (const [first, { at: from }] of taken.entries()) {
        let sum = 0;
        for (const { at, count } of taken.slice(first)) {
          sum += count;
          expect(sum).toBeLessThanOrEqual(capacity + ((at - from) / 1_000) * perSecond + 1e-6);
        }
      }
      for (const { from, to } of pauses) {
        let since = 0;
        for (const { at, count } of taken.filter(({ at }) => at > from)) {
          expect(at).toBeGreaterThanOrEqual(to);
          since += count;
          expect(since).toBeLessThanOrEqual(((at - to) / 1_000) * perSecond + 1e-6);
        }
      }
    }),
    { numRuns: 200 },
  );
});
