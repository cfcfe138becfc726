import { describe, expect, test } from 'vitest';
import { keepEventAttributes } from './event-attributes.ts';
import { isJsonObject, type JsonObject, parseJson } from './json.ts';
import { changedLimits, DEFAULT_LIMITS } from './limits.ts';

const limits = DEFAULT_LIMITS;

function keysUpTo(count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
}

describe('keeps unchanged', () => {
  const goodOnes: [string, JsonObject][] = [
    ['nothing at all', {}],
    ['a string of 300 characters', { a: 'x'.repeat(300) }],
    ['a string of several lines', { a: 'one\ntwo' }],
    ['a number, a negative one, a fraction, zero', { a: 1, b: -1, c: 0.5, d: 0 }],
    ['a boolean', { a: true, b: false }],
    ['a key of 30 characters', { ['k'.repeat(30)]: 1 }],
    ['a key of digits and underscores', { '2_': 1 }],
    ['a typed key whose inner name has 30 characters', { [`date(${'k'.repeat(30)})`]: '2026-04-17T04:25:00Z' }],
    ['a date long ago', { 'date(birthday)': '1989-07-20T00:00:00Z' }],
    ['a URL', { 'url(item)': 'https://example.com/a?b=c#d' }],
    ['a URL of another scheme', { 'url(item)': 'app+x.y-z://home' }],
    ['a URL of 2,048 characters', { 'url(item)': `https://example.com/${'x'.repeat(2_028)}` }],
    ['a plain and a typed key of the same name', { x: 1, 'url(x)': 'https://example.com' }],
    ['an array of 25 strings', { a: Array(25).fill('x') }],
    ['an array of objects, typed keys in them', { a: [{ b: 1, 'url(c)': 'https://example.com' }, {}] }],
    ['an object, typed keys in it', { a: { b: 1, 'date(c)': '2026-04-17T04:25:00Z' } }],
    ['an empty object', { a: {} }],
    ['objects three levels deep', { a: { b: { c: { d: 1 } } } }],
    ['an array at the third level', { a: { b: { c: ['x'] } } }],
    ['objects in arrays, whose indexes do not count as levels', { a: [{ b: [{ c: [{ d: 1 }] }] }] }],
    ['20 attributes', keysUpTo(20)],
    ['20 attributes and a label and tags', { $label: 'x', $tags: ['x'], ...keysUpTo(20) }],
    ['20 attributes at each level', { ...keysUpTo(19), a: keysUpTo(20) }],
    ['a label of 200 characters', { $label: 'x'.repeat(200) }],
    ['ten tags of 64 characters', { $tags: Array(10).fill('x'.repeat(64)) }],
  ];
  test.each(goodOnes)('%s', (_, attributes) => {
    const kept = keepEventAttributes(attributes, limits);
    expect(kept.problems).toEqual([]);
    expect(kept.attributes).toBe(attributes);
  });
});

