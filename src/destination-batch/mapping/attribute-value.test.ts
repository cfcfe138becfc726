import { describe, expect, test } from 'vitest';
import { parseExact } from '../../shared/exact-json.ts';
import { DEFAULT_LIMITS, type Limits } from '../batch/limits.ts';
import type { AttributeCode } from '../codes.ts';
import { DEFAULT_POLICIES, type Policies } from '../config/policies.ts';
import { AttributeNames } from './attribute-name.ts';
import { AttributeWriter, type ValueKind } from './attribute-value.ts';
import { RowIssues } from './issues.ts';

type Result = { sent?: string; leftOut?: LeftOut[]; changed?: string[] };
type LeftOut = { path: string; code: AttributeCode; reason: string };

/** More strings than a cache would keep. */
const MANY_TEXTS = 5_000;

function writerWith(limits: Limits = DEFAULT_LIMITS, policies: Policies = DEFAULT_POLICIES) {
  const issues = new RowIssues();
  issues.setColumn('v');
  return { issues, writer: new AttributeWriter(limits, policies, new AttributeNames(policies), issues) };
}

/** Converts a value, given as JSON: the JSON that is sent, and what is left out of it. */
function convert(
  json: string,
  kind: ValueKind = 'untyped',
  limits: Limits = DEFAULT_LIMITS,
  policies: Partial<Policies> = {},
): Result {
  const row = parseExact(`{"v":${json}}`) as { v: unknown };
  const { issues, writer } = writerWith(limits, { ...DEFAULT_POLICIES, ...policies });
  const written = writer.convert(row.v, kind, 'v');
  const leftOut: LeftOut[] = issues.leftOut.map(({ path, code, reason }) => ({ path, code, reason }));
  if (typeof written === 'object') leftOut.push({ path: 'v', ...written });
  return {
    ...(typeof written === 'string' && { sent: written }),
    ...(leftOut.length > 0 && { leftOut }),
    ...(issues.drainChanges().length > 0 && {
      changed: issues.drainChanges().map(({ path, code, reason }) => `${path} ${reason} (${code})`),
    }),
  };
}

/** JSON in a String column. */
const asText = (json: string) => JSON.stringify(json);

const texts = (count: number) => JSON.stringify(Array.from({ length: count }, (_, index) => `item ${index}`));
const attributes = (count: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index])));

describe('sends unchanged', () => {
  test.each([
    ['a string', '"Tee"'],
    ['a string of one character', '"x"'],
    ['a string of 300 characters', JSON.stringify('x'.repeat(300))],
    ['a string of 150 characters that take two units each', JSON.stringify('😀'.repeat(150))],
    ['a string with white space around it', '" a "'],
    ['a string of several lines', '"a\\nb"'],
    ['a string of a control character', '"\\u0001"'],
    ['a string with a line separator', '"a\u2028b"'],
    ['a string of digits', '"12345678901234567890"'],
    ['the string "true"', '"true"'],
    ['the string "null"', '"null"'],
    ['a string that looks like a URL', '"https://example.com"'],
    ['a string that looks like a date', '"2026-04-17T04:25:00Z"'],
    ['a string in brackets', '"[draft] a new [one]"'],
    ['a string in braces', '"{name}"'],
    ['an array that is not closed', '"[1,2"'],
    ['an array with an extra comma', '"[1,2,]"'],
    ['an array in single quotes', `"['a']"`],
    ['an object without quotes', '"{a:1}"'],
    ['an object with more text after it', '"{} x"'],
    ['two arrays', '"[1][2]"'],
    ['an array that begins with a brace', '"{1]"'],
    ['the JSON of a string', '"\\"x\\""'],
    ['nothing but brackets that do not match', '"[}"'],
  ])('string: %s', (_, json) => {
    expect(convert(json)).toEqual({ sent: json });
  });

  test.each([
    '0',
    '-1',
    '23.99',
    '1e-7',
    '9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
    '0.123456789012345678901234567890',
    '-123456789012345678901234567890.5',
    '12345678901234567890.0',
    '100000000000000000000000000000000e-10',
  ])('number: %s', (json) => {
    expect(convert(json)).toEqual({ sent: json });
  });

  test.each(['true', 'false'])('boolean: %s', (json) => {
    expect(convert(json)).toEqual({ sent: json });
  });

  // A double of this size is not an integer of more than 64 bits, so it must not be written as one.
  test.each(['1e19', '-9.3e18', '1E+20'])('number in the form of a double: %s', (json) => {
    expect(convert(json)).toEqual({ sent: json });
  });
});

