import { expect, test } from 'vitest';
import { BufferPool } from './buffer-pool.ts';

test('a buffer that was given back is taken again, and no other is made meanwhile', () => {
  const pool = new BufferPool(10);
  const first = pool.take();
  const second = pool.take(10);
  expect(second).not.toBe(first);
  pool.give(first);
  expect(pool.take(3)).toBe(first);
  expect(pool.take()).not.toBe(first);
});

test('a larger one is made for who needs it, and not kept', () => {
  const pool = new BufferPool(10);
  const large = pool.take(11);
  expect(large).toHaveLength(11);
  pool.give(large);
  expect(pool.take(11)).not.toBe(large);
  expect(pool.take()).toHaveLength(10);
});
