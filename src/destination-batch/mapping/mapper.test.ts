import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../../sandbox/any-text.ts';
import { parseExact } from '../../shared/exact-json.ts';
import { DEFAULT_LIMITS, type Limits } from '../batch/limits.ts';
import type { RejectionCode } from '../codes.ts';
import type { Mapping } from '../config/mapping.ts';
import { DEFAULT_POLICIES } from '../config/policies.ts';
import { ItemArena } from '../item-arena.ts';
import { EventMapper, type MappedRow, type Row } from './mapper.ts';

/** The events of all mappers of these tests. */
const arena = new ItemArena();

type MapperSettings = ConstructorParameters<typeof EventMapper>[1];

const createMapper = (limits: Limits, settings: MapperSettings = {}): EventMapper =>
  new EventMapper(limits, settings, arena);

type Mapped = ReturnType<typeof withJson>;

/** The result of mapping a row, with its profile, the JSON of its event and the size of that in bytes. */
function withJson(mapped: MappedRow) {
  if (mapped.kind === 'rejected') return mapped;
  const { event, profile, ...rest } = mapped;
  return {
    ...rest,
    customId: arena.profiles.readCustomId(profile),
    json: arena.read(event),
    bytes: arena.countBytes(event),
  };
}

/** Maps a row given as JSON, so that its numbers may have any digits. */
function map(json: string, mapper = createMapper(DEFAULT_LIMITS)): Mapped {
  return withJson(mapper.map(parseExact(json) as Row));
}

/** The event of a row that is not rejected. */
function eventOf(json: string): Extract<Mapped, { kind: 'event' }> {
  const mapped = map(json);
  if (mapped.kind === 'rejected') throw new Error(`The row is rejected: ${mapped.rejection.code}`);
  return mapped;
}

/** A row with an event `e` of the profile `u1` and these columns, given as JSON. */
const rowWith = (columns: string) => `{"custom_id":"u1","event_name":"e",${columns}}`;

/** The attributes of a row with these columns, as JSON, and what is left out. */
function attributesOf(columns: string): { sent: string; leftOut: string[] } {
  const { json, leftOut } = eventOf(rowWith(columns));
  const [, sent = 'none'] = /^\{"name":"e","attributes":(.*)\}$/.exec(json) ?? [];
  if (sent === 'none') expect(json).toBe('{"name":"e"}');
  return { sent, leftOut: leftOut.map(({ column, path, code }) => `${column}: ${path} (${code})`) };
}

test('maps a whole row to an event as Cloud Sync and the profile API define it', () => {
  const row = `{
    "custom_id": "u1", "event_name": "purchase", "event_time": "2026-04-17T04:25:00Z",
    "last_updated_at": "2026-04-17T04:26:00Z",
    "amount": 23.99, "in_sales": true,
    "date__purchased_at": "2026-04-17T04:20:00Z", "url__item_url": "https://shop.example/tee",
    "metadata": "[\\"first_purchase\\",\\"apple_pay\\"]",
    "delivery_address": "{\\"city\\":\\"Paris\\",\\"zip_code\\":75003}",
    "items": "[{\\"name\\":\\"Tee\\",\\"price\\":23.99,\\"url(item_url)\\":\\"https://shop.example/tee\\"}]",
    "coupon": null
  }`;
  const json =
    '{"name":"purchase","time":"2026-04-17T04:25:00Z","attributes":{' +
    '"amount":23.99,"in_sales":true,"date(purchased_at)":"2026-04-17T04:20:00Z",' +
    '"url(item_url)":"https://shop.example/tee","metadata":["first_purchase","apple_pay"],' +
    '"delivery_address":{"city":"Paris","zip_code":75003},' +
    '"items":[{"name":"Tee","price":23.99,"url(item_url)":"https://shop.example/tee"}]}}';
  expect(map(row)).toEqual({ kind: 'event', customId: 'u1', json, bytes: json.length, isTimely: false, leftOut: [] });
});

test('maps a row without optional columns to an event with only a name', () => {
  expect(eventOf('{"custom_id":"u1","event_name":"e","last_updated_at":1}').json).toBe('{"name":"e"}');
});