const structures: [name: string, json: string, sent: string][] = [
  ['an array of strings', '["first_purchase","apple_pay"]', '["first_purchase","apple_pay"]'],
  ['an array of one string', '["x"]', '["x"]'],
  ['an array of 25 strings', texts(25), texts(25)],
  ['an array of strings that contain JSON', '["[1]","{}"]', '["[1]","{}"]'],
  [
    'an array of objects',
    '[{"name":"Tee","price":23.99},{"name":"Cap"}]',
    '[{"name":"Tee","price":23.99},{"name":"Cap"}]',
  ],
  ['white space anywhere', ' \n{ "a" :\t[ "x" , "y" ] }\r\n ', '{"a":["x","y"]}'],
  ['an object', '{"city":"Paris","zip_code":75003}', '{"city":"Paris","zip_code":75003}'],
  ['an object of 20 attributes', attributes(20), attributes(20)],
  [
    'typed names in an object',
    '{"url(item_url)":"https://example.com","date(at)":"2026-04-17T06:25:00+02:00"}',
    '{"url(item_url)":"https://example.com","date(at)":"2026-04-17T04:25:00Z"}',
  ],
  ['typed names in an array of objects', '[{"date(day)":"2026-04-17"}]', '[{"date(day)":"2026-04-17T00:00:00Z"}]'],
  ['a typed name of 30 characters', `{"url(${'x'.repeat(30)})":"https://a"}`, `{"url(${'x'.repeat(30)})":"https://a"}`],
  [
    'typed names with a prefix, as columns have them',
    '{"url__page":"https://a","date__at":"2026-04-17","b":[{"date__day":"2026-04-17"}]}',
    '{"url(page)":"https://a","date(at)":"2026-04-17T00:00:00Z","b":[{"date(day)":"2026-04-17T00:00:00Z"}]}',
  ],
  [
    'a name that a nested object has too',
    '{"x":1,"o":{"x":2,"p":{"x":3}},"y":4}',
    '{"x":1,"o":{"x":2,"p":{"x":3}},"y":4}',
  ],
  ['the same names in each object of an array', '[{"x":1},{"url(x)":"https://a"}]', '[{"x":1},{"url(x)":"https://a"}]'],
  ['three levels of objects', '{"a":{"b":{"c":1}}}', '{"a":{"b":{"c":1}}}'],
  ['three levels of objects in arrays', '[{"a":[{"b":[{"c":1}]}]}]', '[{"a":[{"b":[{"c":1}]}]}]'],
  ['an array in the second level of objects', '{"a":{"b":["x"]}}', '{"a":{"b":["x"]}}'],
  [
    'numbers beyond 2^53',
    '{"a":9007199254740993,"b":[{"c":-9223372036854775808}]}',
    '{"a":9007199254740993,"b":[{"c":-9223372036854775808}]}',
  ],
  ['decimals of 30 digits', '{"a":0.123456789012345678901234567890}', '{"a":0.123456789012345678901234567890}'],
  ['strings that contain JSON, which stay strings', '{"a":"[\\"x\\"]","b":"{}"}', '{"a":"[\\"x\\"]","b":"{}"}'],
  [
    'names that JavaScript objects have',
    '{"__proto__":{"constructor":1},"constructor":"x"}',
    '{"__proto__":{"constructor":1},"constructor":"x"}',
  ],
  ['the last of two equal names', '{"a":1,"a":2}', '{"a":2}'],
  ['the last of two equal names, one of them long', '{"a":9007199254740993,"a":2}', '{"a":2}'],
  ['NULLs left out of an object', '{"a":1,"b":null,"date(c)":null,"url(d)":null}', '{"a":1}'],
  ['empty arrays and objects left out of an object', '{"a":1,"b":[],"c":{},"d":[{}],"e":{"f":null}}', '{"a":1}'],
  [
    'empty objects kept in an array, so that the others keep their places',
    '[{"a":1},{},{"b":null},{"c":2}]',
    '[{"a":1},{},{},{"c":2}]',
  ],
  ['empty objects kept in an array inside an object', '{"a":[{},{"b":1}]}', '{"a":[{},{"b":1}]}'],
];

describe.each([
  ['in a string', asText],
  ['native', (json: string) => json],
])('sends arrays and objects, %s', (_, form) => {
  test.each(structures)('%s', (_, json, sent) => {
    expect(convert(form(json))).toEqual({ sent });
  });
});

describe.each([
  ['in a string', asText],
  ['native', (json: string) => json],
])('sends and reports nothing for empty arrays and objects, %s', (_, form) => {
  test.each(['[]', '{}', ' [ ] ', '[{}]', '[{},{"a":null}]', '{"a":null}', '{"a":{"b":[]}}'])('%s', (json) => {
    expect(convert(form(json))).toEqual({});
  });
});

test.each(['untyped', 'date', 'url'] as const)('sends and reports nothing for NULL as %s', (kind) => {
  expect(convert('null', kind)).toEqual({});
});

