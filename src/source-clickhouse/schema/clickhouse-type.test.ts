import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClickHouseType, isNullable, parseClickHouseType, unwrapType } from './clickhouse-type.ts';

/** A type in one line: its kind, its parameters, and in brackets its inner types. */
function outline(type: ClickHouseType): string {
  switch (type.kind) {
    case 'integer':
      return `${type.signed ? 'signed' : 'unsigned'} ${type.bits}`;
    case 'decimal':
      return `decimal .${type.scale}`;
    case 'date_time':
      return `date_time .${type.precision}`;
    case 'fixed_string':
      return `fixed_string ${type.length}`;
    case 'nullable':
    case 'low_cardinality':
    case 'array':
      return `${type.kind}(${outline(type.of)})`;
    case 'variant':
      return `variant(${type.of.map(outline).join(', ')})`;
    case 'map':
      return `map(${outline(type.key)} → ${outline(type.value)})`;
    case 'tuple':
      return `tuple(${type.elements
        .map(
          (element) =>
            `${element.name === undefined ? '' : `${JSON.stringify(element.name)} `}${outline(element.type)}`,
        )
        .join(', ')})`;
    default:
      return type.kind;
  }
}

describe('parses the type', () => {
  test.each([
    // Strings, and types that are sent as strings.
    ['String', 'string'],
    ['FixedString(16)', 'fixed_string 16'],
    ['UUID', 'uuid'],
    ['IPv4', 'ip'],
    ['IPv6', 'ip'],
    ["Enum8('a' = 1, 'b' = 2)", 'enumeration'],
    ["Enum16('a' = -32768)", 'enumeration'],
    [`${String.raw`Enum8('it\'s, (x)' = 1, ')' = 2, '\\' = 3, '`}\`' = 4)`, 'enumeration'],
    // Numbers.
    ['Bool', 'boolean'],
    ['Int8', 'signed 8'],
    ['Int16', 'signed 16'],
    ['Int32', 'signed 32'],
    ['Int64', 'signed 64'],
    ['Int128', 'signed 128'],
    ['Int256', 'signed 256'],
    ['UInt8', 'unsigned 8'],
    ['UInt16', 'unsigned 16'],
    ['UInt32', 'unsigned 32'],
    ['UInt64', 'unsigned 64'],
    ['UInt128', 'unsigned 128'],
    ['UInt256', 'unsigned 256'],
    ['Float32', 'float'],
    ['Float64', 'float'],
    ['BFloat16', 'float'],
    ['Decimal(9, 2)', 'decimal .2'],
    ['Decimal(76, 3)', 'decimal .3'],
    ['Decimal(38, 0)', 'decimal .0'],
    // Time.
    ['Date', 'date'],
    ['Date32', 'date'],
    ['DateTime', 'date_time .0'],
    ["DateTime('Europe/Paris')", 'date_time .0'],
    ['DateTime64(3)', 'date_time .3'],
    ['DateTime64(0)', 'date_time .0'],
    ["DateTime64(9, 'America/Argentina/Buenos_Aires')", 'date_time .9'],
    // Types with one inner type.
    ['Nullable(String)', 'nullable(string)'],
    ["Nullable(DateTime64(6, 'UTC'))", 'nullable(date_time .6)'],
    ['LowCardinality(String)', 'low_cardinality(string)'],
    ['LowCardinality(Nullable(String))', 'low_cardinality(nullable(string))'],
    ['LowCardinality(Nullable(FixedString(2)))', 'low_cardinality(nullable(fixed_string 2))'],
    ['Array(UInt8)', 'array(unsigned 8)'],
    ['Array(Array(Nullable(Decimal(10, 4))))', 'array(array(nullable(decimal .4)))'],
    ['Array(LowCardinality(Nullable(String)))', 'array(low_cardinality(nullable(string)))'],
    ["Array(Enum8('a, b)' = 1, '(' = 2))", 'array(enumeration)'],
    // Types with several inner types.
    ['Map(String, UInt64)', 'map(string → unsigned 64)'],
    [
      'Map(LowCardinality(String), Array(Tuple(UInt8, String)))',
      'map(low_cardinality(string) → array(tuple(unsigned 8, string)))',
    ],
    ["Map(Enum8('a,b' = 1), Map(UInt8, DateTime('UTC')))", 'map(enumeration → map(unsigned 8 → date_time .0))'],
    ['Tuple(UInt8, String)', 'tuple(unsigned 8, string)'],
    ['Tuple()', 'tuple()'],
    ['Tuple(a UInt8, b Nullable(String))', 'tuple("a" unsigned 8, "b" nullable(string))'],
    ["Tuple(DateTime64(3, 'UTC'), Decimal(9, 2))", 'tuple(date_time .3, decimal .2)'],
    ["Tuple(at DateTime64(3, 'UTC'), price Decimal(9, 2))", 'tuple("at" date_time .3, "price" decimal .2)'],
    ['Tuple(a Tuple(b Tuple(c UInt8)))', 'tuple("a" tuple("b" tuple("c" unsigned 8)))'],
    ['Tuple(String String, Array Array(UInt8))', 'tuple("String" string, "Array" array(unsigned 8))'],
    ['Tuple(_ UInt8, a1 UInt8)', 'tuple("_" unsigned 8, "a1" unsigned 8)'],
    [
      "Array(Tuple(a UInt8, `we\\`ird, na)me` DateTime64(3, 'UTC')))",
      'array(tuple("a" unsigned 8, "we`ird, na)me" date_time .3))',
    ],
    ['Tuple(`1` UInt8, `a b` String, `` String)', 'tuple("1" unsigned 8, "a b" string, "" string)'],
    [
      String.raw`Tuple(${'`'}back\\slash${'`'} UInt8, ${'`'}quo'te${'`'} UInt8)`,
      String.raw`tuple("back\\slash" unsigned 8, "quo'te" unsigned 8)`,
    ],
    ['Tuple(`é` UInt8, `日本` UInt8)', 'tuple("é" unsigned 8, "日本" unsigned 8)'],
    ["Tuple(`a,b` Enum8('x,y' = 1), c String)", 'tuple("a,b" enumeration, "c" string)'],
    ['Nested(a UInt8, b Array(String))', 'array(tuple("a" unsigned 8, "b" array(string)))'],
    [
      'Nested(`a, b` UInt8, n Nested(c DateTime))',
      'array(tuple("a, b" unsigned 8, "n" array(tuple("c" date_time .0))))',
    ],
    ['Variant(DateTime, Int64, Array(String))', 'variant(date_time .0, signed 64, array(string))'],
    // Objects of any structure.
    ['JSON', 'json'],
    ['JSON(a.b UInt32, SKIP c)', 'json'],
    ["JSON(max_dynamic_paths=16, max_dynamic_types=2, `a.b` Array(Tuple(x UInt8)), SKIP REGEXP 'c.*\\'(')", 'json'],
    ["Object('json')", 'json'],
    ["Object(Nullable('json'))", 'json'],
    ['Dynamic', 'dynamic'],
    ['Dynamic(max_types=8)', 'dynamic'],
    ['Nullable(JSON)', 'nullable(json)'],
    // Geometry.
    ['Point', 'tuple(float, float)'],
    ['Ring', 'array(tuple(float, float))'],
    ['LineString', 'array(tuple(float, float))'],
    ['Polygon', 'array(array(tuple(float, float)))'],
    ['MultiLineString', 'array(array(tuple(float, float)))'],
    ['MultiPolygon', 'array(array(array(tuple(float, float))))'],
    [
      'Geometry',
      'variant(array(tuple(float, float)), array(array(tuple(float, float))), array(array(array(tuple(float, float)))), tuple(float, float), array(array(tuple(float, float))), array(tuple(float, float)))',
    ],
    // Aggregates.
    ['SimpleAggregateFunction(sum, UInt64)', 'unsigned 64'],
    ['SimpleAggregateFunction(anyLast, Nullable(DateTime64(3)))', 'nullable(date_time .3)'],
    ['SimpleAggregateFunction(groupUniqArrayArray(10), Array(String))', 'array(string)'],
    ['AggregateFunction(uniq, UInt64)', 'aggregate_state'],
    ["AggregateFunction(1, quantiles(0.5, 0.9), Tuple(a String, `b)` Enum8(')' = 1)))", 'aggregate_state'],
    // Types without a kind of their own, and types that no server has yet.
    ['IntervalDay', 'other'],
    ['IntervalMillisecond', 'other'],
    ['Nothing', 'other'],
    ['Time', 'other'],
    ['Time64(3)', 'other'],
    ['QBit(Float32, 16)', 'other'],
    ['Int512', 'other'],
    ['Int', 'other'],
    ['XInt64', 'other'],
    ['string', 'other'],
    ["Quantum(Tuple(a UInt8), 'x, (')", 'other'],
    ['Array(Quantum(3))', 'array(other)'],
    ['', 'other'],
  ])('%s', (name, expected) => {
    expect(outline(parseClickHouseType(name))).toBe(expected);
  });
});

describe('keeps the name as the server wrote it, so that SQL can use it:', () => {
  test.each([
    'Nullable(String)',
    "DateTime64(9, 'Europe/Paris')",
    "Enum8('it\\'s, (x)' = 1)",
    'Nested(a UInt8, b String)',
    'MultiPolygon',
    'JSON(`a.b` UInt32, SKIP c)',
    'Quantum(3)',
  ])('%s', (name) => {
    expect(parseClickHouseType(name).name).toBe(name);
    const inArray = parseClickHouseType(`Array(${name})`);
    expect(inArray).toMatchObject({ kind: 'array', of: { name } });
    const inTuple = parseClickHouseType(`Tuple(a UInt8, b ${name}, c String)`);
    expect(inTuple).toMatchObject({
      kind: 'tuple',
      elements: [{ name: 'a' }, { name: 'b', type: { name } }, { name: 'c' }],
    });
  });
});

/** A name between backticks, as the server writes it. */
function backquoted(name: string): string {
  const escapes: Record<string, string> = {
    '\n': '\\n',
    '\t': '\\t',
    '\r': '\\r',
    '\0': '\\0',
    '\b': '\\b',
    '\f': '\\f',
    '`': '\\`',
    '\\': '\\\\',
  };
  return `\`${[...name].map((character) => escapes[character] ?? character).join('')}\``;
}

