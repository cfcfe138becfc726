import { eventColumns } from '../support/tables.ts';

/** Ten pages. Each contains the border of two groups with one timestamp each, or a part of a larger group. */
export const MANY = 30_000;

export const COLUMNS = eventColumns('n UInt64, note Nullable(String)');

/** Statements that create a table of ten rows. */
export const FEW = [
  `CREATE TABLE shop.few (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
  `INSERT INTO shop.few SELECT concat('u', toString(number)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number, if(number % 2 = 0, NULL, 'odd') FROM numbers(10)`,
];

/**
 * Statements that create a table and a view of MANY rows, not sorted by their cursor, in several parts, with groups that
 * share a timestamp, one of them larger than several pages.
 */
export const MANY_ROWS = [
  `CREATE TABLE shop.many (${COLUMNS}) ENGINE = MergeTree ORDER BY custom_id`,
  `INSERT INTO shop.many SELECT concat('u', toString(cityHash64(number) % 1000)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 1000), number, repeat('x', 200) FROM numbers(${MANY / 2})`,
  `INSERT INTO shop.many SELECT concat('u', toString(cityHash64(number) % 1000)), 'purchase', toDateTime64('2026-01-02 00:00:00', 6, 'UTC'), number, repeat('y', 200) FROM numbers(${MANY / 2}, ${MANY / 2})`,
  'CREATE VIEW shop.many_view AS SELECT * FROM shop.many',
];