describe('leaves out', () => {
  const beyond64Bits =
    'is an integer of more than 64 bits. To keep its digits, convert it to a string in a view, for example with toString(c)';
  const cases: [name: string, json: string, code: AttributeCode, reason: string][] = [
    ['an empty string', '""', 'text_blank', 'is blank'],
    ['a string of white space', '" \\t\\n\\u00a0"', 'text_blank', 'is blank'],
    [
      'a string of 301 characters',
      JSON.stringify('x'.repeat(301)),
      'text_too_long',
      'has 301 characters, but Batch accepts at most 300',
    ],
    [
      'a string of 151 characters of two units',
      JSON.stringify('😀'.repeat(151)),
      'text_too_long',
      'has 302 characters in UTF-16 (an emoji counts as two or more), but Batch accepts at most 300',
    ],
    [
      'broken JSON of 301 characters',
      JSON.stringify(`[${'x'.repeat(300)}`),
      'text_too_long',
      'has 301 characters, but Batch accepts at most 300',
    ],
    [
      'the first half of a surrogate pair',
      '"a\\ud83d"',
      'text_malformed',
      'is not valid Unicode (half of a surrogate pair)',
    ],
    [
      'the second half of a surrogate pair',
      '"\\ude00b"',
      'text_malformed',
      'is not valid Unicode (half of a surrogate pair)',
    ],
    ['2^63', '9223372036854775808', 'number_out_of_range', beyond64Bits],
    ['-2^63 - 1', '-9223372036854775809', 'number_out_of_range', beyond64Bits],
    ['the largest UInt64', '18446744073709551615', 'number_out_of_range', beyond64Bits],
    ['an Int256', `1${'0'.repeat(76)}`, 'number_out_of_range', beyond64Bits],
    ['1e999', '1e999', 'number_out_of_range', 'is too large for a 64-bit float'],
    ['-1e999', '-1e999', 'number_out_of_range', 'is too large for a 64-bit float'],
    ['a fraction beyond a double', `${'9'.repeat(400)}.5`, 'number_out_of_range', 'is too large for a 64-bit float'],
  ];
  test.each(cases)('%s', (_, json, code, reason) => {
    expect(convert(json)).toEqual({ leftOut: [{ path: 'v', code, reason }] });
  });

  const lists = 'but Batch accepts only arrays of strings or arrays of objects';
  const scalars = `is an array of numbers or booleans, ${lists}. Convert its items to strings in a view, for example with arrayMap(x -> toString(x), c)`;
  const withNull = `is an array that contains a NULL, ${lists}. Remove the NULLs in a view, for example with arrayFilter(x -> isNotNull(x), c)`;
  const ofLists = `is an array of arrays, ${lists}. In a view, convert it to one array, for example with arrayFlatten(c), or to a string, for example with toJSONString(c)`;
  const ofAllSorts = `is an array of mixed types, ${lists}. Convert its items to strings in a view, for example with arrayMap(x -> toString(x), c)`;
  const structureCases: [name: string, json: string, code: AttributeCode, reason: string][] = [
    ...(
      [
        ['an array of numbers', '[1,2,3]', scalars],
        ['an array of booleans', '[true]', scalars],
        ['an array of long numbers', '[9007199254740993]', scalars],
        ['an array of strings and numbers', '["a",1]', ofAllSorts],
        ['an array of a blank string and a number', '["",1]', ofAllSorts],
        ['an array of numbers and strings', '[1,"a"]', ofAllSorts],
        ['an array of strings and objects', '["a",{"b":1}]', ofAllSorts],
        ['an array of objects and long numbers', '[{"b":1},9007199254740993]', ofAllSorts],
        ['an array with a NULL in it', '["a",null]', withNull],
        ['an array that begins with a NULL', '[null,"a"]', withNull],
        ['an array of only NULL', '[null]', withNull],
        ['an array of arrays', '[["a"]]', ofLists],
        ['an array of objects and an array', '[{"a":1},[]]', ofLists],
        ['arrays in arrays without end', '['.repeat(5_000) + ']'.repeat(5_000), ofLists],
      ] as const
    ).map(([name, json, reason]): [string, string, AttributeCode, string] => [
      name,
      json,
      'array_of_unsupported_items',
      reason,
    ]),
    ['an array of 26 strings', texts(26), 'array_too_long', 'has 26 items, but Batch accepts at most 25'],
    [
      'an array of 26 objects',
      `[${Array(26).fill('{"a":1}').join()}]`,
      'array_too_long',
      'has 26 items, but Batch accepts at most 25',
    ],
    ['an array with a blank string in it', '["a"," "]', 'text_blank', 'contains an item that is blank'],
    [
      'an array with a long string in it',
      `["a","${'x'.repeat(301)}"]`,
      'text_too_long',
      'contains an item that has 301 characters, but Batch accepts at most 300',
    ],
    [
      'an array with half a surrogate pair in it',
      '["a","\\ud83d"]',
      'text_malformed',
      'contains an item that is not valid Unicode (half of a surrogate pair)',
    ],
  ];
  test.each(structureCases)('%s', (_, json, code, reason) => {
    const expected = { leftOut: [{ path: 'v', code, reason }] };
    expect([convert(json), convert(asText(json))]).toEqual([expected, expected]);
  });
});

