import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LockOptions } from '../store.ts';
import { BucketInMemory } from './bucket-in-memory.ts';
import { S3StateStore } from './s3-state-store.ts';

const KEY = 'state.json';
const LOCK = 'state.json.lock';
const SELF = { pid: 7, host: 'host-a', since: '2026-01-01T00:00:00.000Z' };
const OTHER = JSON.stringify({ ...SELF, pid: 8, token: 'other', renewal: '1', released: false });

let bucket: BucketInMemory;
let store: S3StateStore;
let unlock: (() => Promise<void>) | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  bucket = new BucketInMemory();
  store = new S3StateStore({ url: `s3://bucket/${KEY}`, key: KEY }, bucket, bucket);
});
afterEach(async () => {
  await unlock?.();
  unlock = undefined;
  vi.useRealTimers();
});

async function lock(): Promise<{ onLost: LockOptions['onLost'] }> {
  const onLost = vi.fn();
  const stop = new AbortController().signal;
  unlock = await store.lock(SELF, { stop, onLost, onWaiting: () => {}, onUncertain: () => {} });
  return { onLost };
}

test('a save is repeated while the store is down, and fails after 40 s', async () => {
  await lock();
  await store.readState();
  bucket.isDown = true;
  const saved = store.writeState('[1]');
  await vi.advanceTimersByTimeAsync(20_000);
  bucket.isDown = false;
  await vi.advanceTimersByTimeAsync(10_000);
  await saved;
  expect(bucket.textOf(KEY)).toBe('[1]');

  bucket.isDown = true;
  const failed = expect(store.writeState('[2]')).rejects.toMatchObject({ code: 'state_store_unreachable' });
  await vi.advanceTimersByTimeAsync(41_000);
  await failed;
  bucket.isDown = false;
  await store.writeState('[3]');
  expect(bucket.textOf(KEY)).toBe('[3]');
});

test('a state is not written after the lease is lost', async () => {
  const { onLost } = await lock();
  await store.readState();
  await store.writeState('[1]');
  bucket.put(LOCK, OTHER);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onLost).toHaveBeenCalledTimes(1);
  await expect(store.writeState('[2]')).rejects.toMatchObject({ code: 'state_file_changed' });
  await expect(store.readState()).rejects.toMatchObject({ code: 'state_file_changed' });
  expect(bucket.textOf(KEY)).toBe('[1]');
});

test('a state is not written while the lease is uncertain, before it is confirmed', async () => {
  await lock();
  await store.readState();
  vi.setSystemTime(Date.now() + 46_000);
  bucket.put(LOCK, OTHER);
  await expect(store.writeState('[1]')).rejects.toMatchObject({ code: 'state_file_changed' });
  expect(bucket.textOf(KEY)).toBe('');
});

test('a store that ignores the conditions of writes is not used, and keeps no lease', async () => {
  bucket.ignored = 'absent';
  await expect(lock()).rejects.toMatchObject({ code: 'state_store_unusable' });
  expect(JSON.parse(bucket.textOf(LOCK))).toMatchObject({ released: true });
});

test('records of runs are replaced, even if they could not be read', async () => {
  await lock();
  bucket.put(`${KEY}.runs.json`, 'of an earlier run');
  await store.writeRuns('1');
  await store.writeRuns('2');
  expect([bucket.textOf(`${KEY}.runs.json`), await store.readRuns()]).toEqual(['2', '2']);
});
