import { expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { keepsJson } from './keeps-json.ts';

test.each([
  ['UInt32', 'UInt64', true],
  ['UInt32', 'Int64', true],
  ['UInt32', 'Int32', false],
  ['Int32', 'UInt64', false],
  ['Int64', 'Int32', false],
  ['Int64', 'Int128', false],
  ['Int128', 'Int256', true],
  ['Int64', 'String', false],
  ["Enum8('a' = 1)", "Enum8('a' = 1, 'b' = 2)", true],
  ["Enum8('a' = 1)", "Enum16('a' = 1, 'b' = 200)", true],
  ["Enum8('a' = 1)", 'String', true],
  ["Enum8('a' = 1)", 'LowCardinality(String)', true],
  ['String', 'LowCardinality(Nullable(String))', true],
  ['LowCardinality(String)', 'String', true],
  ['LowCardinality(Nullable(String))', 'Nullable(String)', true],
  ['Nullable(UInt8)', 'Nullable(UInt16)', true],
  ['Nullable(String)', 'String', false],
  ['LowCardinality(Nullable(String))', 'String', false],
  ['Array(UInt8)', 'Array(Nullable(UInt16))', true],
  ['Decimal(9, 2)', 'Decimal(18, 2)', true],
  ['Decimal(9, 2)', 'Decimal(9, 4)', false],
  ["DateTime64(3, 'UTC')", "DateTime64(3, 'Asia/Tokyo')", true],
  ['DateTime', 'DateTime64(3)', false],
  ['Date', 'Date32', true],
  ['Date', 'DateTime', false],
  ['Float32', 'Float64', false],
  ['FixedString(3)', 'String', false],
  ['Tuple(a UInt8)', 'Tuple(b UInt8)', false],
])('a change from %s to %s keeps the JSON of values: %s', (before, now, expected) => {
  expect(keepsJson(parseClickHouseType(before), parseClickHouseType(now))).toBe(expected);
});