describe('custom_id', () => {
  test.each([
    ['a string', '"u1"', 'u1'],
    ['an e-mail address', '"Ann+x@example.com"', 'Ann+x@example.com'],
    ['a string with white space around it', '" u1 "', ' u1 '],
    ['a string of 512 characters', JSON.stringify('x'.repeat(512)), 'x'.repeat(512)],
    ['a string of JSON', '"[1]"', '[1]'],
    ['a string that contains a placeholder', '"nullable"', 'nullable'],
    ['a placeholder with white space', '"null "', 'null '],
    ['characters of any language', '"日本😀"', '日本😀'],
    ['a number', '42', '42'],
    ['zero', '0', '0'],
    ['a negative number', '-7', '-7'],
    ['2^53 + 1', '9007199254740993', '9007199254740993'],
    ['the largest UInt64', '18446744073709551615', '18446744073709551615'],
  ])('accepts %s with all its characters', (_, json, expected) => {
    expect(eventOf(`{"custom_id":${json},"event_name":"e"}`).customId).toBe(expected);
  });

  const rejected: [name: string, json: string, code: RejectionCode][] = [
    ['NULL', 'null', 'custom_id_missing'],
    ['an empty string', '""', 'custom_id_missing'],
    ['a string of white space', '" \\t\\n\\u00a0"', 'custom_id_missing'],
    ['a boolean', 'true', 'custom_id_missing'],
    ['an array', '["u1"]', 'custom_id_missing'],
    ['an object', '{"id":"u1"}', 'custom_id_missing'],
    ['a fraction', '1.5', 'custom_id_missing'],
    ['a fraction with many digits', '1.50000000000000000001', 'custom_id_missing'],
    ['a number beyond a double', '1e999', 'custom_id_missing'],
    ['a double in its own form', '12345678901234567e3', 'custom_id_missing'],
    ['a string of 513 characters', JSON.stringify('x'.repeat(513)), 'custom_id_too_long'],
    ...[
      'undefined',
      'null',
      'nil',
      '(null)',
      '[object object]',
      'true',
      'false',
      'nan',
      'infinity',
      '-infinity',
    ].flatMap((word): [string, string, RejectionCode][] => [
      [`the word ${word}`, JSON.stringify(word), 'custom_id_placeholder'],
      [`the word ${word.toUpperCase()}`, JSON.stringify(word.toUpperCase()), 'custom_id_placeholder'],
    ]),
    ['the word [object Object], as JavaScript writes it', '"[object Object]"', 'custom_id_placeholder'],
  ];
  test.each(rejected)('rejects %s', (_, json, code) => {
    expect(map(`{"custom_id":${json},"event_name":"e"}`)).toMatchObject({ kind: 'rejected', rejection: { code } });
  });

  // Batch's SDKs refuse a line break, and half of a surrogate pair can't be sent.
  test.each([
    ['with a line break', '"u1\\n"'],
    ['with a carriage return', '"u\\r1"'],
    ['with half of a surrogate pair', '"u1\\ud83d"'],
  ])('rejects an id %s', (_, json) => {
    expect(map(`{"custom_id":${json},"event_name":"e"}`).kind).toBe('rejected');
  });

  test('rejects a row without custom_id', () => {
    expect(map('{"event_name":"e"}')).toEqual({
      kind: 'rejected',
      rejection: {
        code: 'custom_id_missing',
        reason: 'custom_id is missing or blank, so there is no profile to attach the event to',
      },
    });
  });

  test('the maximum length can be set', () => {
    const mapper = createMapper({ ...DEFAULT_LIMITS, custom_id_characters: 3 });
    expect(map('{"custom_id":"abc","event_name":"e"}', mapper).kind).toBe('event');
    expect(map('{"custom_id":"abcd","event_name":"e"}', mapper)).toEqual({
      kind: 'rejected',
      rejection: { code: 'custom_id_too_long', reason: 'custom_id has 4 characters, but Batch accepts at most 3' },
    });
  });
});

describe('event_name', () => {
  test.each(['e', '0', '_', 'add_to_cart', 'a'.repeat(30)])('accepts %s', (name) => {
    expect(eventOf(`{"custom_id":"u1","event_name":"${name}"}`).json).toBe(`{"name":"${name}"}`);
  });

  test.each([
    ['NULL', 'null'],
    ['an empty string', '""'],
    ['a string of 31 characters', `"${'a'.repeat(31)}"`],
    ['capitals', '"Purchase"'],
    ['a hyphen', '"add-to-cart"'],
    ['a point', '"ue.added"'],
    ['a space', '"add to cart"'],
    ['a space after it', '"purchase "'],
    ['a line break after it', '"purchase\\n"'],
    ['a letter of another language', '"café"'],
    ['a digit of another language', '"٣"'],
    ['a number', '1'],
    ['a long number', '12345678901234567'],
    ['a boolean', 'true'],
    ['an array', '["e"]'],
  ])('rejects %s', (_, json) => {
    expect(map(`{"custom_id":"u1","event_name":${json}}`)).toEqual({
      kind: 'rejected',
      rejection: {
        code: 'event_name_invalid',
        reason: 'event_name is missing or is not a name that Batch accepts: 1 to 30 characters from a-z, 0-9 and _',
      },
    });
  });

  test('rejects a row without event_name', () => {
    expect(map('{"custom_id":"u1"}')).toMatchObject({ rejection: { code: 'event_name_invalid' } });
  });
});

describe('event_time', () => {
  test.each([
    ['in UTC', '"2026-04-17T04:25:00Z"', '2026-04-17T04:25:00Z'],
    ['with an offset', '"2026-04-17T04:25:00+02:00"', '2026-04-17T02:25:00Z'],
    ['with nanoseconds', '"2026-04-17T04:25:00.123456789Z"', '2026-04-17T04:25:00.123456789Z'],
    ['in lower case', '"2026-04-17t04:25:00z"', '2026-04-17T04:25:00Z'],
  ])('%s is sent in UTC', (_, json, expected) => {
    expect(eventOf(rowWith(`"event_time":${json}`)).json).toBe(`{"name":"e","time":"${expected}"}`);
  });

  // A String column contains an empty string instead of NULL.
  test.each(['null', '""', '" \\t"'])('leaves out %s, and sends the event without a time', (json) => {
    expect(eventOf(rowWith(`"event_time":${json}`)).json).toBe('{"name":"e"}');
  });

  test.each([
    ['a timestamp without a time zone', '"2026-04-17T04:25:00"'],
    ["ClickHouse's own form", '"2026-04-17 04:25:00"'],
    ['a day', '"2026-04-17"'],
    ['30 February', '"2026-02-30T00:00:00Z"'],
    ['a leap second', '"2016-12-31T23:59:60Z"'],
    ['Unix seconds', '1776399900'],
    ['Unix nanoseconds', '1776399900123456789'],
    ['a boolean', 'false'],
    ['an object', '{}'],
  ])('rejects %s: an event at the wrong time is worse than none', (_, json) => {
    expect(map(rowWith(`"event_time":${json}`))).toEqual({
      kind: 'rejected',
      rejection: {
        code: 'event_time_invalid',
        reason:
          "event_time is not an RFC 3339 timestamp with a time zone, such as 2026-04-17T04:25:00Z. A view can convert it: parseDateTime64BestEffort(event_time, 3, 'Europe/Paris')",
      },
    });
  });
});

