import { beforeEach, expect, test } from 'vitest';
import { BucketInMemory } from './bucket-in-memory.ts';
import { VersionedObject } from './versioned-object.ts';

const KEY = 'state.json';

let bucket: BucketInMemory;
let object: VersionedObject;
beforeEach(() => {
  bucket = new BucketInMemory();
  object = new VersionedObject(bucket, KEY);
});

test('creates the object, replaces it, and reads it', async () => {
  expect(await object.read()).toBeUndefined();
  expect([await object.write('1'), await object.write('2'), await object.write('2')]).toEqual(Array(3).fill('written'));
  expect(await object.read()).toBe('2');
});

test.each<[string, () => unknown]>([
  ['replaced', () => bucket.put(KEY, 'other')],
  ['removed', () => bucket.remove(KEY)],
])('does not write to an object that another process has %s', async (_, change) => {
  await object.write('1');
  change();
  expect(await object.write('2')).toBe('changed');
  expect(bucket.textOf(KEY)).not.toBe('2');
  // Reading the object accepts the change.
  await object.read();
  expect(await object.write('2')).toBe('written');
});

test('does not replace an object that another process has created', async () => {
  await object.read();
  bucket.put(KEY, 'other');
  expect([await object.write('1'), bucket.textOf(KEY)]).toEqual(['changed', 'other']);
});

test('recognises its own write whose response was lost', async () => {
  await object.write('1');
  bucket.loseResponses(1);
  await expect(object.write('2')).rejects.toThrow('The response was lost.');
  expect(await object.write('2')).toBe('written');
  expect(await object.write('3')).toBe('written');
});

test('replaces its own write, whose response was lost, with a later text', async () => {
  bucket.loseResponses(2);
  await expect(object.write('1')).rejects.toThrow('The response was lost.');
  await expect(object.write('2')).rejects.toThrow('The response was lost.');
  expect([await object.write('3'), bucket.textOf(KEY)]).toEqual(['written', '3']);
});
