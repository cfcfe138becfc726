import { describe, expect, test } from 'vitest';
import { type Column, columnsFingerprint, missingColumns, type Table } from './table.ts';
import { parseClickHouseType } from './types/clickhouse-type.ts';

function columns(...definitions: [name: string, type: string][]): Column[] {
  return definitions.map(([name, type]) => ({ name, type: parseClickHouseType(type) }));
}

function table(...names: string[]): Table {
  return {
    database: 'shop',
    name: 'events',
    columns: columns(...names.map((name): [string, string] => [name, 'String'])),
  };
}

describe('the columns that a table lacks', () => {
  test.each<[string[], string[]]>([
    [['custom_id', 'event_name', 'last_updated_at'], []],
    [['x', 'last_updated_at', 'event_name', 'y', 'custom_id'], []],
    [['custom_id', 'last_updated_at'], ['event_name']],
    [[], ['custom_id', 'event_name', 'last_updated_at']],
    // ClickHouse tells upper and lower case apart.
    [
      ['Custom_Id', 'event_name', 'LAST_UPDATED_AT'],
      ['custom_id', 'last_updated_at'],
    ],
    [['custom_id ', 'event_name', 'last_updated_at'], ['custom_id']],
  ])('with %j are %j', (names, missing) => {
    expect(missingColumns(table(...names), 'last_updated_at')).toEqual(missing);
  });
});

describe('the fingerprint of columns', () => {
  const before = columns(['custom_id', 'String'], ['at', "DateTime64(3, 'UTC')"]);

  test('is short, and the same in every version: it stands in the states of users', () => {
    expect(columnsFingerprint(before)).toBe('70ae0050cef575a4');
  });

  test('does not hang on the objects', () => {
    expect(columnsFingerprint(columns(['custom_id', 'String'], ['at', "DateTime64(3, 'UTC')"]))).toBe(
      columnsFingerprint(before),
    );
  });

  test.each<[string, Column[]]>([
    ['a column is added', [...before, ...columns(['c', 'UInt8'])]],
    ['a column goes', before.slice(1)],
    ['a column is renamed', columns(['customer_id', 'String'], ['at', "DateTime64(3, 'UTC')"])],
    ['a type changes', columns(['custom_id', 'LowCardinality(String)'], ['at', "DateTime64(3, 'UTC')"])],
    ['a precision changes', columns(['custom_id', 'String'], ['at', "DateTime64(6, 'UTC')"])],
    ['the columns change places', before.toReversed()],
    ['a name and a type run into each other', columns(['custom_id","String', 'at'], ['', "DateTime64(3, 'UTC')"])],
    ['there are none', []],
  ])('changes when %s', (_, after) => {
    expect(columnsFingerprint(after)).toMatch(/^[0-9a-f]{16}$/);
    expect(columnsFingerprint(after)).not.toBe(columnsFingerprint(before));
  });
});
