import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import type { RowKind } from '../schema/required-columns.ts';
import type { Table } from '../schema/table.ts';
import { adviseCursor, proposeView } from './suggestions.ts';

/** The proposal for a table with these columns, by name and type. */
function proposal(columns: Record<string, string>, name = 'purchases', kind: RowKind = 'event'): string {
  const table: Table = {
    database: 'shop',
    name,
    columns: Object.entries(columns).map(([column, type]) => ({ name: column, type: parseClickHouseType(type) })),
  };
  return proposeView(table, 'last_updated_at', kind);
}

/** The SELECT list of a proposal. */
function selected(columns: Record<string, string>): string {
  const [create, select, ...rest] = proposal(columns).split('\n');
  expect([create, select]).toEqual(['CREATE VIEW `shop`.`purchases_for_batch` AS', 'SELECT']);
  expect(rest.pop()).toBe('FROM `shop`.`purchases`');
  return rest.map((line) => line.trim()).join(' ');
}

test('the proposed view of profiles needs no event name, and its cursor is the time of the last change', () => {
  const columns = { id: 'UInt64', name: 'String', created_at: 'DateTime', updated_at: 'DateTime', email: 'String' };
  expect(proposal(columns, 'customers', 'profile').split('\n').slice(2, -1)).toEqual([
    '  toString(`id`) AS custom_id,',
    '  `updated_at` AS last_updated_at,',
    '  `name`,',
    '  `created_at`,',
    '  `email`',
  ]);
});

describe('the proposed view', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'renames the columns that look like the required ones, and keeps the others',
      { user_id: 'UInt64', action: 'String', updated_at: 'DateTime', price: 'Float64' },
      'toString(`user_id`) AS custom_id, `action` AS event_name, `updated_at` AS last_updated_at, `price`',
    ],
    [
      'keeps the required columns that exist',
      { custom_id: 'String', user_id: 'UInt64', event: 'String', last_updated_at: 'DateTime64(6)' },
      '`custom_id`, `event` AS event_name, `last_updated_at`, `user_id`',
    ],
    [
      'has a placeholder if no column looks like the required one',
      { a: 'String', b: 'UInt8' },
      '<profile id> AS custom_id, <event name> AS event_name, <time of insertion> AS last_updated_at, `a`, `b`',
    ],
    [
      'only uses a column with a time type for the cursor',
      {
        custom_id: 'String',
        event_name: 'String',
        created_at: 'String',
        updated_date: 'Date',
        inserted: 'Nullable(DateTime64(3))',
      },
      '`custom_id`, `event_name`, `inserted` AS last_updated_at, `created_at`, `updated_date`',
    ],
    [
      'never uses the time of the event for the cursor',
      {
        custom_id: 'String',
        event_name: 'String',
        event_time: 'DateTime',
        created_at: 'DateTime',
        ts: 'DateTime',
        paid_at: 'DateTime',
      },
      '`custom_id`, `event_name`, <time of insertion> AS last_updated_at, `event_time`, `created_at`, `ts`, `paid_at`',
    ],
    [
      'uses the first column that fits, and each column once',
      {
        customer_id: 'String',
        profileId: 'String',
        type: 'String',
        name: 'String',
        updated: 'DateTime',
        modified_at: 'DateTime',
      },
      'toString(`customer_id`) AS custom_id, `type` AS event_name, `updated` AS last_updated_at, `profileId`, `name`, `modified_at`',
    ],
    [
      'prefers the time of insertion for the cursor',
      { custom_id: 'String', event_name: 'String', updated_at: 'DateTime', inserted_at: 'DateTime64(6)' },
      '`custom_id`, `event_name`, `inserted_at` AS last_updated_at, `updated_at`',
    ],
    [
      'does not match a part of a name',
      { my_user_id: 'String', user_identity: 'String', event_id: 'String', nickname: 'String' },
      '<profile id> AS custom_id, <event name> AS event_name, <time of insertion> AS last_updated_at, `my_user_id`, `user_identity`, `event_id`, `nickname`',
    ],
    [
      'quotes names',
      { userid: 'String', 'a`b\\c d': 'UInt8', EventType: 'String', 'loaded at time': 'DateTime' },
      'toString(`userid`) AS custom_id, `EventType` AS event_name, `loaded at time` AS last_updated_at, `a\\`b\\\\c d`',
    ],
  ])('%s', (_, columns, list) => {
    expect(selected(columns)).toBe(list);
  });

  test('is named after its table, whatever the name is', () => {
    expect(proposal({ custom_id: 'String', event_name: 'String', last_updated_at: 'DateTime' }, 'my `table`')).toBe(
      'CREATE VIEW `shop`.`my \\`table\\`_for_batch` AS\nSELECT\n  `custom_id`,\n  `event_name`,\n  `last_updated_at`\nFROM `shop`.`my \\`table\\``',
    );
  });
});

describe('advises on a cursor that the table lacks:', () => {
  const misspelt = (name: string): string =>
    `"cursor_column" may be misspelt: there is "${name}" in "events". Use that name.`;

  test.each<[string, Record<string, string>, string, string | undefined]>([
    ['a letter is missing', { inserted_at: 'DateTime', event_time: 'DateTime' }, 'insertd_at', misspelt('inserted_at')],
    ['it is abbreviated', { event_time: 'DateTime', inserted_at: 'DateTime' }, 'inserted', misspelt('inserted_at')],
    ['its case differs', { InsertedAt: 'DateTime' }, 'insertedat', misspelt('InsertedAt')],
    [
      'the table has the usual one',
      { event_time: 'DateTime', last_updated_at: 'DateTime' },
      'inserted',
      '"events" has the usual cursor column: use "cursor_column": "last_updated_at".',
    ],
    ['nothing is similar', { event_time: 'DateTime' }, 'inserted_at', undefined],
    ['the similar column is the time of the event', { event_time: 'DateTime' }, 'event_tim', undefined],
    ['the similar column has no order', { inserted_at: 'Array(String)' }, 'insertd_at', undefined],
    ['the usual one has no order', { last_updated_at: 'Array(String)' }, 'inserted', undefined],
  ])('%s', (_, columns, cursor, expected) => {
    const all = { custom_id: 'String', event_name: 'String', ...columns };
    const table = {
      database: 'shop',
      name: 'events',
      columns: Object.entries(all).map(([name, type]) => ({ name, type: parseClickHouseType(type) })),
    };
    expect(adviseCursor(table, cursor)).toBe(expected);
  });
});