describe('event_time in a column that the catalog declares as a time', () => {
  const mapper = createMapper(DEFAULT_LIMITS, { columnTypes: new Map([['event_time', 'date_time']]) });

  test.each([
    ['without a time zone', '"2026-04-17T04:25:00.5"', '2026-04-17T04:25:00.5Z'],
    ['with a space for the T', '"2026-04-17 06:25:00+0200"', '2026-04-17T04:25:00Z'],
    ['in UTC', '"2026-04-17T04:25:00Z"', '2026-04-17T04:25:00Z'],
  ])('%s is sent in UTC', (_, json, expected) => {
    expect(map(rowWith(`"event_time":${json}`), mapper)).toMatchObject({ json: `{"name":"e","time":"${expected}"}` });
  });

  test.each(['"tomorrow"', '1776399900', '"2026-02-30 00:00:00"'])('rejects %s', (json) => {
    expect(map(rowWith(`"event_time":${json}`), mapper)).toMatchObject({ rejection: { code: 'event_time_invalid' } });
  });

  test('applies to the mapped column and not to event_time', () => {
    const mapping = { event_time_column: 'at' };
    const named = createMapper(DEFAULT_LIMITS, { mapping, columnTypes: new Map([['at', 'date_time']]) });
    expect(map(rowWith('"at":"2026-04-17 04:25:00"'), named)).toMatchObject({ kind: 'event' });
    const other = createMapper(DEFAULT_LIMITS, { mapping, columnTypes: new Map([['event_time', 'date_time']]) });
    expect(map(rowWith('"at":"2026-04-17 04:25:00"'), other)).toMatchObject({ kind: 'rejected' });
  });
});

test('a plain text column stays a string if the catalog declares it as a number', () => {
  const mapper = createMapper(DEFAULT_LIMITS, {
    mapping: { plain_text_columns: ['zip'] },
    columnTypes: new Map([['zip', 'integer']]),
  });
  expect(map(rowWith('"zip":"75003"'), mapper)).toMatchObject({ json: '{"name":"e","attributes":{"zip":"75003"}}' });
});

test('reports the error of custom_id first, then that of event_name', () => {
  expect([
    map('{"custom_id":"","event_name":"E","event_time":"x"}'),
    map('{"custom_id":"u1","event_name":"E","event_time":"x"}'),
  ]).toMatchObject([{ rejection: { code: 'custom_id_missing' } }, { rejection: { code: 'event_name_invalid' } }]);
});