describe('leaves out of an object, which is sent', () => {
  const cases: [name: string, json: string, sent: string | undefined, leftOut: string[]][] = [
    ['a name of 31 characters', `{"a":1,"${'x'.repeat(31)}":1}`, '{"a":1}', [`v.${'x'.repeat(31)} (name_invalid)`]],
    ['a name with a dot', '{"a":1,"b.c":1}', '{"a":1}', ['v.b.c (name_invalid)']],
    ['an empty name', '{"a":1,"":1}', '{"a":1}', ['v.(key of 0 characters) (name_invalid)']],
    ['a reserved name', '{"a":1,"$label":"x"}', '{"a":1}', ['v.$label (name_invalid)']],
    ['a prefix without a name', '{"a":1,"date__":"2026-04-17"}', '{"a":1}', ['v.date__ (name_invalid)']],
    [
      'a type in both forms, of which the first is sent',
      '{"url__x":"https://a","url(x)":"https://b"}',
      '{"url(x)":"https://a"}',
      ['v.url(x) (name_taken)'],
    ],
    [
      'an untyped name and typed ones that are equal, of which the first is sent',
      '{"x":1,"url(x)":"https://a","date__x":"2026-04-17"}',
      '{"x":1}',
      ['v.url(x) (name_taken)', 'v.date__x (name_taken)'],
    ],
    [
      'the second of two equal names, with an object of that name between them',
      '{"x":1,"o":{"x":2},"url(x)":"https://a"}',
      '{"x":1,"o":{"x":2}}',
      ['v.url(x) (name_taken)'],
    ],
    [
      'an equal name of NULL or of an invalid value does not count',
      '{"x":null,"url__x":"","url(x)":"https://a"}',
      '{"url(x)":"https://a"}',
      ['v.url__x (text_blank)'],
    ],
    ['a typed name without a name', '{"a":1,"date()":"2026-04-17"}', '{"a":1}', ['v.date() (name_invalid)']],
    [
      'a typed name of 31 characters',
      `{"a":1,"date(${'x'.repeat(31)})":"2026-04-17"}`,
      '{"a":1}',
      [`v.date(${'x'.repeat(31)}) (name_invalid)`],
    ],
    ['an unknown type', '{"a":1,"int(x)":1}', '{"a":1}', ['v.int(x) (name_invalid)']],
    [
      'a typed name within another',
      '{"a":1,"date(url(x))":"2026-04-17"}',
      '{"a":1}',
      ['v.date(url(x)) (name_invalid)'],
    ],
    [
      'a typed name with more text after it',
      '{"a":1,"date(x)y":"2026-04-17"}',
      '{"a":1}',
      ['v.date(x)y (name_invalid)'],
    ],
    ['a key that may be data', '{"a":1,"jane@example.com":1}', '{"a":1}', ['v.(key of 16 characters) (name_invalid)']],
    [
      'a typed name with a line break',
      '{"a":1,"date(x\\n)":"2026-04-17"}',
      '{"a":1}',
      ['v.(key of 8 characters) (name_invalid)'],
    ],
    ['an invalid date', '{"a":1,"date(x)":"2026-02-30"}', '{"a":1}', ['v.date(x) (date_invalid)']],
    ['a date that is a number', '{"a":1,"date(x)":1776399900}', '{"a":1}', ['v.date(x) (date_invalid)']],
    ['an invalid URL', '{"a":1,"url(x)":"example.com"}', '{"a":1}', ['v.url(x) (url_invalid)']],
    ['a blank string', '{"a":1,"b":""}', '{"a":1}', ['v.b (text_blank)']],
    [
      'a number too large',
      '{"a":1,"b":9223372036854775808,"c":1e999}',
      '{"a":1}',
      ['v.b (number_out_of_range)', 'v.c (number_out_of_range)'],
    ],
    ['an array of numbers', '{"a":1,"b":[1]}', '{"a":1}', ['v.b (array_of_unsupported_items)']],
    ['the 21st attribute', attributes(21), attributes(20), ['v.k20 (too_many_attributes)']],
    [
      'a value nested four objects deep',
      '{"a":{"b":{"c":{"d":1},"e":2}}}',
      '{"a":{"b":{"e":2}}}',
      ['v.a.b.c (object_too_deep)'],
    ],
    ['objects without end', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, undefined, ['v.a.a.a (object_too_deep)']],
    [
      'an invalid value in an object of an array',
      '[{"a":1},{"b":"","c":2}]',
      '[{"a":1},{"c":2}]',
      ['v[1].b (text_blank)'],
    ],
    [
      'an invalid value deep in an object',
      '{"a":[{"b":{"c":"","d":1}}]}',
      '{"a":[{"b":{"d":1}}]}',
      ['v.a[0].b.c (text_blank)'],
    ],
    [
      'all attributes, so that nothing is sent',
      '{"a":"","b":{"c":""}}',
      undefined,
      ['v.a (text_blank)', 'v.b.c (text_blank)'],
    ],
    // Batch's SDKs count the keys on the path to an array like those to an object.
    [
      'an array at the fourth key',
      '{"a":{"b":{"c":["x"],"d":1}}}',
      '{"a":{"b":{"d":1}}}',
      ['v.a.b.c (object_too_deep)'],
    ],
    [
      'an array at the fourth key, through arrays',
      '[{"a":[{"b":[{"c":["x"],"d":1}]}]}]',
      '[{"a":[{"b":[{"d":1}]}]}]',
      ['v[0].a[0].b[0].c (object_too_deep)'],
    ],
  ];
  test.each(cases)('%s', (_, json, sent, leftOut) => {
    const result = convert(json);
    expect(result.sent).toBe(sent);
    expect(result.leftOut?.map(({ path, code }) => `${path} (${code})`)).toEqual(leftOut);
    expect(convert(asText(json))).toEqual(result);
  });
});

