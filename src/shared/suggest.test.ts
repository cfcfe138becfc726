import { expect, test } from 'vitest';
import { formatChoice, suggestName, suggestNames } from './suggest.ts';

test.each([
  ['pasword', 'password'],
  ['prot', 'port'],
  ['Password', 'password'],
  ['cursorColumn', 'cursor_column'],
  ['user', 'username'],
  ['cursor', 'cursor_column'],
  ['__injected_manifest', undefined],
  ['po', undefined],
  ['xyz', undefined],
  ['', undefined],
])('%j means %j', (typed, expected) => {
  expect(suggestName(typed, ['host', 'port', 'username', 'password', 'cursor_column'])).toBe(expected);
});

test.each([
  ['snyc', 'sync'],
  ['sepc', 'spec'],
])('prefers swapped letters: %j means %j', (typed, expected) => {
  expect(suggestName(typed, ['sync', 'spec'])).toBe(expected);
});

test('suggests nothing without names', () => {
  expect(suggestName('port', [])).toBeUndefined();
});

test.each([
  ['evnts', ['events']],
  ['Events', ['events']],
  ['ORDERS', ['orders']],
  ['order', ['orders', 'all_orders', 'more_orders']],
  ['clicks', []],
])('%j is near %j', (typed, expected) => {
  expect(suggestNames(typed, ['events', 'all_orders', 'orders_for_batch', 'orders', 'more_orders'])).toEqual(expected);
});

test.each([
  [['a'], '"a"'],
  [['a', 'b'], '"a" or "b"'],
  [['a', 'b', 'c'], '"a", "b" or "c"'],
])('formats the choice among %j', (names, expected) => {
  expect(formatChoice(names)).toBe(expected);
});
