import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { createCursorCodec } from './cursor.ts';

// integration_tests/types/cursor-types.test.ts tests the parameters with a real server.
describe('createCursorCodec', () => {
  test.each([
    ['DateTime', '2026-10-25T00:30:00Z', "DateTime('UTC')", '2026-10-25 00:30:00'],
    ["DateTime('Europe/Paris')", '2026-10-25T00:30:00Z', "DateTime('UTC')", '2026-10-25 00:30:00'],
    ['Nullable(DateTime)', '1970-01-01T00:00:00Z', "DateTime('UTC')", '1970-01-01 00:00:00'],
    ['DateTime64(0)', '2026-01-01T00:00:00Z', "DateTime64(0, 'UTC')", '2026-01-01 00:00:00'],
    ['DateTime64(6)', '2026-01-01T00:00:00.120000Z', "DateTime64(6, 'UTC')", '2026-01-01 00:00:00.120000'],
    [
      "Nullable(DateTime64(9, 'Asia/Kolkata'))",
      '2026-01-01T00:00:00.123456789Z',
      "DateTime64(9, 'UTC')",
      '2026-01-01 00:00:00.123456789',
    ],
    ['LowCardinality(DateTime)', '2026-01-01T00:00:00Z', "DateTime('UTC')", '2026-01-01 00:00:00'],
    [
      'SimpleAggregateFunction(max, DateTime64(3))',
      '2026-01-01T00:00:00.001Z',
      "DateTime64(3, 'UTC')",
      '2026-01-01 00:00:00.001',
    ],
    ['Date', '2026-01-01', 'Date', '2026-01-01'],
    ['Date32', '1900-01-01', 'Date32', '1900-01-01'],
    ['UInt64', '18446744073709551615', 'UInt64', '18446744073709551615'],
    ['Int8', '-128', 'Int8', '-128'],
    ['Nullable(Int256)', '-1', 'Int256', '-1'],
    ['String', 'Z to T', 'String', 'Z to T'],
    ['LowCardinality(Nullable(String))', '', 'String', ''],
  ])('compares a cursor of %s in its own type', (name, cursor, parameterType, parameter) => {
    const codec = createCursorCodec(parseClickHouseType(name));
    expect(codec?.parameterType).toBe(parameterType);
    expect(codec?.toParameter(cursor)).toBe(parameter);
  });

  test.each([
    'Float64',
    'Decimal(38, 10)',
    'Bool',
    'UUID',
    'IPv4',
    "Enum8('a' = 1)",
    'FixedString(16)',
    'Array(DateTime)',
    'Tuple(DateTime)',
    'Map(String, DateTime)',
    'JSON',
    'Dynamic',
    'Variant(DateTime, Date)',
    'AggregateFunction(max, DateTime)',
    'Time64(3)',
  ])('rejects %s as a cursor', (name) => {
    expect(createCursorCodec(parseClickHouseType(name))).toBeUndefined();
  });
});
