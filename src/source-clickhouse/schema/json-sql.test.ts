import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { anyOfSql, jsonPairsSql, nonFiniteSql } from './json-sql.ts';

// integration_tests/types/column-types.test.ts tests the values of the expressions with a real server.

test('escapes names for JSON, and the JSON for SQL', () => {
  const type = parseClickHouseType('UInt8');
  expect(
    jsonPairsSql([
      { name: `it's "a"`, type, value: 'a' },
      { name: '\\\n', type, value: 'b' },
    ]),
  ).toEqual([String.raw`'"it\'s \\"a\\"":'`, 'toString(a)', String.raw`',"\\\\\\n":'`, 'toString(b)']);
});

describe('nonFiniteSql', () => {
  test.each([
    'UInt8',
    'String',
    'Array(String)',
    'Map(String, Decimal(9, 2))',
    'Tuple(a Tuple(b Date))',
    'JSON',
    'Variant(String, UInt8)',
  ])('has no condition for %s, which has no NaN', (name) => {
    expect(nonFiniteSql(parseClickHouseType(name), 'c')).toBeUndefined();
  });

  test('joins the conditions of several columns', () => {
    expect(anyOfSql([undefined, 'a', undefined, 'b'])).toBe('(a OR b)');
    expect(anyOfSql([undefined])).toBeUndefined();
  });
});