describe('drops only the attribute for', () => {
  type BadOne = [name: string, attributes: JsonObject, path: string, reason: RegExp];
  const badOnes: BadOne[] = [
    ['an empty string', { a: '' }, 'a', /blank/],
    ['a blank string', { a: ' \t\n' }, 'a', /blank/],
    ['a string of 301 characters', { a: 'x'.repeat(301) }, 'a', /301 characters, at most 300/],
    ['null', { a: null }, 'a', /null/],
    ['a null date', { 'date(a)': null }, 'date(a)', /null/],
    ['a key of 31 characters', { ['k'.repeat(31)]: 1 }, 'k'.repeat(31), /not a valid key/],
    ['a typed key of 31 characters', { [`url(${'k'.repeat(31)})`]: 1 }, `url(${'k'.repeat(31)})`, /not a valid key/],
    ['an empty key', { '': 1 }, '', /not a valid key/],
    ['a key in upper case', { Amount: 1 }, 'Amount', /not a valid key/],
    ['a key with a hyphen', { 'a-b': 1 }, 'a-b', /not a valid key/],
    ['a key with a dot', { 'a.b': 1 }, 'a.b', /not a valid key/],
    ['a key with an unknown type', { 'int(a)': 1 }, 'int(a)', /not a valid key/],
    ['an empty typed key', { 'date()': 1 }, 'date()', /not a valid key/],
    ['another reserved key', { $id: 'x' }, '$id', /not a valid key/],
    ['a date without a zone', { 'date(a)': '2026-04-17T04:25:00' }, 'date(a)', /RFC 3339/],
    ['a day that does not exist', { 'date(a)': '2026-02-30T00:00:00Z' }, 'date(a)', /RFC 3339/],
    ['a date in seconds', { 'date(a)': 1_776_399_900 }, 'date(a)', /RFC 3339/],
    ['a URL without a scheme', { 'url(a)': 'example.com/a' }, 'url(a)', /scheme and an authority/],
    ['a URL without an authority', { 'url(a)': 'https:///a' }, 'url(a)', /scheme and an authority/],
    ['an email address as a URL', { 'url(a)': 'mailto:a@example.com' }, 'url(a)', /scheme and an authority/],
    ['a URL with a space', { 'url(a)': 'https://example.com/a b' }, 'url(a)', /scheme and an authority/],
    ['a URL that is a number', { 'url(a)': 1 }, 'url(a)', /not a string/],
    ['an empty URL', { 'url(a)': '' }, 'url(a)', /blank/],
    ['a URL of 2,049 characters', { 'url(a)': `https://e.com/${'x'.repeat(2_035)}` }, 'url(a)', /2049 characters/],
    ['a string with half of a surrogate pair', { a: 'x\ud800' }, 'a', /surrogate/],
    ['a URL with half of a surrogate pair', { 'url(a)': 'https://e.com/\udc00' }, 'url(a)', /surrogate/],
    ['an array of dates', { 'date(a)': ['2026-04-17T04:25:00Z'] }, 'date(a)', /RFC 3339/],
    ['an array of 26 items', { a: Array(26).fill('x') }, 'a', /26 items, at most 25/],
    ['an empty array', { a: [] }, 'a', /empty array/],
    ['an array of numbers', { a: [1, 2] }, 'a', /neither all strings nor all objects/],
    ['an array of booleans', { a: [true] }, 'a', /neither all strings nor all objects/],
    ['an array of strings and objects', { a: ['x', { b: 1 }] }, 'a', /neither all strings nor all objects/],
    ['an array of strings and a null', { a: ['x', null] }, 'a', /neither all strings nor all objects/],
    ['an array in an array', { a: [['x']] }, 'a', /array in an array/],
    ['an array whose only string is blank', { a: [''] }, 'a[0]', /blank/],
    ['a label of 201 characters', { $label: 'x'.repeat(201) }, '$label', /201 characters, at most 200/],
    ['a blank label', { $label: ' ' }, '$label', /blank/],
    ['a label of several lines', { $label: 'a\nb' }, '$label', /several lines/],
    ['a label that is not a string', { $label: 1 }, '$label', /not a string/],
    ['a null label', { $label: null }, '$label', /not a string/],
    ['eleven tags', { $tags: Array(11).fill('x') }, '$tags', /11 items, at most 10/],
    ['no tags', { $tags: [] }, '$tags', /empty array/],
    ['tags that are not an array', { $tags: 'x' }, '$tags', /not an array/],
  ];
  test.each(badOnes)('%s', (_, attributes, path, reason) => {
    const { attributes: kept, problems } = keepEventAttributes({ ok: 1, ...attributes }, limits);
    expect(kept).toEqual({ ok: 1 });
    expect(problems).toEqual([{ path, reason: expect.stringMatching(reason) }]);
  });
});

