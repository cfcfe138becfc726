import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { anyOfSql, jsonPairsSql, jsonSql, nonFiniteSql } from './json-sql.ts';

// What the expressions give, integration_tests/types/column-types.test.ts proves with a real server, to the digit.

test('every expression is made of the value that it was given', () => {
  for (const name of [
    'String',
    'FixedString(3)',
    'DateTime',
    'UInt64',
    'Int256',
    'Bool',
    'Float64',
    'Array(String)',
    'Map(UInt8, String)',
    'Tuple(a UInt8)',
    'Variant(String, UInt8)',
    'JSON',
    'Nullable(String)',
    'Time',
    'Quantum(3)',
  ]) {
    expect(jsonSql(parseClickHouseType(name), 't.`a b`')).toContain('t.`a b`');
  }
});

test('names are escaped for JSON, and that for SQL', () => {
  const type = parseClickHouseType('UInt8');
  expect(
    jsonPairsSql([
      { name: `it's "a"`, type, value: 'a' },
      { name: '\\\n', type, value: 'b' },
    ]),
  ).toEqual([String.raw`'"it\'s \\"a\\"":'`, 'toString(a)', String.raw`',"\\\\\\n":'`, 'toString(b)']);
});

describe('whether a value holds what JSON lacks', () => {
  test.each([
    'UInt8',
    'String',
    'Array(String)',
    'Map(String, Decimal(9, 2))',
    'Tuple(a Tuple(b Date))',
    'JSON',
    'Variant(String, UInt8)',
  ])('is no question for %s, and costs nothing', (name) => {
    expect(nonFiniteSql(parseClickHouseType(name), 'c')).toBeUndefined();
  });

  test.each([
    'Float64',
    'Nullable(Float32)',
    'LowCardinality(Float64)',
    'Array(Array(Float64))',
    'Map(String, Float64)',
    'Tuple(a UInt8, b Float64)',
    'Variant(String, Float64)',
    'Point',
  ])('is asked of %s', (name) => {
    expect(nonFiniteSql(parseClickHouseType(name), 'c')).toContain('isFinite');
  });

  test('is one question for several columns', () => {
    expect(anyOfSql([undefined, 'a', undefined, 'b'])).toBe('(a OR b)');
    expect(anyOfSql([undefined])).toBeUndefined();
  });
});