test('parses any name of an element of a tuple', () => {
  const names = fc.string({
    unit: fc.oneof(fc.constantFrom(...'`\'"\\(), ='), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })),
  });
  fc.assert(
    fc.property(fc.uniqueArray(names, { minLength: 1, maxLength: 4 }), (elements) => {
      const text = `Array(Tuple(${elements.map((name) => `${backquoted(name)} Map(String, Nullable(UInt8))`).join(', ')}))`;
      const tuple = `tuple(${elements.map((name) => `${JSON.stringify(name)} map(string → nullable(unsigned 8))`).join(', ')})`;
      expect(outline(parseClickHouseType(text))).toBe(`array(${tuple})`);
    }),
  );
});

test('decodes control characters in the name of an element', () => {
  expect(outline(parseClickHouseType(`Tuple(${backquoted('a\nb\tc\0')} UInt8, d UInt8)`))).toBe(
    `tuple(${JSON.stringify('a\nb\tc\0')} unsigned 8, "d" unsigned 8)`,
  );
});

test('parses an Enum with any names', () => {
  const names = fc.string({
    unit: fc.oneof(fc.constantFrom(..."`'\\(), ="), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })),
  });
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (values) => {
      const quoted = values.map((value, index) => `'${value.replace(/[\\']/g, '\\$&')}' = ${index}`);
      const type = parseClickHouseType(`Tuple(a Enum8(${quoted.join(', ')}), b UInt8)`);
      expect(outline(type)).toBe('tuple("a" enumeration, "b" unsigned 8)');
    }),
  );
});

