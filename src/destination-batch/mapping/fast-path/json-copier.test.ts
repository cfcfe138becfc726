import { describe, expect, test } from 'vitest';
import { withRulesOnly } from '../../../../integration_tests/support/rules-only.ts';
import { BytePattern, viewOf } from '../../../shared/byte-pattern.ts';
import { MOST_OVERWRITTEN_BYTES } from '../../../shared/byte-words.ts';
import { DEFAULT_LIMITS, type Limits } from '../../batch/limits.ts';
import type { Slab } from '../../byte-arena.ts';
import { DEFAULT_POLICIES, type Policies } from '../../config/policies.ts';
import type { ValueKind } from '../attribute-value.ts';
import type { MemberTypes } from '../column-types.ts';
import { EventRules } from '../rules.ts';
import { NO_END, parseValue } from './json-bytes.ts';
import type { JsonCopier } from './json-copier.ts';
import { TextConverter } from './text-converter.ts';

/** The JSON that the copier writes, `nothing` for a value with nothing to send, or `rules` if it leaves the value to the rules. */
type Outcome = { copied: string } | 'nothing' | 'rules';

type Settings = {
  kind?: ValueKind;
  members?: MemberTypes;
  limits?: Partial<Limits>;
  policies?: Partial<Policies>;
  spareBytes?: number;
};

const BEFORE = '{"before":"x","column":';
const AFTER = ',"after":"x"}';

function rulesOf({ limits, policies }: Settings): EventRules {
  return new EventRules({ ...DEFAULT_LIMITS, ...limits }, { policies: { ...DEFAULT_POLICIES, ...policies } });
}

function slabOf(bytes: number): Slab {
  const buffer = Buffer.alloc(bytes);
  return { number: 0, bytes: buffer, view: viewOf(buffer), items: 0, used: 0 };
}

/** Copies the value of a column, which is in the middle of a row. */
function copy(
  json: string,
  { kind = 'untyped', members, spareBytes = 0 }: Settings,
  rules: EventRules,
  copier: JsonCopier,
): Outcome {
  const source = Buffer.from(`${BEFORE}${json}${AFTER}`);
  const length = Buffer.byteLength(json);
  // There are no more bytes than the copier may rely on.
  const slab = slabOf(3 + length + spareBytes + MOST_OVERWRITTEN_BYTES);
  copier.start(viewOf(source), source.length, slab, 3, spareBytes);
  rules.issues.reset();
  rules.writer.startEvent();
  const end = copier.copyColumn(kind, source, BEFORE.length, members);
  expect([rules.issues.leftOut, rules.issues.drainChanges()]).toEqual([[], []]);
  if (end === NO_END) return 'rules';
  expect(end).toBe(BEFORE.length + length);
  return copier.to === 3 ? 'nothing' : { copied: slab.bytes.toString('utf8', 3, copier.to) };
}

/** What the rules send for the value. */
function convert(json: string, { kind = 'untyped', members }: Settings, rules: EventRules): Outcome {
  const bytes = Buffer.from(json);
  const value = parseValue(bytes, 0, bytes.length);
  rules.issues.reset();
  rules.writer.startEvent();
  const converted =
    value === undefined ? undefined : withRulesOnly(() => rules.writer.convert(value, kind, 'column', members));
  const hasIssues = rules.issues.leftOut.length + rules.issues.drainChanges().length > 0;
  if (value === undefined || hasIssues || typeof converted === 'object') return 'rules';
  return converted === undefined ? 'nothing' : { copied: converted };
}

/** Expects this outcome. Unless the value is left to the rules, the rules would send the same. */
function expectCopy(json: string, expected: Outcome, settings: Settings = {}): void {
  const rules = rulesOf(settings);
  expect(copy(json, settings, rules, rules.writer.createCopier())).toEqual(expected);
  if (expected !== 'rules') expect(convert(json, settings, rulesOf(settings))).toEqual(expected);
}

/** A string column with this JSON. */
const inString = (json: string): string => JSON.stringify(json);

const KINDS: ValueKind[] = ['untyped', 'text', 'float', 'integer', 'date', 'date_time', 'url', 'label', 'tags'];