describe('a name in capitals inside an object', () => {
  const cases: [name: string, json: string, sent: string, reported: string[], dropped: string[]][] = [
    ['by itself', '{"City":"Paris"}', '{"city":"Paris"}', ['v.City: city'], ['v.City']],
    [
      'of a type in parentheses',
      '{"url(itemURL)":"https://a"}',
      '{"url(itemurl)":"https://a"}',
      ['v.url(itemURL): url(itemurl)'],
      ['v.url(itemURL)'],
    ],
    [
      'with its type',
      '{"URL(x)":"https://a","DATE__y":"2026-04-17"}',
      '{"url(x)":"https://a","date(y)":"2026-04-17T00:00:00Z"}',
      ['v.URL(x): url(x)', 'v.DATE__y: date(y)'],
      ['v.URL(x)', 'v.DATE__y'],
    ],
    [
      'in each object of an array, reported once',
      '[{"Sku":"a"},{"Sku":"b"}]',
      '[{"sku":"a"},{"sku":"b"}]',
      ['v[0].Sku: sku'],
      ['v[0].Sku', 'v[1].Sku'],
    ],
    [
      'like the mark of long numbers',
      '{"isLosslessNumber":true,"value":"1"}',
      '{"islosslessnumber":true,"value":"1"}',
      ['v.isLosslessNumber: islosslessnumber'],
      ['v.isLosslessNumber'],
    ],
  ];
  test.each(cases)('%s', (_, json, sent, reported, dropped) => {
    expect(convert(json)).toEqual({
      sent,
      changed: reported.map((each) => {
        const [path, name] = each.split(': ');
        return `${path} has capital letters in its name: it is sent as ${name} (name_lower_cased)`;
      }),
    });
    const { leftOut } = convert(json, 'untyped', DEFAULT_LIMITS, { capital_letters: 'drop' });
    expect(leftOut?.map(({ path, code }) => [path, code])).toEqual(dropped.map((path) => [path, 'name_invalid']));
  });

  test('is left out if the object has it in lower case', () => {
    expect(convert('{"city":"Paris","City":"Lyon"}')).toMatchObject({
      sent: '{"city":"Paris"}',
      leftOut: [{ path: 'v.City', code: 'name_taken' }],
    });
  });

  // The Kelvin sign is a letter whose lower case is an ASCII letter.
  test('that is not ASCII is left out', () => {
    expect(convert('{"\\u212a":1,"a":2}')).toMatchObject({ sent: '{"a":2}', leftOut: [{ code: 'name_invalid' }] });
  });
});

describe('long_text: truncate', () => {
  const x = (count: number) => 'x'.repeat(count);
  const cut = (path: string, length: number, most = 300) =>
    `${path} has ${length} characters, but Batch accepts at most ${most}: it is truncated (text_truncated)`;
  const cutOfEmoji = (length: number): string =>
    cut('v', length).replace(',', ' in UTF-16 (an emoji counts as two or more),');
  const cases: [name: string, json: string, kind: ValueKind, sent: string, changed: string[]][] = [
    ['is cut', `"${x(301)}"`, 'untyped', `"${x(300)}"`, [cut('v', 301)]],
    ['is cut, in a plain string column', `"[${x(400)}]"`, 'text', `"[${x(299)}"`, [cut('v', 402)]],
    ['is cut before a pair that does not fit', `"${x(299)}😀"`, 'untyped', `"${x(299)}"`, [cutOfEmoji(301)]],
    ['is cut after a pair that fits', `"${x(298)}😀😀"`, 'untyped', `"${x(298)}😀"`, [cutOfEmoji(302)]],
    ['is cut in an array', `["a","${x(301)}"]`, 'untyped', `["a","${x(300)}"]`, [cut('v[1]', 301)]],
    [
      'is cut in an object',
      `{"a":[{"b":"${x(301)}"}]}`,
      'untyped',
      `{"a":[{"b":"${x(300)}"}]}`,
      [cut('v.a[0].b', 301)],
    ],
    ['is cut as a label', `"${x(201)}"`, 'label', `"${x(200)}"`, [cut('v', 201, 200)]],
    ['is cut as a tag', `["a","${x(65)}"]`, 'tags', `["a","${x(64)}"]`, [cut('v[1]', 65, 64)]],
  ];
  test.each(cases)('%s', (_, json, kind, sent, changed) => {
    expect(convert(json, kind, DEFAULT_LIMITS, { long_text: 'truncate' })).toEqual({ sent, changed });
  });

  const leftOut: [name: string, json: string, kind: ValueKind, code: AttributeCode][] = [
    ['when it would be blank', `"${' '.repeat(300)}x"`, 'untyped', 'text_too_long'],
    ['when it is not valid Unicode, even after the cut', `"${x(301)}\\ud83d"`, 'untyped', 'text_malformed'],
    ['when it is a URL, which would lead elsewhere', `"https://a/${x(2048)}"`, 'url', 'url_too_long'],
  ];
  test.each(leftOut)('leaves out the value %s', (_, json, kind, code) => {
    expect(convert(json, kind, DEFAULT_LIMITS, { long_text: 'truncate' })).toMatchObject({ leftOut: [{ code }] });
  });
});

