import { expect, test } from 'vitest';
import { suggestName } from './suggest.ts';

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
