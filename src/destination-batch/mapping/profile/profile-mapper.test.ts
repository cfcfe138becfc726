import { LosslessNumber } from 'lossless-json';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, type Limits } from '../../batch/limits.ts';
import type { Change } from '../../codes.ts';
import { mappingOptions } from '../../config/mapping.ts';
import { policyOptions } from '../../config/policies.ts';
import { ItemArena } from '../../item-arena.ts';
import type { Row } from '../mapper.ts';
import type { MapperOptions } from '../rules.ts';
import { ProfileMapper } from './profile-mapper.ts';

type Settings = { mapping?: object; policies?: object; limits?: Partial<Limits> } & Partial<
  Pick<MapperOptions, 'columnTypes' | 'cursorColumn'>
>;

/** Maps a row. Returns its profile, the JSON of its attributes in each part, and the codes of what is left out or changed. */
function map(row: Row, { mapping = {}, policies = {}, limits = {}, ...options }: Settings = {}) {
  const arena = new ItemArena();
  const changes: Change[] = [];
  const mapper = new ProfileMapper(
    { ...DEFAULT_LIMITS, ...limits },
    {
      ...options,
      mapping: mappingOptions.parse(mapping),
      policies: policyOptions.parse(policies),
      onChange: (change) => changes.push(change),
    },
    arena,
  );
  const mapped = mapper.map(row);
  if (mapped.kind === 'rejected') return { rejected: mapped.rejection.code, reason: mapped.rejection.reason };
  return {
    customId: arena.profiles.readCustomId(mapped.profile),
    parts: mapped.parts.map((part) => arena.read(part).split('\n').join(',')),
    leftOut: mapped.leftOut.map(({ path, code }) => `${path}: ${code}`),
    changes: changes.map(({ path, code }) => `${path}: ${code}`),
  };
}

/** The JSON of the attributes of a row with one column. */
function attributesOf(column: string, value: unknown, settings?: Settings): string | undefined {
  const { parts, leftOut } = map({ custom_id: 'u', [column]: value }, settings);
  expect(leftOut).toEqual([]);
  return parts?.join();
}

describe('a column becomes', () => {
  const cases: [column: string, value: unknown, expected: string, settings?: Settings][] = [
    ['plan', 'gold', '"plan":"gold"'],
    ['n', new LosslessNumber('9007199254740993'), '"n":9007199254740993'],
    ['n', new LosslessNumber('0.1234567890123456789'), '"n":0.1234567890123456789'],
    ['is_vip', true, '"is_vip":true'],
    ['date__birthday', '1989-07-20', '"date(birthday)":"1989-07-20T00:00:00Z"'],
    ['url__avatar', 'https://a.example/b', '"url(avatar)":"https://a.example/b"'],
    ['interests', '["a", "b"]', '"interests":["a","b"]'],
    ['interests', ['a', 'b'], '"interests":["a","b"]'],
    ['interests', '["a"]', '"interests":"[\\"a\\"]"', { mapping: { plain_text_columns: ['interests'] } }],
    ['interests', '{"$add": ["a"]}', '"interests":{"$add":["a"]}'],
    ['interests', { $add: ['a'], $remove: ['b'] }, '"interests":{"$add":["a"],"$remove":["b"]}'],
    ['interests', '{"$add": ["a"], "$remove": []}', '"interests":{"$add":["a"]}'],
    // An edit that changes nothing, and no value at all.
    ['interests', '{"$add": []}', ''],
    ['interests', '{}', ''],
    ['event_name', 'e', '"event_name":"e"'],
    ['event_time', 'whenever', '"event_time":"whenever"'],
    ['last_updated_at', 'x', ''],
    ['_airbyte_raw_id', 'x', ''],
    ['cursor', 'x', '', { cursorColumn: 'cursor' }],
    ['batch__email_address', 'ana@example.com', '"$email_address":"ana@example.com"'],
    ['BATCH__Language', 'fr', '"$language":"fr"'],
    ['batch__region', 'FR', '"$region":"FR"'],
    ['batch__timezone', 'America/Argentina/Buenos_Aires', '"$timezone":"America/Argentina/Buenos_Aires"'],
    ['batch__phone_number', '+33612345678', '"$phone_number":"+33612345678"'],
    ['batch__email_marketing', 'subscribed', '"$email_marketing":"subscribed"'],
    ['batch__sms_marketing', 'unsubscribed', '"$sms_marketing":"unsubscribed"'],
    ['price', '12.50', '"price":12.50', { columnTypes: new Map([['price', 'float']]) }],
    ['price', 12, '"price":12.0', { columnTypes: new Map([['price', 'float']]) }],
    ['count', '12.0', '"count":12', { columnTypes: new Map([['count', 'integer']]) }],
    [
      'date__at',
      '2026-04-17 04:25:00',
      '"date(at)":"2026-04-17T04:25:00Z"',
      { columnTypes: new Map([['date__at', 'date_time']]) },
    ],
    ['long', 'x'.repeat(5), '"long":"xxx"', { policies: { long_text: 'truncate' }, limits: { string_characters: 3 } }],
  ];
  test.each(cases)('%s of %j: %s', (column, value, expected, settings) => {
    expect(attributesOf(column, value, settings)).toBe(expected);
  });
});