describe('strings', () => {
  test.each(
    [
      'a',
      'linen shirt',
      'x'.repeat(300),
      'zoé',
      'Été',
      '日本語',
      'قميص',
      '👕',
      'e\u0301',
      'a\u007f',
      '\u007fa',
      'a\u0080b',
      'a\u00a0b\u3000\ufeff',
      'a\u2028b\u2029c',
      'a ',
      '-1',
      'null',
      'a{"b":1}',
      'https://example.com/',
    ].filter((text) => text !== ' ~'),
  )('copies %j', (text) => {
    for (const kind of ['untyped', 'text'] as const) {
      expectCopy(JSON.stringify(text), { copied: JSON.stringify(text) }, { kind });
    }
  });

  test.each([
    ['a quote', String.raw`"a\"b"`, String.raw`"a\"b"`],
    ['a backslash', String.raw`"a\\b"`, String.raw`"a\\b"`],
    ['a slash', String.raw`"a\/b"`, '"a/b"'],
    ['a backspace', String.raw`"a\bb"`, String.raw`"a\bb"`],
    ['a form feed', String.raw`"a\fb"`, String.raw`"a\fb"`],
    ['a line feed', String.raw`"a\nb"`, String.raw`"a\nb"`],
    ['a carriage return', String.raw`"a\rb"`, String.raw`"a\rb"`],
    ['a tab', String.raw`"a\tb"`, String.raw`"a\tb"`],
    ['only a quote', String.raw`"\""`, String.raw`"\""`],
    ['only a backslash', String.raw`"\\"`, String.raw`"\\"`],
    ['only a slash', String.raw`"\/"`, '"/"'],
    ['a bare slash', '"/"', '"/"'],
    ['a backslash before a slash', String.raw`"\\/"`, String.raw`"\\/"`],
    ['a backslash before an n', String.raw`"\\n"`, String.raw`"\\n"`],
    ['a backslash at its end', String.raw`"a\\"`, String.raw`"a\\"`],
    ['white space at its end', String.raw`"a \n\t"`, String.raw`"a \n\t"`],
  ])('copies %s in a string, with the escapes of JSON.stringify', (_, json, copied) => {
    for (const kind of ['untyped', 'text'] as const) expectCopy(json, { copied }, { kind });
  });

  test.each([
    ['an empty string', '""'],
    ['a space', '" "'],
    ['a space at its start', '" a"'],
    ...Object.entries({ b: 'b', f: 'f', n: 'n', r: 'r', t: 't' }).map(([name, letter]) => [
      `\\${name} at its start`,
      `"\\${letter}a"`,
    ]),
    ...[0x85, 0xa0, 0x1680, 0x2003, 0x2028, 0x3000, 0xfeff].map((code) => [
      `U+${code.toString(16)} at its start`,
      JSON.stringify(`${String.fromCharCode(code)}a`),
    ]),
    ['U+a0 only', '"\u00a0"'],
    ['an escaped ASCII letter', String.raw`"a\u0041"`],
    ['an escaped accented letter', String.raw`"caf\u00e9"`],
    ['an escaped space at its start', String.raw`"\u0020a"`],
    ['an escaped bracket at its start', String.raw`"\u007b}"`],
    ['an escaped emoji', String.raw`"a\ud83d\ude00"`],
    ['half of a surrogate pair', String.raw`"a\ud83d"`],
    ['an escaped NUL', String.raw`"a\u0000"`],
    ['an invalid escape', String.raw`"a\xb"`],
    ['a bare tab', '"a\tb"'],
    ['a bare NUL', '"a\0b"'],
  ])('leaves a string with %s to the rules', (_, json) => {
    for (const kind of KINDS) expectCopy(json, 'rules', { kind });
  });

  test.each<[what: string, text: string, units: number]>([
    ['ASCII', 'abcd', 4],
    ['accented letters', 'éàüö', 4],
    ['Japanese', '日本語版', 4],
    ['an emoji at the end', 'ab👕', 4],
    ['an emoji at the start', '👕ab', 4],
    ['only emoji', '👕👕', 4],
    ['emoji of several code points', '👩‍👩‍👧', 8],
    ['an escaped quote', 'a"bc', 4],
    ['an escaped backslash', 'abc\\', 4],
    ['an escaped line feed', 'a\nbc', 4],
  ])('copies a string up to the limit of UTF-16 units: %s', (_, text, units) => {
    expect(text.length).toBe(units);
    const json = JSON.stringify(text);
    expectCopy(json, { copied: json }, { limits: { string_characters: units } });
    for (const long_text of ['drop', 'truncate'] as const) {
      expectCopy(json, 'rules', { limits: { string_characters: units - 1 }, policies: { long_text } });
    }
    // In an object and in an array.
    expectCopy(
      `{"a":${json},"b":[${json}]}`,
      { copied: `{"a":${json},"b":[${json}]}` },
      { limits: { string_characters: units } },
    );
    expectCopy(`{"a":${json}}`, 'rules', { limits: { string_characters: units - 1 } });
    expectCopy(`[${json}]`, 'rules', { limits: { string_characters: units - 1 } });
  });

  test('counts an escaped slash as one character', () => {
    expectCopy(String.raw`"\/\/\/\/"`, { copied: '"////"' }, { limits: { string_characters: 4 } });
    expectCopy(String.raw`"\/\/\/\/\/"`, 'rules', { limits: { string_characters: 4 } });
  });

  test('leaves a string to the rules in a column of numbers, labels or tags', () => {
    for (const kind of ['float', 'integer', 'label', 'tags'] as const) {
      for (const text of ['a', '1.50', '1e400', '["a"]', '{"a":1}']) expectCopy(inString(text), 'rules', { kind });
    }
  });
});

