import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { anyOfSql, jsonPairsSql, nonFiniteSql } from './json-sql.ts';

// What the expressions give, integration_tests/types/column-types.test.ts proves with a real server, to the digit.

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

  test('is one question for several columns', () => {
    expect(anyOfSql([undefined, 'a', undefined, 'b'])).toBe('(a OR b)');
    expect(anyOfSql([undefined])).toBeUndefined();
  });
});