describe('a plain text column', () => {
  test.each(['"[\\"a\\"]"', '"{\\"a\\":1}"', '"x"', '"[]"'])('sends %s unchanged', (json) => {
    expect(convert(json, 'text')).toEqual({ sent: json });
  });
  test('applies the rules of strings', () => {
    expect(convert('""', 'text')).toMatchObject({ leftOut: [{ code: 'text_blank' }] });
  });
  test.each([
    ['["a"]', '["a"]'],
    ['{"a":"[1]"}', '{"a":"[1]"}'],
  ])('converts native arrays and objects: %s', (json, sent) => {
    expect(convert(json, 'text')).toEqual({ sent });
  });
});

describe('a label', () => {
  const x = (count: number) => 'x'.repeat(count);
  test.each([
    ['a string', '"Tee"'],
    ['a string of 200 characters', `"${x(200)}"`],
    ['a string that contains JSON', '"[\\"a\\"]"'],
  ])('sends %s', (_, json) => {
    expect(convert(json, 'label')).toEqual({ sent: json });
  });
  const leftOut: [name: string, json: string, code: AttributeCode][] = [
    ['a blank string', '" "', 'text_blank'],
    ['a string of 201 characters', `"${x(201)}"`, 'text_too_long'],
    ['a string of several lines', '"a\\nb"', 'text_multiline'],
    ['a string with a carriage return', '"a\\rb"', 'text_multiline'],
    ['half of a surrogate pair', '"a\\ud83d"', 'text_malformed'],
    ['a number', '1', 'type_unsupported'],
    ['an array', '["a"]', 'type_unsupported'],
  ];
  test.each(leftOut)('leaves out %s', (_, json, code) => {
    expect(convert(json, 'label')).toMatchObject({ leftOut: [{ path: 'v', code }] });
  });
});

describe('tags', () => {
  const tags = (count: number) => JSON.stringify(Array.from({ length: count }, (_, index) => `t${index}`));
  test.each([
    ['an array of strings', '["a","b"]', '["a","b"]'],
    ['an array of 10 strings', tags(10), tags(10)],
    ['a tag of 64 characters', `["${'x'.repeat(64)}"]`, `["${'x'.repeat(64)}"]`],
    ['a tag that contains JSON', '["[1]"]', '["[1]"]'],
  ])('sends %s, native or in a string', (_, json, sent) => {
    expect([convert(json, 'tags'), convert(asText(json), 'tags')]).toEqual([{ sent }, { sent }]);
  });
  test.each(['[]', '"[]"', 'null'])('sends nothing for %s', (json) => {
    expect(convert(json, 'tags')).toEqual({});
  });
  const leftOut: [name: string, json: string, code: AttributeCode][] = [
    ['a blank string', '""', 'text_blank'],
    ['11 tags', tags(11), 'array_too_long'],
    ['a blank tag', '["a"," "]', 'text_blank'],
    ['a tag of 65 characters', `["${'x'.repeat(65)}"]`, 'text_too_long'],
    ['a tag of several lines', '["a\\nb"]', 'text_multiline'],
    ['a number among them', '["a",1]', 'type_unsupported'],
    ['a string that is not an array', '"summer"', 'type_unsupported'],
    ['an object', '{"a":"b"}', 'type_unsupported'],
    ['a number', '1', 'type_unsupported'],
  ];
  test.each(leftOut)('leaves out all tags for %s', (_, json, code) => {
    expect(convert(json, 'tags')).toMatchObject({ leftOut: [{ path: 'v', code }] });
  });
});

describe.each(['date', 'url', 'label', 'tags'] as const)('an empty or blank string as %s', (kind) => {
  test.each(['""', '" \\t\\u00a0"'])('%s is reported as text_blank', (json) => {
    expect(convert(json, kind)).toEqual({ leftOut: [{ path: 'v', code: 'text_blank', reason: 'is blank' }] });
  });
});

describe('a date', () => {
  test.each([
    ['a timestamp in UTC', '"2026-04-17T04:20:00Z"', '"2026-04-17T04:20:00Z"'],
    [
      'a timestamp with nanoseconds and an offset',
      '"2026-04-17t06:20:00.123456789+02:00"',
      '"2026-04-17T04:20:00.123456789Z"',
    ],
    ['a day', '"1989-07-20"', '"1989-07-20T00:00:00Z"'],
  ])('sends %s', (_, json, sent) => {
    expect(convert(json, 'date')).toEqual({ sent });
  });

  test.each([
    ['a timestamp without a time zone', '"2026-04-17 04:20:00"'],
    ['30 February', '"2026-02-30"'],
    ['Unix seconds', '1776399900'],
    ['Unix seconds with many digits', '1776399900.123456789'],
    ['a boolean', 'true'],
    ['an array', '["2026-04-17"]'],
    ['the JSON of an array', '"[\\"2026-04-17\\"]"'],
    ['an object', '{}'],
  ])('leaves out %s', (_, json) => {
    expect(convert(json, 'date')).toEqual({
      leftOut: [
        {
          path: 'v',
          code: 'date_invalid',
          reason:
            "is not an RFC 3339 date with a time zone, such as 2026-04-17T04:25:00Z. Convert it in a view, for example with parseDateTime64BestEffort(c, 3, 'Europe/Paris')",
        },
      ],
    });
  });
});

