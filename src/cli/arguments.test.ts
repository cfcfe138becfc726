import { expect, test } from 'vitest';
import { rowLimit } from './arguments.ts';

test.each([
  ['1', 1],
  ['250000', 250_000],
  ['999999999999999', 999_999_999_999_999],
  [undefined, undefined],
])('accepts --limit %s', (text, expected) => {
  expect(rowLimit.coerce(text)).toBe(expected);
});

// An option that is given twice is a list.
test.each(['0', '-1', '1.5', '1e3', 'many', '', '9999999999999999', ['1', '2']])('rejects --limit %j', (text) => {
  expect(() => rowLimit.coerce(text)).toThrow(/--limit must be one whole number of rows, 1 or more/);
});