describe('a column is left out of the row', () => {
  const cases: [column: string, value: unknown, code: string][] = [
    ['a', 'x'.repeat(301), 'text_too_long'],
    ['a', '', 'text_blank'],
    ['a', ['x', 1], 'array_of_unsupported_items'],
    ['a', '[1]', 'array_of_unsupported_items'],
    ['a', '[{"b":"c"}]', 'array_of_unsupported_items'],
    ['a', ['x', ' '], 'text_blank'],
    ['a', Array.from({ length: 26 }, () => 'x'), 'array_too_long'],
    ['a', { b: 'c' }, 'type_unsupported'],
    ['a', '{"$add":["x"],"$set":["x"]}', 'type_unsupported'],
    ['a', '{"$add":"x"}', 'type_unsupported'],
    ['a', '{"$add":[1]}', 'array_of_unsupported_items'],
    ['a b', 'x', 'name_invalid'],
    ['date__a', 'x', 'date_invalid'],
    ['url__a', 'www', 'url_invalid'],
    ['n', new LosslessNumber('9223372036854775808'), 'number_out_of_range'],
    ['batch__label', 'x', 'name_invalid'],
    ['batch__topic_preferences', ['x'], 'name_invalid'],
    ['batch__email_address', 'ana', 'native_attribute_invalid'],
    ['batch__email_address', 'ana @example.com', 'native_attribute_invalid'],
    ['batch__email_address', `${'a'.repeat(256)}@example.com`, 'native_attribute_invalid'],
    ['batch__email_address', 1, 'native_attribute_invalid'],
    ['batch__email_marketing', true, 'native_attribute_invalid'],
    ['batch__sms_marketing', 'yes', 'native_attribute_invalid'],
    ['batch__language', 'fra', 'native_attribute_invalid'],
    ['batch__region', '33', 'native_attribute_invalid'],
    ['batch__timezone', '+01:00', 'native_attribute_invalid'],
    ['batch__phone_number', '0612345678', 'native_attribute_invalid'],
    ['batch__phone_number', '+1234567890123456', 'native_attribute_invalid'],
  ];
  test.each(cases)('%s of %j: %s', (column, value, code) => {
    expect(map({ custom_id: 'u', good: 1, [column]: value })).toMatchObject({
      parts: ['"good":1'],
      leftOut: [`${column}: ${code}`],
    });
  });

  test('if another column has its name: x, date__x, url__x and capitals count as the same', () => {
    expect(map({ custom_id: 'u', date__x: 'no', X: 1, x: 2, url__x: 'https://a.example' })).toMatchObject({
      parts: ['"x":1'],
      leftOut: ['date__x: date_invalid', 'x: name_taken', 'url__x: name_taken'],
      changes: ['X: name_lower_cased'],
    });
  });
});

