import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

function bucketAt(start: number, perSecond = 300, capacity = 1_000) {
  const clock = { now: start };
  return { clock, bucket: new TokenBucket({ perSecond, capacity }, () => clock.now) };
}

test('a new bucket is full: it accepts five calls of 200 at once, and no more', () => {
  const { bucket } = bucketAt(0);
  expect([200, 200, 200, 200, 200, 1].map((cost) => bucket.take(cost))).toEqual([true, true, true, true, true, false]);
});

test('tokens come back with time, to the millisecond', () => {
  const { bucket, clock } = bucketAt(0);
  bucket.take(1_000);
  clock.now = 666;
  expect(bucket.take(200)).toBe(false);
  clock.now = 667;
  expect(bucket.take(200)).toBe(true);
});

test('takes no tokens for a refused cost', () => {
  const { bucket } = bucketAt(0);
  bucket.take(900);
  bucket.take(200);
  expect(bucket.left).toBe(100);
  expect(bucket.used).toBe(900);
});

test('a bucket never holds more than its capacity', () => {
  const { bucket, clock } = bucketAt(0);
  clock.now = 3_600_000;
  expect(bucket.left).toBe(1_000);
});

test('neither loses nor gains tokens when the clock goes back', () => {
  const { bucket, clock } = bucketAt(10_000);
  bucket.take(1_000);
  clock.now = 11_000;
  expect(bucket.left).toBe(300);
  clock.now = 5_000;
  expect(bucket.left).toBe(300);
});

test('returns the wait for a cost within the capacity, and infinity for a larger one', () => {
  const { bucket } = bucketAt(0);
  expect(bucket.secondsUntil(1_000)).toBe(0);
  bucket.take(1_000);
  expect(bucket.secondsUntil(150)).toBe(0.5);
  expect(bucket.secondsUntil(1_001)).toBe(Number.POSITIVE_INFINITY);
  expect(new TokenBucket({ perSecond: 0, capacity: 0 }, () => 0).secondsUntil(1)).toBe(Number.POSITIVE_INFINITY);
});

test('a resized bucket keeps its tokens, up to the new capacity', () => {
  const { bucket, clock } = bucketAt(0);
  bucket.take(1_000);
  clock.now = 1_000;
  bucket.resize({ perSecond: 1, capacity: 2_000 });
  expect(bucket.left).toBe(300);
  bucket.resize({ perSecond: 1, capacity: 10 });
  expect(bucket.left).toBe(10);
});

test('a reset bucket is full', () => {
  const { bucket } = bucketAt(0);
  bucket.take(700);
  bucket.reset();
  expect([bucket.left, bucket.used]).toEqual([1_000, 0]);
});

test('never gives out more in a time span than its capacity and refill', () => {
  const steps = fc.array(fc.record({ wait: fc.nat(2_000), cost: fc.nat(400) }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const { bucket, clock } = bucketAt(0);
      for (const { cost, wait } of all) {
        clock.now += wait;
        bucket.take(cost);
      }
      return bucket.used <= 1_000 + (clock.now / 1_000) * 300 + 1e-6;
    }),
  );
});
