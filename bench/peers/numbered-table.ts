import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { DATABASE } from '../events-table.ts';

/** Creates an empty table like that of the other benchmarks, with a number `n` that identifies each row. */
export async function makeNumberedTable(server: ClickHouseServer, name: string): Promise<void> {
  await server.execute(
    `CREATE DATABASE IF NOT EXISTS ${DATABASE}`,
    `CREATE TABLE ${DATABASE}.${name} (
      custom_id String, event_name LowCardinality(String), event_time DateTime, last_updated_at DateTime64(6), n UInt64, item String,
      quantity Nullable(UInt32), price Decimal(10, 2), url__item_url String, date__purchased_at DateTime, product_details String, tags String
    ) ENGINE = MergeTree ORDER BY last_updated_at`,
  );
}

/** Inserts rows with the numbers from one to another, exclusive, each for a different profile. */
export async function insertNumbered(
  server: ClickHouseServer,
  name: string,
  from: number,
  to: number,
  stamp: string,
): Promise<void> {
  await server.execute(
    `INSERT INTO ${DATABASE}.${name} SELECT
      concat('customer-', toString(number)), 'purchase', now(), ${stamp}, number,
      concat('linen shirt ', toString(number % 999)), if(number % 3 = 0, NULL, number % 9), 12.5 + number % 7,
      concat('https://shop.example.com/items/', toString(number % 999), '?utm_source=newsletter'), now(),
      concat('{"brand":"Example","colour":"blue","sku":', toString(number % 999), ',"weight":1.25,"materials":["cotton","linen"]}'),
      if(number % 2 = 0, '["summer","sale","new"]', '["summer","full price"]')
    FROM numbers(${from}, ${to - from})`,
  );
}
