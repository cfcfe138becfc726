import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from './clickhouse-type.ts';
import { findMissingColumns } from './required-columns.ts';
import type { Column, Table } from './table.ts';

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

describe('findMissingColumns', () => {
  test.each<[string[], string[]]>([
    [['custom_id', 'event_name', 'last_updated_at'], []],
    [['x', 'last_updated_at', 'event_name', 'y', 'custom_id'], []],
    [['custom_id', 'last_updated_at'], ['event_name']],
    [[], ['custom_id', 'event_name', 'last_updated_at']],
    // ClickHouse distinguishes upper and lower case.
    [
      ['Custom_Id', 'event_name', 'LAST_UPDATED_AT'],
      ['custom_id', 'last_updated_at'],
    ],
    [['custom_id ', 'event_name', 'last_updated_at'], ['custom_id']],
  ])('of a table with the columns %j returns %j', (names, missing) => {
    expect(findMissingColumns(table(...names), 'last_updated_at')).toEqual(missing);
  });

  test('of a table of profiles does not require a column event_name', () => {
    expect(findMissingColumns(table('custom_id', 'updated'), 'updated', 'profile')).toEqual([]);
    expect(findMissingColumns(table('event_name'), 'updated', 'profile')).toEqual(['custom_id', 'updated']);
  });
});
