import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Wait } from '../../../shared/abort.ts';
import type { LockOptions } from '../store.ts';
import { BucketInMemory } from './bucket-in-memory.ts';
import { acquireLease, readLease, type S3Lease } from './lease.ts';

const FIRST = { pid: 7, host: 'host-a', since: '2026-01-01T00:00:00.000Z' };
const SECOND = { pid: 8, host: 'host-b', since: '2026-01-01T01:00:00.000Z' };
const STATE = 's3://bucket/state.json';
const KEY = 'state.json.lock';

let bucket: BucketInMemory;
const held: S3Lease[] = [];

beforeEach(() => {
  bucket = new BucketInMemory();
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
});
afterEach(async () => {
  for (const lease of held.splice(0)) await lease.release();
  vi.useRealTimers();
});

type Listeners = { [Name in 'onWaiting' | 'onLost' | 'onUncertain']: ReturnType<typeof vi.fn> };

/** Time passes while a process waits. */
const passTime: Wait = async (ms) => {
  await vi.advanceTimersByTimeAsync(ms);
};

async function acquire(
  owner: typeof FIRST,
  options: { stop?: AbortSignal; wait?: Wait; onWaiting?: LockOptions['onWaiting'] } = {},
): Promise<{ lease: S3Lease | undefined } & Listeners> {
  const listeners = { onWaiting: vi.fn(), onLost: vi.fn(), onUncertain: vi.fn() };
  const lease = await acquireLease({ objects: bucket, key: KEY, url: STATE }, owner, {
    stop: new AbortController().signal,
    wait: passTime,
    ...listeners,
    ...options,
  });
  if (lease !== undefined) held.push(lease);
  return { lease, ...listeners };
}

/** Leaves a lease as a killed process does. */
async function leaveLease(): Promise<void> {
  const { lease } = await acquire(FIRST);
  const text = bucket.textOf(KEY);
  await lease?.release();
  bucket.put(KEY, text);
}

test('a released lease is acquired at once', async () => {
  const { lease } = await acquire(FIRST);
  await lease?.release();
  const { lease: next, onWaiting } = await acquire(SECOND);
  expect([next === undefined, onWaiting.mock.calls]).toEqual([false, []]);
});

test('a lease that its holder renews is refused after the first renewal', async () => {
  await acquire(FIRST);
  const onWaiting = vi.fn();
  const start = Date.now();
  await expect(acquire(SECOND, { onWaiting })).rejects.toMatchObject({
    code: 'state_file_locked',
    message: expect.stringContaining('process 7 on host-a, since 2026-01-01T00:00:00.000Z. '),
  });
  expect(Date.now() - start).toBeLessThanOrEqual(11_000);
  expect(onWaiting.mock.calls).toEqual([['process 7 on host-a, since 2026-01-01T00:00:00.000Z', 60_000]]);
});

test('the lease of a killed process is taken over after 60 s', async () => {
  await leaveLease();
  const start = Date.now();
  const { lease, onWaiting } = await acquire(SECOND);
  expect(lease).toBeDefined();
  expect(Date.now() - start).toBe(60_000);
  expect(onWaiting).toHaveBeenCalledTimes(1);
});

test('of two processes that wait for the same lease, only one takes it over', async () => {
  await leaveLease();
  // Both wait in the same time.
  const wait = async (): Promise<void> => {};
  const results = await Promise.allSettled([FIRST, SECOND].map((owner) => acquire(owner, { wait })));
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'state_file_locked' } });
});

test('of two processes that find no lease, only one acquires it', async () => {
  const results = await Promise.allSettled([FIRST, SECOND].map((owner) => acquire(owner)));
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('recognises its own lease when the response to its write is lost', async () => {
  bucket.loseResponses(1);
  const acquiring = acquire(FIRST);
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await acquiring).lease).toBeDefined();
});

test('content that is not a lease expires like the lease of an unknown process', async () => {
  bucket.put(KEY, 'left by a person');
  const { lease, onWaiting } = await acquire(FIRST);
  expect(lease).toBeDefined();
  expect(onWaiting.mock.calls).toEqual([['another run', 60_000]]);
});

test('SIGTERM ends the wait, and leaves the lease unchanged', async () => {
  await leaveLease();
  const before = bucket.textOf(KEY);
  const stop = new AbortController();
  const { lease } = await acquire(SECOND, { stop: stop.signal, onWaiting: () => stop.abort() });
  expect([lease, bucket.textOf(KEY)]).toEqual([undefined, before]);
});