describe('columns', () => {
  const columns: [name: string, columns: string, sent: string, leftOut: string[]][] = [
    ['a string, a number and a boolean', '"a":"x","b":1,"c":false', '{"a":"x","b":1,"c":false}', []],
    ['a date', '"date__a":"2026-04-17"', '{"date(a)":"2026-04-17T00:00:00Z"}', []],
    ['a URL', '"url__a":"https://example.com"', '{"url(a)":"https://example.com"}', []],
    [
      'prefixes and names in capitals',
      '"DATE__A":"2026-04-17","Url__b":"https://example.com","C":1',
      '{"date(a)":"2026-04-17T00:00:00Z","url(b)":"https://example.com","c":1}',
      [],
    ],
    ['a prefix twice', '"date__url__a":"2026-04-17"', '{"date(url__a)":"2026-04-17T00:00:00Z"}', []],
    [
      'what only looks like a prefix',
      '"date_a":"2026-04-17","my_date__a":"x","url":"x"',
      '{"date_a":"2026-04-17","my_date__a":"x","url":"x"}',
      [],
    ],
    [
      "Batch's own label and tags",
      '"a":1,"batch__label":"x","batch__tags":"[\\"x\\",\\"y\\"]"',
      '{"a":1,"$label":"x","$tags":["x","y"]}',
      [],
    ],
    ['tags of a native array', '"batch__tags":["x"]', '{"$tags":["x"]}', []],
    ['no label and no tags', '"batch__label":null,"batch__tags":[]', 'none', []],
    [
      'an invalid label and invalid tags',
      '"batch__label":1,"batch__tags":"x"',
      'none',
      ['batch__label: batch__label (type_unsupported)', 'batch__tags: batch__tags (type_unsupported)'],
    ],
    [
      'a label twice',
      '"batch__label":"x","BATCH__LABEL":"y"',
      '{"$label":"x"}',
      ['BATCH__LABEL: BATCH__LABEL (name_taken)'],
    ],
    ['an unknown prefix of Batch', '"batch__other":"x"', '{"batch__other":"x"}', []],
    ['a label inside an object', '"a":{"batch__label":"x"}', '{"a":{"batch__label":"x"}}', []],
    ['a name of 30 characters', `"${'a'.repeat(30)}":1`, `{"${'a'.repeat(30)}":1}`, []],
    [
      'a name of 30 characters after a prefix',
      `"date__${'a'.repeat(30)}":"2026-04-17"`,
      `{"date(${'a'.repeat(30)})":"2026-04-17T00:00:00Z"}`,
      [],
    ],
    [
      'a name of 31 characters',
      `"${'a'.repeat(31)}":1`,
      'none',
      [`${'a'.repeat(31)}: ${'a'.repeat(31)} (name_invalid)`],
    ],
    [
      'a name of 31 characters after a prefix',
      `"url__${'a'.repeat(31)}":"https://a"`,
      'none',
      [`url__${'a'.repeat(31)}: url__${'a'.repeat(31)} (name_invalid)`],
    ],
    ['a prefix without a name', '"date__":"2026-04-17"', 'none', ['date__: date__ (name_invalid)']],
    ['a name with a point', '"a.b":1', 'none', ['a.b: a.b (name_invalid)']],
    [
      'a name with a hyphen, a space, a letter that is not ASCII',
      '"a-b":1,"a b":1,"é":1',
      'none',
      ['a-b: a-b (name_invalid)', 'a b: a b (name_invalid)', 'é: é (name_invalid)'],
    ],
    ['an empty name', '"":1', 'none', [':  (name_invalid)']],
    [
      "a name in the API's own form, which is for inside objects",
      '"date(a)":"2026-04-17"',
      'none',
      ['date(a): date(a) (name_invalid)'],
    ],
    [
      "Batch's reserved names",
      '"$label":"x","$tags":["x"]',
      'none',
      ['$label: $label (name_invalid)', '$tags: $tags (name_invalid)'],
    ],
    ['an invalid name with an empty value', '"a.b":null,"c.d":"[]"', 'none', []],
    ['an invalid name with an invalid value', '"a.b":""', 'none', ['a.b: a.b (name_invalid)']],
    [
      'names that JavaScript objects have',
      '"__proto__":1,"constructor":2,"toString":3',
      '{"__proto__":1,"constructor":2,"tostring":3}',
      [],
    ],
    ['a name that is a number', '"b":1,"7":2', '{"7":2,"b":1}', []],
    ['two names that differ in capitals', '"x":1,"X":2', '{"x":1}', ['X: X (name_taken)']],
    [
      'two prefixes that differ in capitals',
      '"URL__x":"https://a","url__x":"https://b"',
      '{"url(x)":"https://a"}',
      ['url__x: url__x (name_taken)'],
    ],
    ['two such names, one of them NULL', '"x":null,"X":2', '{"x":2}', []],
    ['two such names, one of them invalid', '"x":"","X":2', '{"x":2}', ['x: x (text_blank)']],
    [
      'an untyped name and typed ones that are equal',
      '"x":1,"date__x":"2026-04-17","url__x":"https://a"',
      '{"x":1}',
      ['date__x: date__x (name_taken)', 'url__x: url__x (name_taken)'],
    ],
    ['such names, the first of them NULL', '"x":null,"url__x":"https://a"', '{"url(x)":"https://a"}', []],
    [
      'the cursor and the columns of platforms',
      '"last_updated_at":"2026-04-17T04:25:00Z","_airbyte_raw_id":"x","_airbyte_extracted_at":1,"_airbyte_meta":{"changes":[]}',
      'none',
      [],
    ],
    ['a name that begins with only an underscore', '"_airbyte":1,"_a":2', '{"_airbyte":1,"_a":2}', []],
    ['NULLs', '"a":null,"date__b":null,"url__c":null,"d":1', '{"d":1}', []],
    ['empty arrays and objects', '"a":"[]","b":"{}","c":[],"d":{}', 'none', []],
    [
      'blank strings',
      '"a":"","b":" ","date__c":"","url__d":""',
      'none',
      ['a: a (text_blank)', 'b: b (text_blank)', 'date__c: date__c (text_blank)', 'url__d: url__d (text_blank)'],
    ],
    [
      'arrays and objects in strings',
      '"a":"[\\"x\\"]","b":"{\\"c\\":9007199254740993}"',
      '{"a":["x"],"b":{"c":9007199254740993}}',
      [],
    ],
    ['native arrays and objects', '"a":["x"],"b":{"c":9007199254740993}', '{"a":["x"],"b":{"c":9007199254740993}}', []],
    [
      'an invalid value in an object, with its column and its path',
      '"B":"{\\"c\\":[{\\"d\\":\\"\\"}],\\"e\\":1}"',
      '{"b":{"e":1}}',
      ['B: B.c[0].d (text_blank)'],
    ],
    ['an object without valid attributes', '"a":{"b":""}', 'none', ['a: a.b (text_blank)']],
    [
      'the limits of Int64, and one above',
      '"a":9223372036854775807,"b":-9223372036854775808,"c":9223372036854775808',
      '{"a":9223372036854775807,"b":-9223372036854775808}',
      ['c: c (number_out_of_range)'],
    ],
    [
      'a string of 301 characters next to valid ones',
      `"a":"${'x'.repeat(301)}","b":1`,
      '{"b":1}',
      ['a: a (text_too_long)'],
    ],
  ];
  test.each(columns)('%s', (_, given, sent, leftOut) => {
    expect(attributesOf(given)).toEqual({ sent, leftOut });
  });

  test('sends 20 attributes and leaves out the others; empty values do not count', () => {
    const columnsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `"c${index}":${index}`).join();
    const twenty = `{${columnsUpTo(20)}}`;
    expect(attributesOf(`"a":null,"b":"","event_time":null,${columnsUpTo(20)}`)).toEqual({
      sent: twenty,
      leftOut: ['b: b (text_blank)'],
    });
    expect(attributesOf(columnsUpTo(22))).toEqual({
      sent: twenty,
      leftOut: ['c20: c20 (too_many_attributes)', 'c21: c21 (too_many_attributes)'],
    });
  });

  test('does not send the cursor that the source defines', () => {
    const mapper = createMapper(DEFAULT_LIMITS, { cursorColumn: 'Synced_At' });
    const mapped = map(
      rowWith('"Synced_At":1,"synced_at":2,"last_updated_at":3,"date__synced_at":"2026-04-17"'),
      mapper,
    );
    expect(mapped).toMatchObject({
      json: '{"name":"e","attributes":{"synced_at":2}}',
      leftOut: [{ path: 'date__synced_at', code: 'name_taken' }],
    });
  });

  test('maps consecutive rows with different columns', () => {
    const mapper = createMapper(DEFAULT_LIMITS);
    const mapped = ['"a":"https://a"', '"url__a":"https://a"', '"a":1', '"date__a":"2026-04-17"'].map((given) =>
      map(rowWith(given), mapper),
    );
    expect(mapped.map((each) => each.kind === 'event' && each.json)).toEqual([
      '{"name":"e","attributes":{"a":"https://a"}}',
      '{"name":"e","attributes":{"url(a)":"https://a"}}',
      '{"name":"e","attributes":{"a":1}}',
      '{"name":"e","attributes":{"date(a)":"2026-04-17T00:00:00Z"}}',
    ]);
  });
});

