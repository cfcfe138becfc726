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
])('what is meant by %j is %j', (typed, expected) => {
  expect(suggestName(typed, ['host', 'port', 'username', 'password', 'cursor_column'])).toBe(expected);
});

test.each([
  ['snyc', 'sync'],
  ['sepc', 'spec'],
])('letters that changed places, as in %j, count more than others: %j', (typed, expected) => {
  expect(suggestName(typed, ['sync', 'spec'])).toBe(expected);
});

test('of no names none is near', () => {
  expect(suggestName('port', [])).toBeUndefined();
});
