import { expect, test } from 'vitest';
import { printable } from './printable.ts';

test.each([
  ['plain text', 'a "b" \\ c', 'a "b" \\ c'],
  ['letters of any script', 'été 好 😀', 'été 好 😀'],
  ['a line end', 'a\nb\r', 'a\\u000ab\\u000d'],
  ['what sets colours', '\u001b[31mred', '\\u001b[31mred'],
  ['the same in one character', '\u009b31m', '\\u009b31m'],
  ['what turns the direction of reading', 'a\u202eb', 'a\\u202eb'],
  ['half of a pair', 'a\ud800', 'a\\ud800'],
  ['a line end of Unicode', 'a\u2028', 'a\\u2028'],
])('%s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});
