import { z } from 'zod';
import { formatList, formatNumber } from '../../shared/format.ts';
import { type ClickHouse, tryRows } from '../client/client.ts';
import { buildRowClauses, type RowSelection } from '../query/row-query.ts';
import { type ClickHouseType, unwrapType } from '../schema/clickhouse-type.ts';
import { formatInstant, type Instant, subtractSeconds } from '../schema/instant.ts';
import type { RowKind } from '../schema/required-columns.ts';
import { type Position, START } from '../state/position.ts';

/** No row should have a cursor this many seconds after the server's time. It is more than a day: the unit of a Date is a day. */
const LATER_SECONDS = 2 * 24 * 3600;

/** The maximum number of tables to name in a warning. */
const MAX_NAMED = 3;

/**
 * What to do about a full scan. A table of profiles is usually sorted by the id of the profile, so that newer rows replace older
 * ones. So its cursor can't be the first column of ORDER BY.
 */
const ADVICE: Record<RowKind, (cursor: string) => string> = {
  event: (cursor) => `Select the first column of the table's ORDER BY unchanged as ${cursor}`,
  profile: (cursor) => `If the table is large, give the column of ${cursor} a minmax index (ALTER TABLE … ADD INDEX)`,
};

const tableRow = z.object({ database: z.string(), table: z.string(), rows: z.coerce.number() });

/**
 * Warns if a run reads whole tables because the condition on the cursor can't reach them: a view or a query may compute the
 * cursor, group rows or limit them. Returns no warning if the server can't estimate the query, for example because the query
 * reads no MergeTree, or because the server refuses EXPLAIN.
 *
 * EXPLAIN ESTIMATE returns the number of rows that the server would read from each table. If the condition reaches a table, the
 * server would read almost none of its rows for a cursor in the future. If it would still read all of them, each run scans the
 * table. A small table that is joined is always read, so there is a warning only if the largest table is scanned.
 */
export async function findFullScan(
  clickhouse: ClickHouse,
  selection: RowSelection,
  { kind, now }: { kind: RowKind; now: Instant },
): Promise<string[]> {
  const { table, cursor } = selection;
  const later = findLaterCursor(cursor.column.type, now);
  if (later === undefined) return [];
  const all = await estimateTables(clickhouse, selection, START);
  const left = await estimateTables(clickhouse, selection, { kind: 'before-group', cursor: later });
  const most = Math.max(...all.map(({ rows }) => rows));
  const scanned = all.filter(({ name, rows }) => left.find((each) => each.name === name)?.rows === rows);
  if (!scanned.some(({ rows }) => rows === most)) return [];
  const names = formatList(
    scanned.map(({ name, rows }) => `${name} (${formatNumber(rows)})`),
    MAX_NAMED,
  );
  return [
    `Each run reads all rows of the tables of "${table.name}", however few are new: ${names}. ClickHouse can't use the condition on ${cursor.column.name} to skip rows. ${ADVICE[kind](cursor.column.name)}, and avoid GROUP BY, DISTINCT, LIMIT and window functions.`,
  ];
}

/** Returns the number of rows that the server would read from each table, except for tables from which it would read none. */
async function estimateTables(
  clickhouse: ClickHouse,
  selection: RowSelection,
  after: Position,
): Promise<{ name: string; rows: number }[]> {
  const { clauses, parameters } = buildRowClauses(selection, after);
  const found = await tryRows(clickhouse.rows(`EXPLAIN ESTIMATE SELECT 1 ${clauses}`, parameters, tableRow));
  return found
    .filter(({ rows }) => rows > 0)
    .map((each) => ({ name: `${each.database}.${each.table}`, rows: each.rows }));
}

/** Returns a cursor that should be later than all rows, in the form of a record, or undefined for a type that can't be a cursor. */
function findLaterCursor(type: ClickHouseType, now: Instant): string | undefined {
  const inner = unwrapType(type);
  const later = subtractSeconds(now, -LATER_SECONDS);
  switch (inner.kind) {
    case 'date_time':
      return formatInstant(later, inner.precision);
    case 'date':
      return formatInstant(later, 0).slice(0, '2026-12-01'.length);
    case 'integer':
      return String(2n ** BigInt(inner.signed ? inner.bits - 1 : inner.bits) - 1n);
    case 'string':
      return '\u{10ffff}';
    default:
      return undefined;
  }
}
