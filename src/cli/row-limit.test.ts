import { expect, test } from 'vitest';
import { rowLimit } from './row-limit.ts';

test.each([
  ['1', 1],
  ['250000', 250_000],
  ['999999999999999', 999_999_999_999_999],
  [undefined, undefined],
])('%s is a limit', (text, expected) => {
  expect(rowLimit.coerce(text)).toBe(expected);
});

// Given twice, it comes as a list.
test.each(['0', '-1', '1.5', '1e3', 'many', '', '9999999999999999', ['1', '2']])('%j is none', (text) => {
  expect(() => rowLimit.coerce(text)).toThrow(/--limit takes one whole number of rows/);
});