describe('a date that the catalog declares as a time', () => {
  test.each([
    ['a timestamp without a time zone', '"2026-04-17 04:20:00"', '"2026-04-17T04:20:00Z"'],
    ['a timestamp in UTC', '"2026-04-17T04:20:00Z"', '"2026-04-17T04:20:00Z"'],
    ['a day', '"1989-07-20"', '"1989-07-20T00:00:00Z"'],
  ])('sends %s', (_, json, sent) => {
    expect(convert(json, 'date_time')).toEqual({ sent });
  });

  test('leaves out an invalid time', () => {
    for (const json of ['"tomorrow"', '1776399900', '" "']) {
      expect(convert(json, 'date_time')).toEqual(convert(json, 'date'));
    }
  });
});

describe('a column that the catalog declares as a number is sent with a point', () => {
  test.each([
    ['23', '23.0'],
    ['-23', '-23.0'],
    ['0', '0.0'],
    ['-0', '-0.0'],
    ['23.0', '23.0'],
    ['47.250000000', '47.250000000'],
    ['-0.1', '-0.1'],
    ['1e5', '1.0e5'],
    ['1e+21', '1.0e+21'],
    ['-1E-7', '-1.0E-7'],
    ['1.7976931348623157e308', '1.7976931348623157e308'],
    ['9007199254740993', '9007199254740993.0'],
    ['18446744073709551616', '18446744073709551616.0'],
  ])('%s becomes %s', (digits, sent) => {
    for (const json of [digits, `"${digits}"`]) expect(convert(json, 'float')).toEqual({ sent });
  });

  test.each(['1e999', '-1e999', '9'.repeat(400)])('leaves out %s', (digits) => {
    for (const json of [digits, `"${digits}"`])
      expect(convert(json, 'float')).toMatchObject({ leftOut: [{ code: 'number_out_of_range' }] });
  });
});

