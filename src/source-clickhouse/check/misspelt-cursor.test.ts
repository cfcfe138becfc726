import { expect, test } from 'vitest';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { suggestCursor } from './misspelt-cursor.ts';

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