describe('JSON inside a string', () => {
  test.each<[what: string, inner: string, expected: Outcome]>([
    ['an object', '{"a":1}', { copied: '{"a":1}' }],
    ['an array of strings', '["a","b"]', { copied: '["a","b"]' }],
    ['an array of objects', '[{"a":1},{"b":true}]', { copied: '[{"a":1},{"b":true}]' }],
    ['a nested object', '{"a":{"b":{"c":"x"}}}', { copied: '{"a":{"b":{"c":"x"}}}' }],
    ['an empty object', '{}', 'nothing'],
    ['an empty array', '[]', 'nothing'],
    ['an empty object with white space', '{ }', 'nothing'],
    ['an empty array with white space', '[ ]', 'nothing'],
    [
      'white space everywhere',
      '{ "a" : 1 ,  "b" : [ "x" ,   "y" ] , "c" : { "d" : true } }',
      { copied: '{"a":1,"b":["x","y"],"c":{"d":true}}' },
    ],
    ['other white space', '{"a":1,\n"b":\t["x",\r"y"]}', 'rules'],
    ['white space at the end', '{"a":1} \r\n\t', 'rules'],
    ['white space at the end of an array', '["a"]\n', 'rules'],
    ['non-ASCII', '{"a":"é","b":["日本語","👕"]}', { copied: '{"a":"é","b":["日本語","👕"]}' }],
    ['a string with a quote', String.raw`{"a":"x\"y"}`, { copied: String.raw`{"a":"x\"y"}` }],
    ['a string with a backslash', String.raw`{"a":"x\\y"}`, { copied: String.raw`{"a":"x\\y"}` }],
    ['a string with an escaped slash', String.raw`{"a":"x\/y"}`, { copied: '{"a":"x/y"}' }],
    ['a string with an escaped line feed', String.raw`{"a":"x\ny"}`, { copied: String.raw`{"a":"x\ny"}` }],
    ['a string with brackets', '{"a":"}","b":["]","{"]}', { copied: '{"a":"}","b":["]","{"]}' }],
    [
      'a string with JSON',
      String.raw`{"a":"{\"b\":1}","c":"[\"x\"]"}`,
      { copied: String.raw`{"a":"{\"b\":1}","c":"[\"x\"]"}` },
    ],
    ['a date', '{"date__a":"2026-04-17T04:25:00Z"}', { copied: '{"date(a)":"2026-04-17T04:25:00Z"}' }],
    ['a URL', '{"url__a":"https://example.com/"}', { copied: '{"url(a)":"https://example.com/"}' }],
    ['white space at the start', ' {"a":1}', 'rules'],
    ['a no-break space at the end', '{"a":1}\u00a0', 'rules'],
    ['a form feed between tokens', '{"a":\f1}', 'rules'],
    ['a bare line feed in a string', '{"a":"x\ny"}', 'rules'],
    ['an escaped letter', String.raw`{"a":"\u0041"}`, 'rules'],
    ['a second value', '{"a":1}{"b":2}', 'rules'],
    ['more after it', '{"a":1}x', 'rules'],
    ['a comma after it', '["a"],', 'rules'],
    ['no closing brace', '{"a":1', 'rules'],
    ['no closing bracket', '["a"', 'rules'],
    ['no closing quote', '["a', 'rules'],
    ['another closing bracket', '{"a":1]', 'rules'],
    ['a comma at its end', '{"a":1,}', 'rules'],
    ['a comma at the end of an array', '["a",]', 'rules'],
    ['a comma at its start', '{,"a":1}', 'rules'],
    ['no colon', '{"a" 1}', 'rules'],
    ['no value', '{"a":}', 'rules'],
    ['no comma', '{"a":1 "b":2}', 'rules'],
    ['no comma in an array', '["a" "b"]', 'rules'],
    ['a key without quotes', '{a:1}', 'rules'],
    ['single quotes', "{'a':1}", 'rules'],
    ['a number after a zero', '{"a":01}', 'rules'],
    ['letters after a number', '{"a":1x}', 'rules'],
    ['letters after true', '{"a":truex}', 'rules'],
    ['letters after null', '{"a":nullx}', 'rules'],
    ['a comment', '{"a":1}//', 'rules'],
    ['text in brackets', '[x]', 'rules'],
    ['only a brace', '{', 'rules'],
    ['only a bracket', '[', 'rules'],
    ['numbers', '[1,2]', 'rules'],
    ['an array of arrays', '[["a"]]', 'rules'],
    ['an array of NULL', '[null]', 'rules'],
    ['an array of strings and NULL', '["a",null]', 'rules'],
    ['an array of strings and objects', '["a",{"b":1}]', 'rules'],
    ['an array of objects and strings', '[{"b":1},"a"]', 'rules'],
    ['an array with a blank string', '["a",""]', 'rules'],
    ['DEL', '{"a":"x\u007f"}', { copied: '{"a":"x\u007f"}' }],
  ])('%s', (_, inner, expected) => {
    expectCopy(inString(inner), expected);
    // In a column of text it is only a string.
    if (expected !== 'rules') expectCopy(inString(inner), { copied: inString(inner) }, { kind: 'text' });
  });

  test('with escaped slashes and with characters that JSON need not escape', () => {
    expectCopy(String.raw`"{\"a\":\"https:\/\/example.com\/\"}"`, { copied: '{"a":"https://example.com/"}' });
    expectCopy(String.raw`"{\"a\":\"x\\\/y\"}"`, { copied: '{"a":"x/y"}' });
    expectCopy(String.raw`"{\u0022a\u0022:1}"`, 'rules');
    expectCopy(String.raw`"{\"a\":1\f}"`, 'rules');
    expectCopy(String.raw`"{\"a\":1\b}"`, 'rules');
  });

  test('is copied after a value that was longer', () => {
    const rules = rulesOf({});
    const copier = rules.writer.createCopier();
    for (const inner of [`["x${' '.repeat(90)}"]`, '{"a":1}', `["${']}'.repeat(40)}"]`, '{"a":"b"}']) {
      expect(copy(inString(inner), {}, rules, copier)).toEqual({ copied: inner });
    }
  });

  test('is copied whatever its size is', () => {
    const limits = { string_characters: 100_000 };
    const jsonOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - '{"a":""}'.length)}"}`;
    const longest = jsonOf(16 * 1024 - 1);
    for (const more of [0, 1, 2, 3, 1_000, 20_000]) {
      const json = jsonOf(16 * 1024 - 1 + more);
      expectCopy(inString(json), { copied: json }, { limits });
    }
    // The same copier: nothing is left of the longer value.
    const rules = rulesOf({ limits });
    const copier = rules.writer.createCopier();
    copy(inString(longest), { limits }, rules, copier);
    for (const broken of ['{"a":"x', '{"a":1', '{"date__a":"2026-04-17T04:25:00Z']) {
      expect(copy(inString(broken), { limits }, rules, copier)).toBe('rules');
    }
  });
});

