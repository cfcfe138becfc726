import { expect, test } from 'vitest';
import { AttributeTypes } from './attribute-types.ts';
import { isJsonArray, parseJson } from './json.ts';

const values: [before: string, now: string, problem: string | undefined][] = [
  ['1', '-20', undefined],
  ['1', '9007199254740993', undefined],
  ['1', '1.0', 'a float, and it was an integer before'],
  ['2.5', '3', 'an integer, and it was a float before'],
  ['2.5', '1e3', undefined],
  ['"a"', 'true', 'a boolean, and it was a string before'],
  ['["a"]', '{"$add":["b"]}', undefined],
  ['["a"]', '[{"a":1}]', 'an array of objects, and it was an array of strings before'],
  ['{"a":1}', '["a"]', 'an array of strings, and it was an object before'],
];
test.each(values)('%s, then %s: %s', (before, now, problem) => {
  const types = new AttributeTypes();
  const { value } = parseJson(`[${before},${now}]`);
  const problems = (isJsonArray(value) ? value : []).map((item) => types.check('profile', 'x', 'plain', item));
  expect(problems).toEqual([undefined, problem]);
});

test('an attribute has one type for each owner, with or without a type in its key, in all items of an array', () => {
  const types = new AttributeTypes();
  const check = (owner: string, path: string): unknown => types.check(owner, path, 'url', 'https://example.com');
  expect(types.check('event a', 'items[0].photo', 'plain', 'p')).toBeUndefined();
  expect(check('event a', 'items[3].url(photo)')).toBe('a URL, and it was a string before');
  expect(check('event b', 'items[3].url(photo)')).toBeUndefined();
  types.clear();
  expect(check('event a', 'items[3].url(photo)')).toBeUndefined();
});