describe('drops only the invalid part:', () => {
  type MixedOne = [name: string, attributes: JsonObject, kept: JsonObject, paths: string[]];
  const d5 = { a: { b: { c: { d: { e: 1 } } } } };
  const mixedOnes: MixedOne[] = [
    ['an attribute of an object', { a: { b: '', c: 1 } }, { a: { c: 1 } }, ['a.b']],
    ['the only attribute of an object', { a: { b: null } }, { a: {} }, ['a.b']],
    [
      'an attribute of an object in an array',
      { items_list: [{ name: 'x' }, {}, { name: '', price: 1 }] },
      { items_list: [{ name: 'x' }, {}, { price: 1 }] },
      ['items_list[2].name'],
    ],
    ['a string of an array', { a: ['x', ' ', 'y'] }, { a: ['x', 'y'] }, ['a[1]']],
    ['a tag', { $tags: ['x', 'y'.repeat(65), 'a\nb'] }, { $tags: ['x'] }, ['$tags[1]', '$tags[2]']],
    ['a label below the root', { a: { $label: 'x' } }, { a: {} }, ['a.$label']],
    ['tags below the root', { a: [{ $tags: ['x'] }] }, { a: [{}] }, ['a[0].$tags']],
    ['an object at the fourth level', d5, { a: { b: { c: {} } } }, ['a.b.c.d']],
    ['an array at the fourth level', { a: { b: { c: { d: ['x'] } } } }, { a: { b: { c: {} } } }, ['a.b.c.d']],
    ['the 21st attribute and the 22nd', keysUpTo(22), keysUpTo(20), ['k20', 'k21']],
    ['the 21st attribute of an object', { a: keysUpTo(21) }, { a: keysUpTo(20) }, ['a.k20']],
    ['two things at once', { a: '', b: { c: '' }, d: 1 }, { b: {}, d: 1 }, ['a', 'b.c']],
  ];
  test.each(mixedOnes)('%s', (_, attributes, kept, paths) => {
    const result = keepEventAttributes(attributes, limits);
    expect(result.attributes).toEqual(kept);
    expect(result.problems.map(({ path }) => path)).toEqual(paths);
  });
});

describe('a number with many digits', () => {
  test.each([
    ['9223372036854775807', true],
    ['9223372036854775808', false],
    ['-9223372036854775808', true],
    ['-9223372036854775809', false],
    ['10000000000000000000', false],
    ['1.2345678901234567890123', true],
    ['12345678901234567890.5', true],
    ['1e308', true],
    ['1e309', false],
    ['-1.5e400', false],
  ])('%s: %s', (digits, isKept) => {
    const { value } = parseJson(`{"a":${digits}}`);
    const { problems } = keepEventAttributes(isJsonObject(value) ? value : {}, limits);
    expect(problems.map(({ path }) => path)).toEqual(isKept ? [] : ['a']);
  });
});

test('keeps an attribute with the key `__proto__`', () => {
  const attributes = JSON.parse('{"__proto__":1,"b":""}');
  expect(JSON.stringify(keepEventAttributes(attributes, limits).attributes)).toBe('{"__proto__":1}');
});

test('applies changed limits', () => {
  const attributes = { AB: 'xx', c: [], d: { e: 1 } };
  const other = changedLimits(limits, {
    keyPattern: '^[A-Z]+$|^c$|^d$',
    stringMax: 1,
    emptyArray: 'accept',
    depthMax: 0,
  });
  expect(keepEventAttributes(attributes, other).problems.map(({ path }) => path)).toEqual(['AB', 'c', 'd']);
  const half = { a: '\ud800', $label: '\udfff', $tags: ['\ud800'] };
  expect(keepEventAttributes(half, changedLimits(limits, { malformedText: 'accept' })).problems).toEqual([]);
  const lines = { a: 'x\ny', b: ['x\ry'], c: 'x y' };
  expect(
    keepEventAttributes(lines, changedLimits(limits, { multilineText: 'refuse' })).problems.map(({ path }) => path),
  ).toEqual(['a', 'b[0]']);
  expect(keepEventAttributes({ c: [] }, changedLimits(limits, { emptyArray: 'accept' })).problems).toEqual([]);
});
