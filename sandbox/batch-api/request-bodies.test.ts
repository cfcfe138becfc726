import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { BODY_BYTES_KEPT, RequestBodies } from './request-bodies.ts';

test('keeps the last bodies, and drops the oldest when they are too large together', () => {
  const bodies = new RequestBodies();
  const half = Buffer.alloc(BODY_BYTES_KEPT / 2);
  const kept = (): number[] => [0, 1, 2, 3].filter((seq) => bodies.get(seq) !== undefined);
  bodies.add(0, half);
  bodies.add(1, half);
  expect(kept()).toEqual([0, 1]);
  bodies.add(2, Buffer.from('[]'));
  expect(kept()).toEqual([1, 2]);
  bodies.add(3, Buffer.alloc(BODY_BYTES_KEPT + 1));
  expect(kept()).toEqual([1, 2]);
  expect(bodies.get(2)?.toString()).toBe('[]');
  bodies.clear();
  expect(kept()).toEqual([]);
});