describe('a column that the catalog declares as an integer is sent without a point', () => {
  test.each([
    ['23', '23'],
    ['-23', '-23'],
    ['0', '0'],
    ['23.0', '23'],
    ['-23.000', '-23'],
    ['0.00', '0'],
    ['1e3', '1000'],
    ['-3e0', '-3'],
    ['-1.50E+2', '-150'],
    ['1200e-2', '12'],
    ['0e999999999', '0'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808.0', '-9223372036854775808'],
    ['9007199254740993', '9007199254740993'],
  ])('%s becomes %s', (digits, sent) => {
    for (const json of [digits, `"${digits}"`]) expect(convert(json, 'integer')).toEqual({ sent });
  });

  test.each([
    ['23.5', 'number_not_integer'],
    ['0.1', 'number_not_integer'],
    ['1e-7', 'number_not_integer'],
    ['15e-1', 'number_not_integer'],
    ['1.00000000000000000001', 'number_not_integer'],
    ['1e-999999999', 'number_not_integer'],
    ['9223372036854775808', 'number_out_of_range'],
    ['-9223372036854775809.0', 'number_out_of_range'],
    ['1e19', 'number_out_of_range'],
    ['1e999999999', 'number_out_of_range'],
  ])('leaves out %s (%s)', (digits, code) => {
    for (const json of [digits, `"${digits}"`]) expect(convert(json, 'integer')).toMatchObject({ leftOut: [{ code }] });
  });
});

describe('a value that is not a number, in a column that the catalog declares as a number', () => {
  test.each([
    '""',
    '" 1"',
    '"1,5"',
    '"007"',
    '"+1"',
    '"NaN"',
    '"0x10"',
    '"1\\n"',
    '"[1]"',
    '"{}"',
    'true',
    'null',
    '["1"]',
  ])('sends %s like in any other column', (json) => {
    for (const kind of ['float', 'integer'] as const) expect(convert(json, kind)).toEqual(convert(json, 'untyped'));
  });
});

describe('a URL', () => {
  const urlOf = (length: number) => JSON.stringify(`https://example.com/${'x'.repeat(length - 20)}`);

  test.each([
    ['with a path, a query and a fragment', '"https://example.com/a?b=c#d"'],
    ['without a path', '"https://example.com"'],
    ['of another scheme', '"app+x.y-z://home"'],
    ['in capitals', '"HTTPS://EXAMPLE.COM/A"'],
    ['with letters of any language', '"https://exämple.com/日本"'],
    ['of more than 300 characters', urlOf(301)],
    ['of 2,048 characters', urlOf(2048)],
  ])('sends %s', (_, json) => {
    expect(convert(json, 'url')).toEqual({ sent: json });
  });

  test.each([
    ['only a host', '"example.com"'],
    ['only a path', '"/a/b"'],
    ['no host', '"https:///a"'],
    ['only a scheme', '"https://"'],
    ['a scheme without slashes', '"mailto:a@example.com"'],
    ['a space in it', '"https://example.com/a b"'],
    ['a space before it', '" https://example.com"'],
    ['a line break after it', '"https://example.com\\n"'],
    ['a scheme that begins with a digit', '"7z://example.com"'],
    ['a number', '1'],
    ['an object', '{"a":"https://example.com"}'],
    ['an array', '["https://example.com"]'],
  ])('leaves out %s', (_, json) => {
    expect(convert(json, 'url')).toEqual({
      leftOut: [
        {
          path: 'v',
          code: 'url_invalid',
          reason: 'is not a URL with a scheme and a host, such as https://example.com/a',
        },
      ],
    });
  });

  test('leaves out a URL of 2,049 characters', () => {
    expect(convert(urlOf(2049), 'url')).toEqual({
      leftOut: [
        { path: 'v', code: 'url_too_long', reason: 'has 2049 characters, but Batch accepts at most 2048 in a URL' },
      ],
    });
  });

  test('leaves out a URL with half a surrogate pair', () => {
    expect(convert('"https://example.com/\\ud83d"', 'url')).toEqual({
      leftOut: [{ path: 'v', code: 'text_malformed', reason: 'is not valid Unicode (half of a surrogate pair)' }],
    });
  });
});

test('leaves out a value that is not JSON, without throwing', () => {
  const { writer } = writerWith();
  expect([1n, Symbol('x'), () => 1].map((value) => writer.convert(value, 'untyped', 'v'))).toEqual(
    ['bigint', 'symbol', 'function'].map((type) => ({
      code: 'type_unsupported',
      reason: `has a type that Batch does not accept (${type})`,
    })),
  );
  expect(writer.convert(undefined, 'untyped', 'v')).toBeUndefined();
  expect(writer.convert(Number.NaN, 'untyped', 'v')).toEqual({
    code: 'number_out_of_range',
    reason: 'is too large for a 64-bit float',
  });
});

describe('uses the configured limits', () => {
  const cases: [name: keyof Limits, least: string, most: string, kind: ValueKind][] = [
    ['string_characters', '"aaaa"', '"aaa"', 'untyped'],
    ['url_characters', '"x://aa"', '"x://a"', 'url'],
    ['array_items', '["a","b","c","d"]', '["a","b","c"]', 'untyped'],
    ['attributes_per_object', '{"a":1,"b":1,"c":1,"d":1}', '{"a":1,"b":1,"c":1}', 'untyped'],
    ['object_depth', '{"a":{"b":{"c":{"d":1}}}}', '{"a":{"b":{"c":1}}}', 'untyped'],
    ['label_characters', '"aaaa"', '"aaa"', 'label'],
    ['tags_per_event', '["a","b","c","d"]', '["a","b","c"]', 'tags'],
    ['tag_characters', '["aaaa"]', '["aaa"]', 'tags'],
  ];
  const maxima: Partial<Limits> = { url_characters: 5 };
  test.each(cases)('%s', (name, tooMuch, justRight, kind) => {
    const limits = { ...DEFAULT_LIMITS, [name]: maxima[name] ?? 3 };
    expect(convert(justRight, kind, limits)).toEqual({ sent: justRight });
    expect(convert(tooMuch, kind, limits).leftOut).toHaveLength(1);
    expect(convert(tooMuch, kind, { ...limits, [name]: (maxima[name] ?? 3) + 1 })).toEqual({ sent: tooMuch });
  });
});

describe('a string of JSON that repeats', () => {
  test('is sent like the first time, also after thousands of others', () => {
    const { writer } = writerWith();
    const text = ' {"a": 9007199254740993, "b": ["x"]} ';
    const json = '{"a":9007199254740993,"b":["x"]}';
    for (let round = 0; round < 2; round += 1) {
      expect([writer.convert(text, 'untyped', 'c'), writer.convert(text, 'untyped', 'c')]).toEqual([json, json]);
      for (let n = 0; n < MANY_TEXTS; n += 1)
        expect(writer.convert(`[{"n":${n}}]`, 'untyped', 'c')).toBe(`[{"n":${n}}]`);
    }
  });

  test('is reported each time when something in it is left out', () => {
    const { writer, issues } = writerWith();
    for (const column of ['c', 'd']) {
      issues.reset();
      issues.setColumn(column);
      expect(writer.convert('{"a":1,"b-c":2}', 'untyped', column)).toBe('{"a":1}');
      expect(issues.leftOut).toMatchObject([{ column, path: `${column}.b-c`, code: 'name_invalid' }]);
    }
  });

  test('is a string or an array, depending on the column', () => {
    const { writer } = writerWith();
    const text = '["x"]';
    const kinds: ValueKind[] = ['untyped', 'text', 'tags', 'untyped'];
    expect(kinds.map((kind) => writer.convert(text, kind, 'c'))).toEqual(['["x"]', '"[\\"x\\"]"', '["x"]', '["x"]']);
  });
});
