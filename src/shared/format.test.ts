import { expect, test } from 'vitest';
import { counted } from './format.ts';

test.each([
  [0, '0 rows'],
  [1, '1 row'],
  [999, '999 rows'],
  [1_000, '1,000 rows'],
  [1_234_567, '1,234,567 rows'],
])('%i in words is %s', (count, expected) => {
  expect(counted(count, 'row')).toBe(expected);
});
