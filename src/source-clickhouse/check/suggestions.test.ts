import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import type { Table } from '../schema/table.ts';
import { proposeView, suggestCursor } from './suggestions.ts';

/** A proposal for a table with these columns, by name and type. */
function proposal(columns: Record<string, string>, name = 'purchases'): string {
  const table: Table = {
    database: 'shop',
    name,
    columns: Object.entries(columns).map(([column, type]) => ({ name: column, type: parseClickHouseType(type) })),
  };
  return proposeView(table, 'last_updated_at');
}

const FROM = ' FROM `shop`.`purchases`';

/** The SELECT list of a proposal. */
function selected(columns: Record<string, string>): string {
  const [, list = ''] = /^CREATE VIEW `shop`\.`purchases_for_batch` AS SELECT (.+)$/.exec(proposal(columns)) ?? [];
  expect(list.endsWith(FROM)).toBe(true);
  return list.slice(0, -FROM.length);
}

describe('a view that is proposed', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'renames the columns that look like the required ones, and keeps the others',
      { user_id: 'UInt64', action: 'String', created_at: 'DateTime', price: 'Float64' },
      'toString(`user_id`) AS custom_id, `action` AS event_name, `created_at` AS last_updated_at, `price`',
    ],
    [
      'keeps the required columns that are there',
      { custom_id: 'String', user_id: 'UInt64', event: 'String', last_updated_at: 'DateTime64(6)' },
      '`custom_id`, `event` AS event_name, `last_updated_at`, `user_id`',
    ],
    [
      'leaves to the user what no column looks like',
      { a: 'String', b: 'UInt8' },
      '<your column> AS custom_id, <your column> AS event_name, <your column> AS last_updated_at, `a`, `b`',
    ],
    [
      'takes a stamp for the cursor only by its type',
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
      'takes a stamp for the cursor only by a name that tells of it',
      { custom_id: 'String', event_name: 'String', birthday: 'DateTime' },
      '`custom_id`, `event_name`, <your column> AS last_updated_at, `birthday`',
    ],
    [
      'takes the first column that may do, and each once',
      {
        customer_id: 'String',
        profileId: 'String',
        type: 'String',
        name: 'String',
        ts: 'DateTime',
        created_at: 'DateTime',
      },
      'toString(`customer_id`) AS custom_id, `type` AS event_name, `ts` AS last_updated_at, `profileId`, `name`, `created_at`',
    ],
    [
      'takes the stamp of the insertion for the cursor, wherever it stands among the times',
      { custom_id: 'String', event_name: 'String', happened_at: 'DateTime', inserted_at: 'DateTime64(6)' },
      '`custom_id`, `event_name`, `inserted_at` AS last_updated_at, `happened_at`',
    ],
    [
      'does not take a part of a name for the name',
      { my_user_id: 'String', user_identity: 'String', event_id: 'String', nickname: 'String' },
      '<your column> AS custom_id, <your column> AS event_name, <your column> AS last_updated_at, `my_user_id`, `user_identity`, `event_id`, `nickname`',
    ],
    [
      'quotes what needs quotes',
      { userid: 'String', 'a`b\\c d': 'UInt8', EventType: 'String', 'sent at time': 'DateTime' },
      'toString(`userid`) AS custom_id, `EventType` AS event_name, `sent at time` AS last_updated_at, `a\\`b\\\\c d`',
    ],
  ])('%s', (_, columns, list) => {
    expect(selected(columns)).toBe(list);
  });

  test('is called after its table, whatever that is called', () => {
    expect(proposal({ custom_id: 'String', event_name: 'String', last_updated_at: 'DateTime' }, 'my `table`')).toBe(
      'CREATE VIEW `shop`.`my \\`table\\`_for_batch` AS SELECT `custom_id`, `event_name`, `last_updated_at` FROM `shop`.`my \\`table\\``',
    );
  });
});

test.each<[string, Record<string, string>, string, string | undefined]>([
  ['one letter is missing', { inserted_at: 'DateTime', event_time: 'DateTime' }, 'insertd_at', 'inserted_at'],
  ['it was cut short', { event_time: 'DateTime', inserted_at: 'DateTime' }, 'inserted', 'inserted_at'],
  ['the case is another', { InsertedAt: 'DateTime' }, 'insertedat', 'InsertedAt'],
  ['nothing is like it', { event_time: 'DateTime' }, 'inserted_at', undefined],
  ['what is like it has no order', { inserted_at: 'Array(String)' }, 'insertd_at', undefined],
])('of the column that a misspelt cursor means, when %s', (_, columns, cursor, expected) => {
  const all = { custom_id: 'String', event_name: 'String', ...columns };
  const table = {
    database: 'shop',
    name: 'events',
    columns: Object.entries(all).map(([name, type]) => ({ name, type: parseClickHouseType(type) })),
  };
  expect(suggestCursor(table, cursor)).toBe(expected);
});

test('a table that lacks other columns needs a view all the same', () => {
  const columns = ['custom_id', 'inserted_at'].map((name) => ({ name, type: parseClickHouseType('String') }));
  expect(suggestCursor({ database: 'shop', name: 'events', columns }, 'insertd_at')).toBeUndefined();
});