describe('a row without a value for an attribute', () => {
  const row = {
    custom_id: 'u',
    a: null,
    date__b: null,
    batch__language: null,
    c: ' ',
    d: [],
    e: '[]',
    f: {},
    g: undefined,
  };

  test('keeps the attribute, and reports blank strings', () => {
    expect(map(row)).toMatchObject({ parts: [''], leftOut: ['c: text_blank'] });
  });

  test('deletes the attribute if null_attribute is delete, except for an edit that changes nothing', () => {
    expect(map(row, { policies: { null_attribute: 'delete' } })).toMatchObject({
      parts: ['"a":null,"date(b)":null,"$language":null,"c":null,"d":null,"e":null,"g":null'],
      leftOut: [],
    });
  });

  test('does not delete an attribute that another column sets, or whose name is invalid', () => {
    expect(
      map({ custom_id: 'u', x: null, date__x: '2026-04-17', 'a b': null }, { policies: { null_attribute: 'delete' } }),
    ).toMatchObject({
      parts: ['"date(x)":"2026-04-17T00:00:00Z"'],
      leftOut: [],
    });
  });
});

describe('a row', () => {
  test('reads its profile from another column, and then custom_id is an attribute', () => {
    expect(
      map(
        { user_id: new LosslessNumber('9007199254740993'), custom_id: 'x' },
        { mapping: { custom_id_column: 'user_id' } },
      ),
    ).toMatchObject({
      customId: '9007199254740993',
      parts: ['"custom_id":"x"'],
    });
  });

  test('has only the included columns, or not the excluded ones', () => {
    const row = { custom_id: 'u', a: 1, b: 2 };
    expect(map(row, { mapping: { include_columns: ['a'] } })).toMatchObject({ parts: ['"a":1'] });
    expect(map(row, { mapping: { exclude_columns: ['a'] } })).toMatchObject({ parts: ['"b":2'] });
  });

  test('with more attributes than an update may have consists of several parts', () => {
    expect(map({ custom_id: 'u', a: 1, b: 2, c: 3 }, { limits: { attributes_per_update: 2 } })).toMatchObject({
      parts: ['"a":1,"b":2', '"c":3'],
    });
  });

  test.each([
    [{ a: 1 }, 'custom_id_missing', 'custom_id is missing or blank, so there is no profile to update'],
    [{ custom_id: 'null' }, 'custom_id_placeholder', 'custom_id is a placeholder (such as null), not an identifier'],
    [
      { custom_id: 'u', url__a: 'x', b: null },
      'attribute_invalid',
      'no attribute of the row can be sent: the attribute "url__a" is not a URL with a scheme and a host, such as https://example.com/a (url_invalid)',
    ],
  ])('%j is rejected: %s', (row, rejected, reason) => {
    expect(map(row)).toEqual({ rejected, reason });
  });

  test('with an invalid attribute is rejected if a policy says so', () => {
    const row = { custom_id: 'u', a: 1, url__b: 'x' };
    expect(map(row, { policies: { invalid_attribute: 'reject_event' } })).toMatchObject({
      rejected: 'attribute_invalid',
    });
    expect(map({ custom_id: 'u', a: '' }, { policies: { invalid_attribute: 'reject_event' } })).toMatchObject({
      parts: [''],
    });
  });
});

test('describes each column as it maps it', () => {
  const mapper = new ProfileMapper(DEFAULT_LIMITS);
  const uses = ['custom_id', 'last_updated_at', 'event_name', 'date__x', 'batch__language'].map((column) =>
    mapper.describeColumn(column),
  );
  expect(uses).toEqual([
    { kind: 'profile' },
    { kind: 'not_sent' },
    { kind: 'attribute', name: 'event_name', valueKind: 'untyped' },
    { kind: 'attribute', name: 'date(x)', valueKind: 'date' },
    { kind: 'attribute', name: '$language', valueKind: 'untyped' },
  ]);
});
