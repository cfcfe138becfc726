import type { ClickHouseServer } from '../sandbox/clickhouse/server.ts';

export const DATABASE = 'bench';

/** How the rows lie: sorted by the cursor, sorted by the profile, or all with one stamp. */
export type Layout = 'by_cursor' | 'by_profile' | 'one_stamp';

/** Makes a table of events, about 420 bytes of JSON each, by default with a different timestamp for each row. */
export async function makeEventsTable(
  server: ClickHouseServer,
  name: string,
  layout: Layout,
  rows: number,
): Promise<void> {
  await server.execute(
    `CREATE DATABASE IF NOT EXISTS ${DATABASE}`,
    `CREATE TABLE ${DATABASE}.${name} (
      custom_id String, event_name LowCardinality(String), event_time DateTime, last_updated_at DateTime64(6), item String,
      quantity Nullable(UInt32), price Decimal(10, 2), url__item_url String, date__purchased_at DateTime, product_details String, tags String
    ) ENGINE = MergeTree ORDER BY ${layout === 'by_profile' ? '(custom_id, event_name)' : 'last_updated_at'}`,
    `INSERT INTO ${DATABASE}.${name} SELECT
      concat('customer-', toString(cityHash64(number) % 200000)), 'purchase', toDateTime('2026-01-01 00:00:00', 'UTC') + number % 80000,
      toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + toIntervalMicrosecond(${layout === 'one_stamp' ? 0 : 'number * 997'}),
      concat('linen shirt ', toString(number % 999)), if(number % 3 = 0, NULL, number % 9), 12.5 + number % 7,
      concat('https://shop.example.com/items/', toString(number % 999), '?utm_source=newsletter'),
      toDateTime('2026-01-01 00:00:00', 'UTC') + number % 80000,
      concat('{"brand":"Example","colour":"blue","sku":', toString(number % 999), ',"weight":1.25,"materials":["cotton","linen"]}'),
      if(number % 2 = 0, '["summer","sale","new"]', '["summer","full price"]')
    FROM numbers(${rows})`,
  );
}