describe('the size of an event', () => {
  /** Columns for an event of a given size: arrays of short strings of this letter, and one string that fills it. */
  function columnsOfBytes(bytes: number, letter: string): string {
    for (let count = 0; ; count += 1) {
      const columnsWith = (last: string) => {
        const texts = [...Array(count).fill(letter.repeat(100)), last];
        const lists = Array.from({ length: Math.ceil(texts.length / 25) }, (_, list) =>
          texts.slice(list * 25, (list + 1) * 25),
        );
        return lists.map((list, index) => `"c${index}":${JSON.stringify(list)}`).join();
      };
      const missing = bytes - Buffer.byteLength(`{"name":"e","attributes":{${columnsWith('')}}}`);
      if (missing <= 300) return columnsWith('x'.repeat(missing));
    }
  }

  test.each([
    ['letters of one byte', 'x'],
    ['letters of two bytes', 'é'],
  ])('is at most 25,000 bytes: %s', (_, letter) => {
    const mapped = map(rowWith(columnsOfBytes(25_000, letter)));
    expect(mapped).toMatchObject({ kind: 'event', bytes: 25_000, leftOut: [] });
    expect(mapped.kind === 'event' && Buffer.byteLength(mapped.json)).toBe(25_000);
    expect(map(rowWith(columnsOfBytes(25_001, letter)))).toEqual({
      kind: 'rejected',
      rejection: { code: 'event_too_large', reason: 'the event has 25001 bytes, but Batch accepts at most 25000' },
    });
  });

  test('does not include attributes that are left out', () => {
    expect(attributesOf(`"a":"${'x'.repeat(30_000)}","b":1`)).toEqual({
      sent: '{"b":1}',
      leftOut: ['a: a (text_too_long)'],
    });
  });
});

describe('issues and rejections never contain values of the row', () => {
  const long = 'hush'.repeat(100);
  test.each([
    ['a custom_id that is too long', `{"custom_id":"${'hush'.repeat(200)}","event_name":"e"}`],
    ['an event_name', '{"custom_id":"u1","event_name":"Hush hush"}'],
    ['an event_time', rowWith('"event_time":"hush"')],
    ['texts', rowWith(`"a":"${long}","b":"hush\\ud83d"`)],
    ['a date and a URL', rowWith(`"date__a":"hush","url__b":"hush","url__c":"https://${'hush'.repeat(600)}"`)],
    ['lists', rowWith(`"a":["hush",1],"b":["hush",""],"c":"[\\"${long}\\"]"`)],
    ['objects', rowWith(`"a":{"b":"${long}","date(c)":"hush"}`)],
    [
      'an event that is too large',
      rowWith(
        ['a', 'b', 'c', 'd'].map((name) => `"${name}":${JSON.stringify(Array(25).fill('hush'.repeat(70)))}`).join(),
      ),
    ],
  ])('%s', (_, json) => {
    const mapped = map(json);
    const issues = mapped.kind === 'rejected' ? [mapped.rejection] : mapped.leftOut;
    expect(issues).not.toEqual([]);
    expect(JSON.stringify(issues)).not.toMatch(/hush/i);
  });
});