describe('objects and arrays', () => {
  test.each<[what: string, json: string, expected: Outcome]>([
    ['an object', '{"a":"x","b":1,"c":true,"d":false}', { copied: '{"a":"x","b":1,"c":true,"d":false}' }],
    ['NULL in an object', '{"a":null,"b":1,"c":null}', { copied: '{"b":1}' }],
    ['only NULL in an object', '{"a":null,"b":null}', 'nothing'],
    ['an empty object', '{}', 'nothing'],
    ['an empty object in an object', '{"a":{}}', 'nothing'],
    ['an empty object in an object in an object', '{"a":{"b":{}}}', 'nothing'],
    ['an empty object next to a value', '{"a":{"b":{}},"c":1,"d":{}}', { copied: '{"c":1}' }],
    ['an empty array', '[]', 'nothing'],
    ['an empty array in an object', '{"a":[]}', 'nothing'],
    ['an empty array in an object in an object', '{"a":{"b":[]}}', 'nothing'],
    ['an empty array at the deepest level', '{"a":{"b":{"c":[]}}}', 'nothing'],
    ['an empty array next to a value', '{"a":[],"b":1}', { copied: '{"b":1}' }],
    ['an array of an empty object', '[{}]', 'nothing'],
    ['an array of empty objects', '[{},{"a":null},{"b":[]}]', 'nothing'],
    ['an array of an empty object in an object', '{"a":[{}],"b":{"c":[{},{}]}}', 'nothing'],
    ['an array of an empty object and others', '[{},{"a":1},{}]', { copied: '[{},{"a":1},{}]' }],
    ['an array of an object of an empty object', '[{"a":{}},{"b":1}]', { copied: '[{},{"b":1}]' }],
    ['an array of an empty array', '[[]]', 'rules'],
    ['an array of strings in an object', '{"a":["x","y"]}', { copied: '{"a":["x","y"]}' }],
    ['an array of objects in an object', '{"a":[{"b":1},{"b":2}]}', { copied: '{"a":[{"b":1},{"b":2}]}' }],
    ['the same key on several levels', '{"a":{"a":{"a":1}}}', { copied: '{"a":{"a":{"a":1}}}' }],
    ['the same key in the objects of an array', '[{"a":1},{"a":2}]', { copied: '[{"a":1},{"a":2}]' }],
    ['the same key before and in an object', '{"a":{"b":1},"b":{"a":2}}', { copied: '{"a":{"b":1},"b":{"a":2}}' }],
    ['a key after an object with it', '{"b":{"a":1},"a":1}', { copied: '{"b":{"a":1},"a":1}' }],
    ['white space', '{ "a" : [ "x" , "y" ] }', { copied: '{"a":["x","y"]}' }],
    [
      'a string with JSON, which stays a string',
      String.raw`{"a":"{\"b\":1}","c":["[]"]}`,
      { copied: String.raw`{"a":"{\"b\":1}","c":["[]"]}` },
    ],
    ['a blank string', '{"a":"","b":1}', 'rules'],
    ['a blank string in an array', '["a"," "]', 'rules'],
    ['numbers in an array', '["a",1]', 'rules'],
    ['an array of booleans', '[true]', 'rules'],
    ['an array of strings and objects', '["a",{}]', 'rules'],
    ['an array of objects and NULL', '[{"a":1},null]', 'rules'],
  ])('%s', (_, json, expected) => {
    for (const kind of ['untyped', 'text', 'float', 'integer'] as const) expectCopy(json, expected, { kind });
    expectCopy(inString(json), expected);
    for (const kind of ['date', 'date_time', 'url', 'label', 'tags'] as const) expectCopy(json, 'rules', { kind });
  });

  const nested = (depth: number, value: string): string => `${'{"a":'.repeat(depth)}${value}${'}'.repeat(depth)}`;

  test.each([1, 2, 3, 5, 8])('are copied up to the configured depth of %i', (depth) => {
    const limits = { object_depth: depth };
    for (const wrap of [(json: string) => json, inString]) {
      for (const value of ['1', '"x"', 'true']) {
        expectCopy(wrap(nested(depth, value)), { copied: nested(depth, value) }, { limits });
        expectCopy(wrap(nested(depth + 1, value)), 'rules', { limits });
      }
      // An array is on the level of the object around it.
      for (const value of ['["x"]', '[{"b":1}]']) {
        expectCopy(wrap(nested(depth - 1, value)), { copied: nested(depth - 1, value) }, { limits });
        expectCopy(wrap(nested(depth, value)), 'rules', { limits });
      }
      for (const value of ['{}', '[{}]']) {
        expectCopy(wrap(nested(depth - 1, value)), 'nothing', { limits });
        expectCopy(wrap(nested(depth, value)), 'rules', { limits });
      }
      expectCopy(wrap(nested(depth, '[]')), 'nothing', { limits });
      expectCopy(wrap(nested(depth + 1, '[]')), 'rules', { limits });
    }
  });

  test('are left to the rules if they are nested deeper than the copier goes', () => {
    const limits = { object_depth: 20 };
    expectCopy(nested(8, '1'), { copied: nested(8, '1') }, { limits });
    expectCopy(nested(9, '1'), 'rules', { limits });
    for (const depth of [1_000, 100_000]) {
      expectCopy(nested(depth, '1'), 'rules', { limits });
      expectCopy('['.repeat(depth), 'rules', { limits });
      expectCopy('[{"a":'.repeat(depth), 'rules', { limits });
    }
  });

  const membersOf = (count: number, more = ''): string =>
    `{${Array.from({ length: count }, (_, index) => `"k${index}":${index}`).join()}${more}}`;

  test('are copied with up to 20 members, not counting those with nothing to send', () => {
    for (const wrap of [(json: string) => json, inString]) {
      expectCopy(wrap(membersOf(20)), { copied: membersOf(20) });
      expectCopy(wrap(membersOf(21)), 'rules');
      expectCopy(wrap(membersOf(20, ',"n":null,"e":{},"f":[]')), { copied: membersOf(20) });
      expectCopy(wrap(`{"a":${membersOf(20)},"b":[${membersOf(20)}]}`), {
        copied: `{"a":${membersOf(20)},"b":[${membersOf(20)}]}`,
      });
      expectCopy(wrap(`{"a":${membersOf(21)}}`), 'rules');
      expectCopy(wrap(`[${membersOf(21)}]`), 'rules');
      expectCopy(wrap(membersOf(2)), { copied: membersOf(2) }, { limits: { attributes_per_object: 2 } });
      expectCopy(wrap(membersOf(3)), 'rules', { limits: { attributes_per_object: 2 } });
    }
  });

  const itemsOf = (count: number, item: string): string => `[${Array.from({ length: count }, () => item).join()}]`;

  test.each(['"x"', '{"a":1}'])('are copied with up to 25 items: %s', (item) => {
    for (const wrap of [(json: string) => json, inString]) {
      expectCopy(wrap(itemsOf(25, item)), { copied: itemsOf(25, item) });
      expectCopy(wrap(itemsOf(26, item)), 'rules');
      expectCopy(wrap(`{"a":${itemsOf(25, item)}}`), { copied: `{"a":${itemsOf(25, item)}}` });
      expectCopy(wrap(`{"a":${itemsOf(26, item)}}`), 'rules');
      expectCopy(wrap(itemsOf(1, item)), { copied: itemsOf(1, item) }, { limits: { array_items: 1 } });
      expectCopy(wrap(itemsOf(2, item)), 'rules', { limits: { array_items: 1 } });
    }
  });

  test('of empty objects also count their items', () => {
    expectCopy(itemsOf(25, '{}'), 'nothing');
    expectCopy(itemsOf(26, '{}'), 'rules');
  });
});