test('returns some type for a string that is not a type name', () => {
  const texts = fc.string({ unit: fc.constantFrom(..."Tuple(Array, `'\\) aMNestd1=") });
  fc.assert(
    fc.property(texts, (text) => {
      expect(typeof parseClickHouseType(text).kind).toBe('string');
    }),
  );
});

test.each([
  ['String', 'string'],
  ['Nullable(Date)', 'date'],
  ['LowCardinality(String)', 'string'],
  ['LowCardinality(Nullable(String))', 'string'],
  ['Array(Nullable(String))', 'array(nullable(string))'],
])('unwrapType of %s returns the type %s', (name, expected) => {
  expect(outline(unwrapType(parseClickHouseType(name)))).toBe(expected);
});

test.each([
  ['String', false],
  ['Nullable(String)', true],
  ['LowCardinality(String)', false],
  ['LowCardinality(Nullable(String))', true],
  ['Array(Nullable(String))', false],
  ['Map(String, Nullable(String))', false],
  ['Tuple(Nullable(String))', false],
  ['Variant(String, UInt8)', true],
  ['Geometry', true],
  ['Dynamic', true],
  ['JSON', false],
  ['Nullable(JSON)', true],
  ['Float64', false],
])('a column of %s can be NULL: %s', (name, expected) => {
  expect(isNullable(parseClickHouseType(name))).toBe(expected);
});
