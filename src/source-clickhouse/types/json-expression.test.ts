import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { jsonExpression } from './json-expression.ts';

// What the expressions give, integration_tests/column_types.test.ts proves with a real server, to the digit.

describe('what needs no change is left alone, for the server to be quick:', () => {
  test.each([
    'UInt32',
    'Int8',
    'Bool',
    'Float64',
    'Decimal(38, 10)',
    'UUID',
    'IPv4',
    "Enum8('a' = 1)",
    'Nullable(UInt32)',
    'Array(Nullable(Float64))',
    'Array(Array(Bool))',
    'Map(UInt8, UInt8)',
    'JSON',
    'Dynamic',
  ])('%s', (name) => {
    expect(jsonExpression(parseClickHouseType(name), 'c')).toEqual({ sql: 'c', type: name });
  });
});

describe('the type of what leaves', () => {
  test.each([
    ['String', 'String'],
    ['FixedString(3)', 'String'],
    ['LowCardinality(String)', 'String'],
    ['Nullable(String)', 'Nullable(String)'],
    ['LowCardinality(Nullable(String))', 'Nullable(String)'],
    ["DateTime64(3, 'UTC')", 'String'],
    ['Nullable(DateTime)', 'Nullable(String)'],
    ['LowCardinality(Nullable(DateTime))', 'Nullable(String)'],
    ['Nullable(Date32)', 'Nullable(String)'],
    ['UInt256', 'String'],
    ['Nullable(Int128)', 'Nullable(String)'],
    ['UInt64', 'Decimal(38, 0)'],
    ['Nullable(Int64)', 'Nullable(Decimal(38, 0))'],
    ['Array(Array(Nullable(String)))', 'Array(Array(Nullable(String)))'],
    ['Array(UInt64)', 'Array(Decimal(38, 0))'],
    ['Tuple(a UInt8, `b, c` DateTime)', 'Tuple(`a` UInt8, `b, c` String)'],
    ['Tuple(UInt8, Nullable(DateTime))', 'Tuple(UInt8, Nullable(String))'],
    ['Nested(a DateTime, b UInt8)', 'Array(Tuple(`a` String, `b` UInt8))'],
    ['Map(UInt8, Array(DateTime))', 'Map(UInt8, Array(String))'],
    ['Time64(3)', 'String'],
    // A server refuses to make a LowCardinality of numbers for a user who did not ask for it.
    ['LowCardinality(UInt8)', 'UInt8'],
    ['LowCardinality(Nullable(Float64))', 'Nullable(Float64)'],
    ['Array(LowCardinality(UInt8))', 'Array(UInt8)'],
    ['Map(LowCardinality(UInt8), LowCardinality(UInt8))', 'Map(UInt8, UInt8)'],
    ['Nullable(Quantum(3))', 'Nullable(String)'],
  ])('%s becomes %s', (name, type) => {
    expect(jsonExpression(parseClickHouseType(name), 'c').type).toBe(type);
  });
});

test('every expression is made of the value that it was given', () => {
  for (const name of ['String', 'DateTime', 'UInt64', 'Int256', 'Array(String)', 'Map(UInt8, String)', 'Time']) {
    expect(jsonExpression(parseClickHouseType(name), 't.`a b`').sql).toContain('t.`a b`');
  }
});
