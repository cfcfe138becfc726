import type { ClickHouseServer } from '../clickhouse/server.ts';

export const DATABASE = 'shop';
export const TABLE = 'events';

/** Creates a table for the events of a web shop, with the columns of Cloud Sync's example. */
export async function createEventsTable(clickhouse: ClickHouseServer): Promise<void> {
  await clickhouse.execute(
    `CREATE DATABASE ${DATABASE}`,
    `CREATE TABLE ${DATABASE}.${TABLE} (
      custom_id String,
      event_name LowCardinality(String),
      event_time DateTime64(3, 'UTC'),
      last_updated_at DateTime64(6, 'UTC') DEFAULT now64(6),
      item LowCardinality(String),
      quantity Nullable(UInt8),
      price Decimal(10, 2),
      in_sale Bool,
      order_id UInt64,
      coupon Nullable(String),
      url__item_url String,
      date__purchased_at Nullable(DateTime('Europe/Paris')),
      product_details String COMMENT 'a JSON object',
      tags String COMMENT 'a JSON array'
    ) ENGINE = MergeTree ORDER BY (last_updated_at, custom_id)`,
  );
}

/** Adds rows of the last minutes, several for each profile, some with NULLs. It is one INSERT: all rows get the same last_updated_at. */
export async function insertEvents(
  clickhouse: ClickHouseServer,
  { rows, profiles }: { rows: number; profiles: number },
): Promise<void> {
  await clickhouse.execute(
    `INSERT INTO ${DATABASE}.${TABLE}
      (custom_id, event_name, event_time, item, quantity, price, in_sale, order_id, coupon, url__item_url, date__purchased_at, product_details, tags)
    SELECT
      concat('customer-', leftPad(toString(cityHash64(number) % ${profiles}), 5, '0')),
      ['add_to_cart', 'purchase', 'wishlist', 'view_item'][number % 4 + 1],
      now64(3) - INTERVAL number % 3000 SECOND,
      ['linen shirt', 'rain coat', 'wool socks', 'canvas bag', 'straw hat'][number % 5 + 1],
      if(number % 7 = 0, NULL, number % 4 + 1),
      9.9 + number % 200,
      number % 3 = 0,
      9007199254740993 + number,
      if(number % 10 = 0, 'WELCOME10', NULL),
      concat('https://shop.example.com/items/', toString(number % 500), '?ref=newsletter&n=', toString(number)),
      if(number % 4 = 1, toDateTime('2026-11-20 08:00:00', 'Europe/Paris') + number, NULL),
      concat('{"brand":"Example","sizes":["S","M","L"],"weight_kg":0.', toString(number % 90 + 10), ',"maker":{"city":"Lyon"}}'),
      concat('["', ['summer', 'winter', 'sale'][number % 3 + 1], '","new"]')
    FROM numbers(${rows})`,
  );
}

/** Adds rows that break a rule: two that are rejected, and one that is sent without an attribute. */
export async function insertFaultyEvents(clickhouse: ClickHouseServer): Promise<void> {
  await clickhouse.execute(
    `INSERT INTO ${DATABASE}.${TABLE} (custom_id, event_name, event_time, item) VALUES
      ('', 'purchase', now64(3), 'linen shirt'),
      ('customer-00001', 'Purchase (web)', now64(3), 'rain coat'),
      ('customer-00002', 'purchase', now64(3), repeat('a very long name ', 30))`,
  );
}
