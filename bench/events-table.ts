import type { ClickHouseServer } from '../sandbox/clickhouse/server.ts';

export const DATABASE = 'bench';

/** How the rows are stored: sorted by the cursor, sorted by the profile, or all with one timestamp. */
export type Layout = 'by_cursor' | 'by_profile' | 'one_stamp';

/** The number of profiles. Each has several events, anywhere in the table. */
const PROFILES = 20_000;

/** Computes a different number from the number of each row, so that no two rows have the same values. */
const OWN = 'cityHash64(number)';

/**
 * Creates a table of events, of about 640 bytes of JSON each. Each row has an item, a URL, a JSON object and a list of its own.
 * Only the event names, the keys and the timestamps of some rows repeat. The events are younger than Batch's limit of 24 hours.
 */
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
      quantity Nullable(UInt32), price Decimal(10, 2), url__item_url String, date__purchased_at DateTime, product_details String,
      tags Array(String)
    ) ENGINE = MergeTree ORDER BY ${layout === 'by_profile' ? '(custom_id, event_name)' : 'last_updated_at'}`,
    `INSERT INTO ${DATABASE}.${name} SELECT
      concat('customer-', toString(${OWN} % ${PROFILES})), ['purchase', 'add_to_cart', 'view_item'][number % 3 + 1],
      now() - toIntervalSecond(60 + number % 40000),
      now64(6) - toIntervalDay(1) + toIntervalMicrosecond(${layout === 'one_stamp' ? 0 : 'number * 997'}),
      concat('linen shirt no. ', toString(number), ' by ', hex(${OWN})), if(number % 3 = 0, NULL, number % 9),
      number % 10000 / 100 + 5,
      concat('https://shop.example.com/items/', toString(number), '/', lower(hex(${OWN})), '?utm_source=newsletter'),
      now() - toIntervalSecond(60 + number % 40000),
      concat('{"brand":"Example ', toString(number % 7919), '","colour":"blue","sku":"', hex(${OWN}), '","stock":', toString(number % 997),
        ',"weight":1.25,"materials":["cotton ', toString(number % 89), '","linen"],"shop":{"city":"Lyon","number":', toString(number), '}}'),
      ['summer', concat('sale ', toString(number)), 'full price']
    FROM numbers(${rows})`,
  );
}