describe('keys', () => {
  test.each<[what: string, json: string, expected: Outcome]>([
    ['date__x', '{"date__x":"2026-04-17T04:25:00Z"}', { copied: '{"date(x)":"2026-04-17T04:25:00Z"}' }],
    ['date(x)', '{"date(x)":"2026-04-17T04:25:00Z"}', { copied: '{"date(x)":"2026-04-17T04:25:00Z"}' }],
    ['url__x', '{"url__x":"https://example.com"}', { copied: '{"url(x)":"https://example.com"}' }],
    ['url(x)', '{"url(x)":"https://example.com"}', { copied: '{"url(x)":"https://example.com"}' }],
    ['date__x with NULL', '{"date__x":null,"a":1}', { copied: '{"a":1}' }],
    ['batch__label, which is nothing special here', '{"batch__label":"x"}', { copied: '{"batch__label":"x"}' }],
    [
      'custom_id and event_name',
      '{"custom_id":"x","event_name":"y"}',
      { copied: '{"custom_id":"x","event_name":"y"}' },
    ],
    ['30 characters', `{"${'k'.repeat(30)}":1}`, { copied: `{"${'k'.repeat(30)}":1}` }],
    ['__proto__', '{"__proto__":1,"a":2}', { copied: '{"__proto__":1,"a":2}' }],
    ['__proto__ with an object', '{"__proto__":{"a":1}}', { copied: '{"__proto__":{"a":1}}' }],
    ['__proto__ with NULL', '{"__proto__":null,"a":1}', { copied: '{"a":1}' }],
    ['__proto__ with an array', '{"__proto__":["x"]}', { copied: '{"__proto__":["x"]}' }],
    ['names of Object.prototype', '{"constructor":1,"valueof":"x"}', { copied: '{"constructor":1,"valueof":"x"}' }],
    ['a digit after the first character', '{"a1":1,"_2":2}', { copied: '{"a1":1,"_2":2}' }],
    ['date__x and x, of which one is NULL', '{"date__x":null,"x":1}', { copied: '{"x":1}' }],
    ['x and url__x, of which one is empty', '{"x":[],"url__x":"https://a.b"}', { copied: '{"url(x)":"https://a.b"}' }],
    ['date__x and x', '{"date__x":"2026-04-17T04:25:00Z","x":1}', 'rules'],
    ['x and date__x', '{"x":1,"date__x":"2026-04-17T04:25:00Z"}', 'rules'],
    ['date__x and date(x)', '{"date__x":"2026-04-17T04:25:00Z","date(x)":"2026-04-17T04:25:00Z"}', 'rules'],
    ['x and url(x)', '{"x":1,"url(x)":"https://a.b"}', 'rules'],
    ['a key twice', '{"a":1,"a":2}', 'rules'],
    ['a key twice, first with NULL', '{"a":null,"a":2}', 'rules'],
    ['a key twice, then with NULL', '{"a":1,"a":null}', 'rules'],
    ['a key twice, then empty', '{"a":1,"a":{}}', 'rules'],
    ['a key twice, with others between', '{"a":1,"b":{"a":2,"c":3},"a":4}', 'rules'],
    ['a key twice in a nested object', '{"b":{"a":1,"a":2}}', 'rules'],
    ['a key twice in an object of an array', '[{"a":1},{"a":1,"a":2}]', 'rules'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', 'rules'],
    ['integers, which JavaScript moves to the start', '{"b":1,"2":2,"1":3}', 'rules'],
    ['an integer', '{"1":1}', 'rules'],
    ['zero', '{"0":1}', 'rules'],
    ['a digit first', '{"1a":1}', 'rules'],
    ['an empty key', '{"":1}', 'rules'],
    ['31 characters', `{"${'k'.repeat(31)}":1}`, 'rules'],
    ['a space', '{"a b":1}', 'rules'],
    ['a hyphen', '{"a-b":1}', 'rules'],
    ['a dot', '{"a.b":1}', 'rules'],
    ['$label', '{"$label":"x"}', 'rules'],
    ['an accented letter', '{"é":1}', 'rules'],
    ['an escape', String.raw`{"\u0061":1}`, 'rules'],
    ['an escaped quote', String.raw`{"a\"":1}`, 'rules'],
    ['only a prefix', '{"date__":"2026-04-17T04:25:00Z"}', 'rules'],
    [
      'a prefix twice',
      '{"date__url__x":"2026-04-17T04:25:00Z"}',
      { copied: '{"date(url__x)":"2026-04-17T04:25:00Z"}' },
    ],
    ['an invalid key whose value is NULL', '{"a b":null,"c":1}', 'rules'],
  ])('%s', (_, json, expected) => {
    expectCopy(json, expected);
    expectCopy(inString(json), expected);
  });

  test('with capital letters are left to the rules until the rules have reported them', () => {
    const rules = rulesOf({});
    const copier = rules.writer.createCopier();
    const json = '{"unitPrice":1,"b":[{"SKU":"x"}],"DATE__at":"2026-04-17T04:25:00Z"}';
    const sent = '{"unitprice":1,"b":[{"sku":"x"}],"date(at)":"2026-04-17T04:25:00Z"}';
    for (let row = 0; row < 2; row += 1) expect(copy(json, {}, rules, copier)).toBe('rules');
    expect(rules.writer.convert(JSON.parse(json), 'untyped', 'column')).toBe(sent);
    // Of an event that is not sent, nothing is reported.
    expect(copy(json, {}, rules, copier)).toBe('rules');
    expect(rules.writer.convert(JSON.parse(json), 'untyped', 'column')).toBe(sent);
    expect(rules.issues.drainChanges().map(({ path, code }) => [path, code])).toEqual([
      ['column.unitPrice', 'name_lower_cased'],
      ['column.b[0].SKU', 'name_lower_cased'],
      ['column.DATE__at', 'name_lower_cased'],
    ]);
    for (const wrap of [(text: string) => text, inString]) {
      expect(copy(wrap(json), {}, rules, copier)).toEqual({ copied: sent });
      expect(convert(wrap(json), {}, rules)).toEqual({ copied: sent });
    }
    // Of keys that become the same name, the rules send the first.
    for (const same of ['{"unitPrice":1,"unitprice":2}', '{"unitprice":1,"unitPrice":2}']) {
      expect(copy(same, {}, rules, copier)).toBe('rules');
    }
    expect(copy('{"unitPrice":null,"unitprice":2}', {}, rules, copier)).toEqual({ copied: '{"unitprice":2}' });
    expect(convert('{"unitPrice":null,"unitprice":2}', {}, rules)).toEqual({ copied: '{"unitprice":2}' });
    // Another spelling of a reported name is reported too.
    expect(copy('{"UnitPrice":1}', {}, rules, copier)).toBe('rules');
  });

  test('with capital letters are always left to the rules if the policy drops them', () => {
    const policies = { capital_letters: 'drop' } as const;
    expectCopy('{"unitPrice":1}', 'rules', { policies });
    expectCopy('{"a":1,"B":null}', 'rules', { policies });
  });

  test('are distinguished if one begins with another', () => {
    const rules = rulesOf({});
    const copier = rules.writer.createCopier();
    for (const letter of 'abcdefghijklmnopqrstuvwxyz_') {
      for (let length = 1; length <= 30; length += 1) {
        const json = `{"${letter.repeat(length)}":1}`;
        expect(copy(json, {}, rules, copier)).toEqual({ copied: json });
      }
    }
  });

  test('are found again after many others, and after the names were forgotten', () => {
    const rules = rulesOf({});
    const copier = rules.writer.createCopier();
    const seen = (): Outcome[] =>
      ['{"k1":1}', '{"k999":1}', '{"k1":{"k2":["x"]}}'].map((json) => copy(json, {}, rules, copier));
    const expected = [{ copied: '{"k1":1}' }, { copied: '{"k999":1}' }, { copied: '{"k1":{"k2":["x"]}}' }];
    for (let key = 0; key < 1_000; key += 1) {
      expect(copy(`{"k${key}":1}`, {}, rules, copier)).toEqual({ copied: `{"k${key}":1}` });
    }
    // There are too many keys, such as those of a Map column.
    expect(copy('{"k1000":1}', {}, rules, copier)).toBe('rules');
    expect(seen()).toEqual(expected);
    rules.clear();
    copier.clear();
    expect(copy('{"k1000":1}', {}, rules, copier)).toEqual({ copied: '{"k1000":1}' });
    expect(seen()).toEqual(expected);
  });
});

describe('numbers, booleans and NULL', () => {
  test.each([
    '0',
    '-0',
    '1',
    '-1',
    '100',
    '123456789012345678',
    '-12345678901234567',
    '12.5',
    '-12.25',
    '-0.5',
    '0.0',
    '-0.0',
    '1.0',
    '1.50',
    '100.00',
    '0.000001',
    '0.0000001',
    '0.30000000000000004',
    '123456789012345678.12345678901234567890',
    'true',
    'false',
  ])('copies %s', (json) => {
    for (const kind of ['untyped', 'text'] as const) expectCopy(json, { copied: json }, { kind });
    expectCopy(`{"a":${json}}`, { copied: `{"a":${json}}` });
    expectCopy(inString(`{"a": ${json} }`), { copied: `{"a":${json}}` });
    for (const kind of ['date', 'date_time', 'url', 'label', 'tags'] as const) expectCopy(json, 'rules', { kind });
    for (const key of ['date__a', 'url__a']) expectCopy(`{"${key}":${json}}`, 'rules');
    // Only a float may have a fraction. One without a fraction becomes longer, which the next test allows.
    const hasFraction = json.includes('.');
    const isNumber = !/[a-z]/.test(json);
    expectCopy(json, isNumber && !hasFraction ? 'rules' : { copied: json }, { kind: 'float' });
    expectCopy(json, hasFraction ? 'rules' : { copied: json }, { kind: 'integer' });
  });

  test.each(['0', '-0', '1', '-12', '123456789012345678'])('copies %s with a point in a column of floats', (json) => {
    expectCopy(json, { copied: `${json}.0` }, { kind: 'float', spareBytes: 2 });
    expectCopy(json, 'rules', { kind: 'float', spareBytes: 1 });
  });

  test.each([
    '1e3',
    '1E3',
    '1e-3',
    '1.5e+3',
    '1e400',
    '1234567890123456789',
    '-123456789012345678',
    '12345678901234567890.5',
    // Not valid JSON.
    '01',
    '00',
    '-',
    '-01',
    '+1',
    '.5',
    '1.',
    '1.e3',
    '1.5.2',
    '1-2',
    '1e',
    'NaN',
    'Infinity',
    'nul',
    'tru',
    'True',
    'undefined',
    'e',
    '',
  ])('leaves %s to the rules', (json) => {
    for (const kind of KINDS) expectCopy(json, 'rules', { kind, spareBytes: 2 });
    for (const value of [`{"a":${json}}`, `{"a":${json} }`, `{"b":{"a":${json},"c":1}}`]) {
      expectCopy(value, 'rules');
      expectCopy(inString(value), 'rules');
    }
  });

  test('sends nothing for NULL, in a column of any kind', () => {
    for (const kind of KINDS) expectCopy('null', 'nothing', { kind });
    expectCopy('{"date__a":null,"url__b":null,"c":null}', 'nothing');
    // A string.
    expectCopy('"null"', { copied: '"null"' });
  });
});

test.each<[json: string, copied: string | undefined]>([
  ['{"f":1,"i":2,"u":3,"o":{"i":4,"x":5}}', '{"f":1.0,"i":2,"u":3,"o":{"i":4,"x":5.0}}'],
  ['[{"f":-1},{"i":2,"f":3.50}]', '[{"f":-1.0},{"i":2,"f":3.50}]'],
  ['{"u":{"f":1},"date__f":null}', '{"u":{"f":1}}'],
  ['{"i":2.0}', undefined],
  ['{"f":"x","o":7}', undefined],
  // The numbers in a string are sent as they came.
  [inString('{"f":1,"i":2.0}'), '{"f":1,"i":2.0}'],
])('copies the members of an object by their types: %s', (json, copied) => {
  const members: MemberTypes = {
    named: new Map<string, 'float' | 'integer' | MemberTypes>([
      ['f', 'float'],
      ['i', 'integer'],
      ['o', { named: new Map([['i', 'integer']]), others: 'float' }],
      ['date__f', 'float'],
    ]),
    others: undefined,
  };
  expectCopy(json, copied === undefined ? 'rules' : { copied }, { members, spareBytes: 20 });
});

describe('timestamps', () => {
  test.each([
    '2026-04-17T04:25:00Z',
    '2026-04-17T04:25:00.5Z',
    '2026-04-17T04:25:00.123456789Z',
    '2024-02-29T00:00:00Z',
    '2000-02-29T23:59:59Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ])('copies %s', (text) => {
    const json = JSON.stringify(text);
    for (const kind of ['date', 'date_time', 'untyped', 'text'] as const) expectCopy(json, { copied: json }, { kind });
    expectCopy(`{"date__a":${json}}`, { copied: `{"date(a)":${json}}` });
    expectCopy(inString(`{"date(a)":${json}}`), { copied: `{"date(a)":${json}}` });
  });

  test.each([
    '2026-04-17',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2016-12-31T23:59:60Z',
    '2026-04-17T24:00:00Z',
    '2026-04-17T04:60:00Z',
    '2026-04-17T04:25:00',
    '2026-04-17 04:25:00',
    '2026-04-17t04:25:00z',
    '2026-04-17T04:25:00+00:00',
    '2026-04-17T04:25:00+02:00',
    '2026-04-17T04:25:00.Z',
    '2026-04-17T04:25:00Z ',
    ' 2026-04-17T04:25:00Z',
    '2026-04-17T04:25:00Z"',
    '2026-04-17T04:25:00\\Z',
    '2026-04-17T04:25:00é',
    'today',
    '',
    ' ',
  ])('leaves %j to the rules', (text) => {
    for (const kind of ['date', 'date_time'] as const) expectCopy(JSON.stringify(text), 'rules', { kind });
    expectCopy(`{"date__a":${JSON.stringify(text)}}`, 'rules');
    expectCopy(inString(`{"date__a":${JSON.stringify(text)}}`), 'rules');
  });

  test('leaves a timestamp whose JSON contains an escape to the rules', () => {
    expectCopy(String.raw`"2026-04-17T04:25:00\u005a"`, 'rules', { kind: 'date' });
  });

  test('does not depend on the timestamps before it', () => {
    const rules = rulesOf({});
    const copier = rules.writer.createCopier();
    for (const text of [
      '2026-02-29T00:00:00Z',
      '2026-02-28T00:00:00Z',
      '2026-02-29T00:00:00Z',
      '2026-02-28T25:00:00Z',
    ]) {
      const json = JSON.stringify(text);
      expect([text, copy(json, { kind: 'date' }, rules, copier)]).toEqual([
        text,
        convert(json, { kind: 'date' }, rulesOf({})),
      ]);
    }
  });
});

describe('URLs', () => {
  test.each([
    ['"https://example.com"', '"https://example.com"'],
    ['"http://example.com/a?b=c#d"', '"http://example.com/a?b=c#d"'],
    [String.raw`"https:\/\/example.com\/a\/b"`, '"https://example.com/a/b"'],
    [String.raw`"http:\/\/example.com/a"`, '"http://example.com/a"'],
    ['"https://1.2.3.4:8080/"', '"https://1.2.3.4:8080/"'],
    ['"https://a"', '"https://a"'],
    ['"https://a/\u007f"', '"https://a/\u007f"'],
  ])('copies %s', (json, copied) => {
    expectCopy(json, { copied }, { kind: 'url' });
    expectCopy(`{"url__a":${json}}`, { copied: `{"url(a)":${copied}}` });
    const inner = inString(`{"url(a)":${copied}}`);
    expectCopy(inner, { copied: `{"url(a)":${copied}}` });
    // As ClickHouse writes it, with escaped slashes.
    expectCopy(inner.replaceAll('/', String.raw`\/`), { copied: `{"url(a)":${copied}}` });
    // The slashes were already escaped in the JSON inside the string.
    if (json !== copied) expectCopy(inString(`{"url(a)":${json}}`), 'rules');
  });

  test.each([
    '""',
    '" "',
    '"shop"',
    '"https:"',
    '"https://"',
    '"https:// a"',
    '"https:///a"',
    '"https://?a"',
    '"https://a b"',
    '"https://a/b "',
    '" https://a"',
    '"HTTPS://a"',
    '"ftp://a"',
    '"https://A"',
    '"https://éa"',
    '"https://a/é"',
    '"https://a/\u00a0"',
    '"https://a/\u3000b"',
    String.raw`"https:/\/a"`,
    String.raw`"https:\//a"`,
    String.raw`"https://a\nb"`,
    String.raw`"https://a\"b"`,
    String.raw`"https://a\\b"`,
    String.raw`"https://a\u002fb"`,
    '7',
    'true',
    '{"a":"https://a"}',
    '["https://a"]',
  ])('leaves %s to the rules', (json) => {
    expectCopy(json, 'rules', { kind: 'url' });
    expectCopy(`{"url__a":${json}}`, 'rules');
  });

  test('copies a URL up to the limit', () => {
    const url = '"https://example.com/"';
    const limits = { url_characters: url.length - 2 };
    expectCopy(url, { copied: url }, { kind: 'url', limits });
    expectCopy(String.raw`"https:\/\/example.com\/"`, { copied: url }, { kind: 'url', limits });
    expectCopy('"https://example.com/a"', 'rules', { kind: 'url', limits });
    expectCopy(String.raw`"https:\/\/example.com\/a"`, 'rules', { kind: 'url', limits });
    const longest = `"https://a/${'x'.repeat(2048 - 'https://a/'.length)}"`;
    expectCopy(longest, { copied: longest }, { kind: 'url' });
    expectCopy(longest.replace('xx', 'xxx'), 'rules', { kind: 'url' });
  });
});

describe('the JSON of values that the rules have converted', () => {
  const started = (room: number, spareBytes: number): { slab: Slab; copier: JsonCopier } => {
    const slab = slabOf(room);
    const copier = rulesOf({}).writer.createCopier();
    copier.start(viewOf(Buffer.alloc(0)), 0, slab, 2, spareBytes);
    return { slab, copier };
  };

  test('is written after what was written before', () => {
    const { slab, copier } = started(20, 100);
    copier.write(new BytePattern(',"a":'));
    expect(copier.writeText('"é"', 4)).toBe(true);
    copier.write(new BytePattern(',"b":'));
    expect(copier.writeText('1', 3)).toBe(true);
    expect([copier.to, slab.bytes.toString('utf8', 2, copier.to)]).toEqual([17, ',"a":"é","b":1']);
  });

  test('may be longer than the values by the number of spare bytes, but not by one more', () => {
    const { slab, copier } = started(40, 5);
    // Three bytes longer than its value, then two, then one.
    for (const [json, sourceBytes, isWritten, to] of [
      ['"éé"', 3, true, 8],
      ['"1"', 1, true, 11],
      ['"1"', 2, false, 11],
    ] as const) {
      expect([copier.writeText(json, sourceBytes), copier.to]).toEqual([isWritten, to]);
    }
    expect(slab.bytes.subarray(11).every((byte) => byte === 0)).toBe(true);
  });

  test('does not gain spare bytes from values that become shorter', () => {
    const { copier } = started(100, 1);
    expect(copier.writeText('1', 50)).toBe(true);
    expect(copier.writeText('"12"', 2)).toBe(false);
  });

  test('has all spare bytes again in the next row', () => {
    const { slab, copier } = started(100, 2);
    for (let row = 0; row < 3; row += 1) {
      expect(copier.writeText('"1"', 1)).toBe(true);
      copier.start(viewOf(Buffer.alloc(0)), 0, slab, 2, 2);
    }
  });
});

describe('a string that contains JSON, as a string', () => {
  test.each([
    '{"a":"x","b":[{"c":1},{}],"d":null}',
    '["é","👕"]',
    '{"a":"x\\ny \\"z\\" \\\\ \\/"}',
    '{ "a" : [ "x" ] }',
    '{}',
    '[]',
  ])('is converted as the rules convert it: %s', (text) => {
    const { writer } = rulesOf({});
    writer.startEvent();
    expect(new TextConverter(writer.createCopier()).convert(text)).toBe(
      withRulesOnly(() => writer.convert(text, 'untyped', 'column')) ?? '',
    );
  });

  test.each(['{"a":1', '[x', '{"a":"\ud800"}', '["a",1]', '{"a":1} x', '{"a":1e3}', `["${'x'.repeat(6_000)}"]`])(
    'is left to the rules: %j',
    (text) => {
      expect(new TextConverter(rulesOf({}).writer.createCopier()).convert(text)).toBeUndefined();
    },
  );
});
