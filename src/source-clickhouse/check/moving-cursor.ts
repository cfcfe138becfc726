import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { formatCount } from '../../shared/format.ts';
import { type ClickHouse, tryRows } from '../client/client.ts';
import { readLookbackWindow } from '../query/lookback-window.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import type { Column, Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';

/** Rows with a cursor later than this after the server's time, in seconds, have it from another clock. */
const LOOK_AHEAD_SECONDS = 60;

/** The delay of the second query after a tick of the cursor, in milliseconds. */
const AFTER_TICK_MS = 20;

const stampsRow = z.object({ rows: z.coerce.number(), first: z.string() });

/**
 * Warns of a cursor that is the time of the query instead of the time of the row; undefined otherwise.
 *
 * ClickHouse computes a DEFAULT at each read for rows that are older than the column
 * (https://clickhouse.com/docs/sql-reference/statements/alter/column#add-column), so with now64() each run would take all of
 * them for new rows. A view with now() does the same.
 *
 * Rows with a cursor later than the server's time are rare. Real ones have the same cursor in a second query.
 */
export async function findMovingCursor(
  clickhouse: ClickHouse,
  table: Table,
  cursor: Column,
): Promise<string | undefined> {
  const type = unwrapType(cursor.type);
  const codec = createCursorCodec(cursor.type);
  const clock = await readLookbackWindow(clickhouse, cursor.type, { lookback_seconds: 0, cursor_lag_seconds: 0 });
  if (type.kind !== 'date_time' || codec === undefined || clock === undefined) return undefined;
  const from = `${quoteTable(table)} AS source`;
  const column = `source.${quoteIdentifier(cursor.name)}`;
  const now = `{now:${codec.parameterType}}`;
  // A limit on what the user may read must not fail the check for a warning.
  const stamps = async (): Promise<z.output<typeof stampsRow> | undefined> => {
    const query = clickhouse.rows(
      `SELECT count() AS rows, ifNull(toString(min(${column})), '') AS first FROM ${from} WHERE ${column} >= ${now} AND ${column} < ${now} + toIntervalSecond(${LOOK_AHEAD_SECONDS})`,
      { now: codec.toParameter(clock.now) },
      stampsRow,
    );
    return (await tryRows(query)).at(0);
  };
  const before = await stamps();
  if (before === undefined || before.rows === 0) return undefined;
  await sleep(1000 / 10 ** type.precision + AFTER_TICK_MS);
  const after = await stamps();
  if (after === undefined || after.rows < before.rows || after.first === before.first) return undefined;
  return `${cursor.name} of "${table.name}" changes at each read for ${formatCount(before.rows, 'row')}: it is the time of the query. Each run takes them for new rows and sends them again, or never reads them if "lookback_seconds" is 0. ${adviseStoredCursor(table, cursor.name)}`;
}

/** How to store a cursor that is computed at each read. */
export function adviseStoredCursor(table: Pick<Table, 'database' | 'name'>, cursorColumn: string): string {
  return `If the column was added to a table with rows, store its values: ALTER TABLE ${quoteTable(table)} MATERIALIZE COLUMN ${quoteIdentifier(cursorColumn)}. If a view computes it, as with now(), select a stored column instead.`;
}