/** A normal form of numbers: the significant digits and the exponent. */
function exact(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

describe('for all rows', () => {
  test('a number is sent with its exact value', () => {
    const numbers = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,24})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 20 }), (values) => {
        const { json } = eventOf(rowWith(values.map((number, index) => `"c${index}":${number}`).join()));
        for (const [, index, sent = ''] of json.matchAll(/"c(\d+)":([^,}]+)/g)) {
          expect([index, exact(sent)]).toEqual([index, exact(values[Number(index)] ?? 'none')]);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('each column with a string is either sent unchanged or reported', () => {
    const names = fc.oneof(fc.constantFrom('a', 'b', 'A', '__proto__'), fc.string());
    const columns = fc.uniqueArray(
      fc.tuple(
        names,
        anyText().map((text) => `x${text}`),
      ),
      {
        selector: ([name]) => name,
        maxLength: 25,
      },
    );
    fc.assert(
      fc.property(columns, (given) => {
        const foreign = given.filter(([name]) => !/^(date__|url__|_airbyte_)/i.test(name));
        const { json, leftOut } = eventOf(
          rowWith(
            [...foreign, ['last', 'one']].map((cell) => cell.map((text) => JSON.stringify(text)).join(':')).join(),
          ),
        );
        const { attributes = {} } = JSON.parse(json) as { attributes?: Record<string, unknown> };
        const issues = new Set(leftOut.map(({ column }) => column));
        for (const [name, text] of foreign) {
          if (!issues.has(name))
            expect(Object.getOwnPropertyDescriptor(attributes, name.toLowerCase())?.value).toBe(text);
        }
        expect(Object.keys(attributes).length + issues.size).toBe(foreign.length + 1);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an event is timely', () => {
  const now = Date.parse('2026-04-17T12:00:00Z');
  test.each([
    ['without a time', null, true],
    ['of this moment', '2026-04-17T12:00:00Z', true],
    ['of a day ago', '2026-04-16T12:00:00Z', true],
    ['of a day and a millisecond ago', '2026-04-16T11:59:59.999Z', false],
    ['of the future', '2026-04-17T12:00:00.001Z', false],
    ['of another zone, of this moment', '2026-04-17T14:00:00+02:00', true],
  ])('%s', (_, event_time, isTimely) => {
    const mapper = createMapper(DEFAULT_LIMITS, { now: () => now });
    expect(mapper.map({ custom_id: 'u1', event_name: 'e', event_time })).toMatchObject({ kind: 'event', isTimely });
  });

  test('by limits.event_age_hours, which the policy uses too', () => {
    const limits = { ...DEFAULT_LIMITS, event_age_hours: 48 };
    const policies = { ...DEFAULT_POLICIES, untimely_event: 'reject' as const };
    const mapper = createMapper(limits, { now: () => now, policies });
    const map = (event_time: string): unknown => mapper.map({ custom_id: 'u1', event_name: 'e', event_time });
    expect(map('2026-04-16T00:00:00Z')).toMatchObject({ kind: 'event', isTimely: true });
    expect(map('2026-04-15T00:00:00Z')).toMatchObject({
      rejection: { code: 'event_too_old', reason: expect.stringContaining('is older than 48 hours (minus 5 minutes') },
    });
  });
});

describe('the flush interval counts toward the age of an event', () => {
  const now = Date.parse('2026-04-17T12:00:00Z');
  const timelinessOf = (untimely_event: 'send' | 'reject', event_time: string): boolean | string => {
    const policies = { ...DEFAULT_POLICIES, untimely_event };
    const mapper = createMapper(DEFAULT_LIMITS, { now: () => now, policies, flushIntervalMs: 15 * 60_000 });
    const mapped = mapper.map({ custom_id: 'u1', event_name: 'e', event_time });
    return mapped.kind === 'event' ? mapped.isTimely : mapped.rejection.code;
  };
  test.each([
    ['send', 'of a day ago, less the interval', '2026-04-16T12:15:00Z', true],
    ['send', 'older by a millisecond', '2026-04-16T12:14:59.999Z', false],
    ['reject', 'of a day ago, less the interval and five minutes', '2026-04-16T12:20:00Z', true],
    ['reject', 'older by a millisecond', '2026-04-16T12:19:59.999Z', 'event_too_old'],
  ] as const)('%s: an event %s', (policy, _, time, expected) => {
    expect(timelinessOf(policy, time)).toBe(expected);
  });
});

/** A mapper with these options, and the changes that it reports. */
function mapperWith(settings: MapperSettings) {
  const changes: string[] = [];
  const mapper = createMapper(DEFAULT_LIMITS, {
    onChange: ({ column, path, code }) => changes.push(`${column}: ${path} (${code})`),
    ...settings,
  });
  return { mapper, changes };
}

describe('policies.invalid_attribute', () => {
  const reject: MapperSettings = { policies: { ...DEFAULT_POLICIES, invalid_attribute: 'reject_event' } };
  const rejects: [name: string, columns: string, reason: string][] = [
    [
      'a string that is too long',
      `"a":"${'x'.repeat(301)}"`,
      'the attribute "a" has 301 characters, but Batch accepts at most 300 (text_too_long)',
    ],
    [
      'a name',
      '"a.b":1',
      'the attribute "a.b" has a name that Batch does not accept: it must be 1 to 30 characters from a-z, 0-9 and _ (name_invalid)',
    ],
    [
      'the first of several errors',
      '"a":"","date__b":"x","url__c":"x"',
      'the attribute "date__b" is not an RFC 3339 date with a time zone, such as 2026-04-17T04:25:00Z. Convert it in a view, for example with parseDateTime64BestEffort(c, 3, \'Europe/Paris\') (date_invalid)',
    ],
    [
      'one inside an object',
      '"a":{"b":{"url__c":"x"},"d":1}',
      'the attribute "a.b.url__c" is not a URL with a scheme and a host, such as https://example.com/a (url_invalid)',
    ],
    [
      'an array with a blank string, as more than that is left out',
      '"a":["b",""]',
      'the attribute "a" contains an item that is blank (text_blank)',
    ],
    [
      'a name that is taken',
      '"a":1,"A":2',
      'the attribute "A" has the same name as another attribute of the row or object (x, date__x and url__x count as the same name) (name_taken)',
    ],
  ];
  test.each(rejects)('reject_event: %s', (_, columns, reason) => {
    expect(map(rowWith(columns), mapperWith(reject).mapper)).toEqual({
      kind: 'rejected',
      rejection: { code: 'attribute_invalid', reason },
    });
    expect(map(rowWith(columns))).toMatchObject({ kind: 'event' });
  });

  // Otherwise a String column that may be empty would reject most rows of its table.
  test('reject_event: does not reject a row for a blank string', () => {
    expect(
      map(rowWith('"a":"","date__b":" ","url__c":"","d":{"e":""},"f":1'), mapperWith(reject).mapper),
    ).toMatchObject({
      kind: 'event',
      json: '{"name":"e","attributes":{"f":1}}',
      leftOut: [{ path: 'a' }, { path: 'date__b' }, { path: 'url__c' }, { path: 'd.e' }],
    });
  });

  test('reject_event: a rejected row does not affect the next one', () => {
    const { mapper } = mapperWith(reject);
    expect(map(rowWith('"a.b":1'), mapper).kind).toBe('rejected');
    expect(map(rowWith('"a":1'), mapper)).toMatchObject({ kind: 'event', leftOut: [] });
  });
});

describe('policies.long_text', () => {
  test('truncate: the string is truncated and reported', () => {
    const { mapper, changes } = mapperWith({ policies: { ...DEFAULT_POLICIES, long_text: 'truncate' } });
    expect(map(rowWith(`"a":"${'x'.repeat(301)}","b":{"c":"${'y'.repeat(301)}"}`), mapper)).toMatchObject({
      json: `{"name":"e","attributes":{"a":"${'x'.repeat(300)}","b":{"c":"${'y'.repeat(300)}"}}}`,
      leftOut: [],
    });
    expect(changes).toEqual(['a: a (text_truncated)', 'b: b.c (text_truncated)']);
  });
});

describe('policies.untimely_event', () => {
  const now = Date.parse('2026-04-17T12:00:00Z');
  const cases: [name: string, time: string, code: RejectionCode | undefined][] = [
    ['of this moment', '2026-04-17T12:00:00Z', undefined],
    ['of a day ago, less five minutes', '2026-04-16T12:05:00Z', undefined],
    ['older by a millisecond', '2026-04-16T12:04:59.999Z', 'event_too_old'],
    ['of a year ago, in another zone', '2025-04-17T12:00:00+02:00', 'event_too_old'],
    ['of the next millisecond', '2026-04-17T12:00:00.001Z', 'event_in_future'],
    ['of the next second', '2026-04-17T14:00:01+02:00', 'event_in_future'],
  ];
  test.each(cases)('an event %s', (_, time, code) => {
    const become = (untimely_event: 'send' | 'send_without_time' | 'reject') => {
      const { mapper, changes } = mapperWith({ now: () => now, policies: { ...DEFAULT_POLICIES, untimely_event } });
      return [map(rowWith(`"event_time":"${time}"`), mapper), changes] as const;
    };
    const [sent] = become('send');
    expect(sent).toMatchObject({ kind: 'event', json: expect.stringContaining('"time":') });
    const [rejected] = become('reject');
    expect(rejected).toMatchObject(code === undefined ? { kind: 'event' } : { kind: 'rejected', rejection: { code } });
    const [without, changes] = become('send_without_time');
    if (code === undefined) expect(without).toMatchObject({ json: expect.stringContaining('"time":') });
    else expect(without).toMatchObject({ json: '{"name":"e"}', isTimely: true });
    expect(changes).toEqual(code === undefined ? [] : ['event_time: event_time (time_left_out)']);
  });

  test('gives the reason of the rejection', () => {
    const { mapper } = mapperWith({ now: () => now, policies: { ...DEFAULT_POLICIES, untimely_event: 'reject' } });
    expect(
      ['2026-04-16T00:00:00Z', '2026-04-18T00:00:00Z'].map((time) => map(rowWith(`"event_time":"${time}"`), mapper)),
    ).toEqual([
      {
        kind: 'rejected',
        rejection: {
          code: 'event_too_old',
          reason:
            'event_time is older than 24 hours (minus 5 minutes and flush_interval_seconds for waiting in the queue), and Batch refuses such events',
        },
      },
      {
        kind: 'rejected',
        rejection: {
          code: 'event_in_future',
          reason: "event_time is in the future by this machine's clock, and Batch refuses such events",
        },
      },
    ]);
  });
});

describe('policies.capital_letters', () => {
  test('lower_case: reports once per column, not per row', () => {
    const { mapper, changes } = mapperWith({});
    for (let row = 0; row < 3; row += 1) {
      expect(map(rowWith('"Total":1,"DATE__At":"2026-04-17","B":{"C":1},"d":1'), mapper)).toMatchObject({
        json: '{"name":"e","attributes":{"total":1,"date(at)":"2026-04-17T00:00:00Z","b":{"c":1},"d":1}}',
        leftOut: [],
      });
    }
    expect(changes).toEqual([
      'Total: Total (name_lower_cased)',
      'DATE__At: DATE__At (name_lower_cased)',
      'B: B.C (name_lower_cased)',
      'B: B (name_lower_cased)',
    ]);
  });

  test('drop: the attribute is left out', () => {
    const { mapper, changes } = mapperWith({ policies: { ...DEFAULT_POLICIES, capital_letters: 'drop' } });
    expect(
      map(rowWith('"Total":1,"DATE__at":"2026-04-17","BATCH__LABEL":"x","b":{"C":1,"d":1}'), mapper),
    ).toMatchObject({
      json: '{"name":"e","attributes":{"b":{"d":1}}}',
      leftOut: ['Total', 'DATE__at', 'BATCH__LABEL', 'b.C'].map((path) => ({ path, code: 'name_invalid' })),
    });
    expect(changes).toEqual([]);
  });
});

describe('mapping', () => {
  const cases: [name: string, mapping: Mapping, row: string, customId: string, json: string][] = [
    [
      'other columns for the profile, the name and the time are not attributes',
      { custom_id_column: 'User', event_name_column: 'action', event_time_column: 'date__at' },
      '{"User":"u1","action":"buy","date__at":"2026-04-17T04:25:00Z","a":1}',
      'u1',
      '{"name":"buy","time":"2026-04-17T04:25:00Z","attributes":{"a":1}}',
    ],
    [
      'the default columns become attributes when others are mapped',
      { custom_id_column: 'user', event_time_column: 'at' },
      '{"user":7,"custom_id":"x","event_name":"buy","at":null,"event_time":"soon"}',
      '7',
      '{"name":"buy","attributes":{"custom_id":"x","event_time":"soon"}}',
    ],
    [
      'constant_event_name names all events',
      { constant_event_name: 'purchase' },
      '{"custom_id":"u1","event_name":"Other"}',
      'u1',
      '{"name":"purchase","attributes":{"event_name":"Other"}}',
    ],
    [
      'the cursor can be the event time',
      { event_time_column: 'last_updated_at' },
      '{"custom_id":"u1","event_name":"e","last_updated_at":"2026-04-17T04:25:00Z"}',
      'u1',
      '{"name":"e","time":"2026-04-17T04:25:00Z"}',
    ],
    [
      'include_columns: only these become attributes',
      { include_columns: ['a', 'url__b', 'batch__label'] },
      '{"custom_id":"u1","event_name":"e","a":1,"url__b":"https://a","b":2,"batch__label":"x","batch__tags":["y"],"A":3}',
      'u1',
      '{"name":"e","attributes":{"a":1,"url(b)":"https://a","$label":"x"}}',
    ],
    [
      'include_columns: an empty array includes all columns',
      { include_columns: [] },
      '{"custom_id":"u1","event_name":"e","a":1}',
      'u1',
      '{"name":"e","attributes":{"a":1}}',
    ],
    [
      'exclude_columns: these do not become attributes',
      { exclude_columns: ['a'] },
      '{"custom_id":"u1","event_name":"e","a":1,"A":2,"b":3}',
      'u1',
      '{"name":"e","attributes":{"a":2,"b":3}}',
    ],
    [
      'plain_text_columns: JSON in a string stays a string',
      { plain_text_columns: ['a'] },
      '{"custom_id":"u1","event_name":"e","a":"[\\"x\\"]","b":"[\\"x\\"]"}',
      'u1',
      '{"name":"e","attributes":{"a":"[\\"x\\"]","b":["x"]}}',
    ],
  ];
  test.each(cases)('%s', (_, mapping, row, customId, json) => {
    expect(map(row, mapperWith({ mapping }).mapper)).toMatchObject({ kind: 'event', customId, json, leftOut: [] });
  });

  test('rejections name the mapped column', () => {
    const { mapper } = mapperWith({
      mapping: { custom_id_column: 'user', event_name_column: 'action', event_time_column: 'at' },
    });
    expect(
      ['{"custom_id":"u"}', '{"user":"u"}', '{"user":"u","action":"e","at":"x"}'].map((row) => map(row, mapper)),
    ).toMatchObject([
      { rejection: { reason: 'user is missing or blank, so there is no profile to attach the event to' } },
      { rejection: { reason: expect.stringMatching(/^action is missing/) } },
      { rejection: { reason: expect.stringMatching(/^at is not an RFC 3339 timestamp/) } },
    ]);
  });

  test.each(['constructor', '__proto__', 'toString'])(
    'custom_id_column %s, which no row has, gives no profile',
    (column) => {
      expect(map('{"event_name":"e"}', mapperWith({ mapping: { custom_id_column: column } }).mapper)).toMatchObject({
        rejection: { code: 'custom_id_missing' },
      });
    },
  );
});

describe('label and tags', () => {
  test('do not count among the attributes', () => {
    const twenty = Array.from({ length: 20 }, (_, index) => `"c${index}":${index}`).join();
    expect(attributesOf(`"batch__label":"x",${twenty},"batch__tags":["y"]`)).toEqual({
      sent: `{"$label":"x",${twenty},"$tags":["y"]}`,
      leftOut: [],
    });
  });
});

describe('event_id_attribute', () => {
  const idOf = (row: string, stream = 'events'): unknown => {
    const mapped = map(row, mapperWith({ eventIdAttribute: 'row_id', stream }).mapper);
    if (mapped.kind === 'rejected') throw new Error(mapped.rejection.code);
    return JSON.parse(mapped.json).attributes.row_id;
  };
  const ROW = rowWith('"a":1,"b":{"c":9007199254740993,"d":[1.5,"x"]},"last_updated_at":1,"n":null');

  test('the id is the first attribute, and the same for the same row', () => {
    const mapped = map(rowWith('"a":1'), mapperWith({ eventIdAttribute: 'row_id', stream: 'events' }).mapper);
    expect(mapped).toMatchObject({
      json: expect.stringMatching(/^\{"name":"e","attributes":\{"row_id":"[0-9a-f]{32}","a":1\}\}$/),
    });
    // It must not change between versions, or an event sent again after an upgrade would have another id.
    expect(idOf(ROW)).toBe('6d8beb20fb85e9caf388df2c565b8fe3');
  });

  test.each([
    [
      'in another order',
      '{"last_updated_at":1,"b":{"d":[1.5,"x"],"c":9007199254740993},"a":1,"event_name":"e","custom_id":"u1"}',
    ],
    ['with what a platform adds', ROW.replace('{', '{"_airbyte_raw_id":"x","_airbyte_extracted_at":1,')],
    ['with a column that came since and is NULL', ROW.replace('{', '{"new":null,')],
  ])('the id is the same for a row %s', (_, row) => {
    expect(idOf(row)).toBe(idOf(ROW));
  });

  test.each([
    ['a value', ROW.replace('"a":1', '"a":2')],
    ['a type', ROW.replace('"a":1', '"a":"1"')],
    ['a digit that a double does not keep', ROW.replace('9007199254740993', '9007199254740992')],
    ['the cursor, which is not sent', ROW.replace('"last_updated_at":1', '"last_updated_at":2')],
    ['the order of an array', ROW.replace('[1.5,"x"]', '["x",1.5]')],
    ['a name', ROW.replace('"a":1', '"z":1')],
  ])('the id differs for another row: %s', (_, row) => {
    expect(row).not.toBe(ROW);
    expect(idOf(row)).not.toBe(idOf(ROW));
  });

  test('works for a row nested deeper than the stack', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(idOf(rowWith(`"a":${deep}`))).toMatch(/^[0-9a-f]{32}$/);
  });

  test('the id differs between streams', () => {
    expect(idOf(ROW, 'orders')).not.toBe(idOf(ROW));
  });

  test('counts toward the limit of attributes, and the last column is left out', () => {
    const columnsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `"c${index}":${index}`).join();
    const { mapper } = mapperWith({ eventIdAttribute: 'row_id' });
    expect(map(rowWith(columnsUpTo(19)), mapper)).toMatchObject({ leftOut: [] });
    expect(map(rowWith(columnsUpTo(20)), mapper)).toMatchObject({
      leftOut: [{ path: 'c19', code: 'too_many_attributes' }],
    });
  });

  test('a column with the same name is left out', () => {
    const { mapper } = mapperWith({ eventIdAttribute: 'row_id' });
    expect(map(rowWith('"row_id":1,"date__row_id":"2026-04-17","o":{"row_id":1}'), mapper)).toMatchObject({
      json: expect.stringContaining(',"o":{"row_id":1}}'),
      leftOut: [
        { path: 'row_id', code: 'name_taken' },
        { path: 'date__row_id', code: 'name_taken' },
      ],
    });
  });
});

test('an unlimited number of names does not fill memory, and duplicates are still found', () => {
  const { mapper } = mapperWith({ eventIdAttribute: 'row_id' });
  for (let row = 0; row < 12; row += 1) {
    const keys = Array.from({ length: 1_000 }, (_, index) => `"k${row}_${index}":null`).join();
    expect(map(rowWith(`"o":{${keys},"a":1},"x":1,"url__x":"https://a","row_id":1`), mapper)).toMatchObject({
      json: expect.stringMatching(/"o":\{"a":1\},"x":1\}\}$/),
      leftOut: [
        { path: 'url__x', code: 'name_taken' },
        { path: 'row_id', code: 'name_taken' },
      ],
    });
  }
});

test('the issues of a row do not change while other rows are mapped', () => {
  const { mapper } = mapperWith({});
  const [good, bad, next] = ['"a":1', '"a.b":1', '"c.d":1'].map((columns) => map(rowWith(columns), mapper));
  expect([good, bad, next]).toMatchObject([
    { leftOut: [] },
    { leftOut: [{ path: 'a.b' }] },
    { leftOut: [{ path: 'c.d' }] },
  ]);
});

test('takes linear time for an object with 100,000 keys', () => {
  const keys = Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join();
  expect(eventOf(rowWith(`"o":{${keys}}`)).leftOut).toHaveLength(100_000 - 20);
  // Half a second, or a few on a busy machine. Quadratic time would be minutes.
}, 20_000);