describe('the holder', () => {
  test('renews the lease every 10 s, until it releases it', async () => {
    const { lease, onLost, onUncertain } = await acquire(FIRST);
    const writes = bucket.writes;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bucket.writes - writes).toBe(6);
    await lease?.confirm();
    await lease?.release();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bucket.writes - writes).toBe(7);
    expect([onLost.mock.calls, onUncertain.mock.calls, vi.getTimerCount()]).toEqual([[], [], 0]);
  });

  test('loses the lease when another process has taken it over, and then writes nothing', async () => {
    const { lease, onLost } = await acquire(FIRST);
    bucket.put(KEY, JSON.stringify({ ...SECOND, token: 'other', renewal: '1', released: false }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onLost.mock.calls).toMatchObject([
      [{ code: 'state_file_changed', message: expect.stringContaining(STATE) }],
    ]);
    await expect(lease?.confirm()).rejects.toMatchObject({ code: 'state_file_changed' });
    const after = bucket.writes;
    await vi.advanceTimersByTimeAsync(60_000);
    await lease?.release();
    expect([bucket.writes, onLost.mock.calls.length]).toEqual([after, 1]);
  });

  test('loses the lease when someone removes it', async () => {
    const { onLost } = await acquire(FIRST);
    bucket.remove(KEY);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  test('keeps the lease when the response to a renewal is lost', async () => {
    const { lease, onLost, onUncertain } = await acquire(FIRST);
    bucket.loseResponses(1);
    await vi.advanceTimersByTimeAsync(60_000);
    await lease?.confirm();
    expect([onLost.mock.calls, onUncertain.mock.calls]).toEqual([[], []]);
  });

  test('is uncertain after 45 s without a renewal, and certain again when the store is back', async () => {
    const { lease, onLost, onUncertain } = await acquire(FIRST);
    bucket.isDown = true;
    await vi.advanceTimersByTimeAsync(44_000);
    await lease?.confirm();
    expect(onUncertain).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(onUncertain.mock.calls[0]).toMatchObject([
      { code: 'state_store_unreachable', message: expect.stringMatching(/for 45 s.* The store is down\.$/) },
    ]);
    await expect(lease?.confirm()).rejects.toMatchObject({ failureType: 'transient_error' });
    bucket.isDown = false;
    await lease?.confirm();
    onUncertain.mockClear();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([onLost.mock.calls, onUncertain.mock.calls]).toEqual([[], []]);
  });

  test('is uncertain before another process can take the lease over', async () => {
    const order: string[] = [];
    const cutOff = new BucketInMemory(bucket);
    const lease = await acquireLease({ objects: cutOff, key: KEY, url: STATE }, FIRST, {
      stop: new AbortController().signal,
      onWaiting: () => {},
      onUncertain: () => order.push('uncertain'),
      onLost: () => {},
    });
    if (lease !== undefined) held.push(lease);
    await vi.advanceTimersByTimeAsync(9_500);
    cutOff.isDown = true;
    await acquire(SECOND);
    order.push('taken over');
    expect(order[0]).toBe('uncertain');
  });

  test('loses the lease while the machine is suspended', async () => {
    const { onUncertain, onLost } = await acquire(FIRST);
    vi.setSystemTime(Date.now() + 3_600_000);
    bucket.put(KEY, JSON.stringify({ ...SECOND, token: 'other', renewal: '1', released: false }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect([onUncertain.mock.calls.length, onLost.mock.calls.length]).toEqual([0, 1]);
  });

  test('keeps the lease that no process took over while the machine was suspended', async () => {
    const { lease, onUncertain, onLost } = await acquire(FIRST);
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await lease?.confirm();
    expect([onUncertain.mock.calls, onLost.mock.calls]).toEqual([[], []]);
  });

  test('is uncertain when the store does not respond', async () => {
    const { onUncertain } = await acquire(FIRST);
    bucket.hangs = true;
    await vi.advanceTimersByTimeAsync(44_000);
    expect(onUncertain).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(onUncertain).toHaveBeenCalled();
    bucket.hangs = false;
    await vi.advanceTimersByTimeAsync(5_000);
  });
});

test.each(['absent', 'unchanged'] as const)('a store that ignores the condition "%s" is refused', async (kind) => {
  const { lease } = await acquire(FIRST);
  const stop = new AbortController().signal;
  await lease?.checkConditions(stop);
  bucket.ignored = kind;
  await expect(lease?.checkConditions(stop)).rejects.toMatchObject({
    failureType: 'config_error',
    message: expect.stringContaining('does not support conditional writes'),
  });
});

test('reports who holds the lease', async () => {
  const place = { objects: bucket, key: KEY, url: STATE };
  expect(await readLease(place)).toEqual({ kind: 'unlocked' });
  const { lease } = await acquire(FIRST);
  expect(await readLease(place)).toEqual({ kind: 'locked', owner: FIRST });
  await lease?.release();
  expect(await readLease(place)).toEqual({ kind: 'unlocked' });
  await leaveLease();
  await vi.advanceTimersByTimeAsync(61_000);
  expect(await readLease(place)).toEqual({ kind: 'unlocked' });
});
