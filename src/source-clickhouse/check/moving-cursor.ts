import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { formatCount } from '../../shared/format.ts';
import { onOwnLines } from '../../shared/statement.ts';
import { type ClickHouse, tryRows } from '../client/client.ts';
import { readLookbackWindow } from '../query/lookback-window.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { type Column, rowsSql, type Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';

/** How far after the server's time to look for cursors, in seconds. Later cursors come from another clock. */
const LOOK_AHEAD_SECONDS = 60;

/** How much longer than one tick of the cursor the second query waits, in milliseconds. A tick is the cursor's precision. */
const AFTER_TICK_MS = 20;

const stampsRow = z.object({ rows: z.coerce.number(), first: z.string() });

/**
 * Warns about a cursor that is the time of the query instead of the time of the row. Otherwise returns undefined.
 *
 * For rows that are older than a column, ClickHouse computes the column's DEFAULT at each read
 * (https://clickhouse.com/docs/sql-reference/statements/alter/column#add-column). If the DEFAULT is now64(), these rows would
 * seem to be new in each run. The same happens if a view uses now().
 *
 * So this function looks for rows with a cursor later than the server's time, which are rare. If their cursors are stored, a
 * second query returns the same cursors.
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
  const from = `${rowsSql(table)} AS source`;
  const column = `source.${quoteIdentifier(cursor.name)}`;
  const now = `{now:${codec.parameterType}}`;
  // The check must not fail because a query for a warning exceeds a limit of the user.
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
  return `The ${cursor.name} of ${formatCount(before.rows, 'row')} of "${table.name}" changes each time it is read: it is the time of the query. So every run sends these rows again or, if "lookback_seconds" is 0, never reads them. ${adviseStoredCursor(table, cursor.name)}`;
}

/** Explains how to store a cursor that is computed at each read. */
export function adviseStoredCursor(table: Pick<Table, 'database' | 'name' | 'query'>, cursorColumn: string): string {
  const seen = table.query === undefined ? 'a view' : 'the SQL';
  const name = table.query === undefined ? quoteTable(table) : '<your table>';
  const statement = `ALTER TABLE ${name} MATERIALIZE COLUMN ${quoteIdentifier(cursorColumn)}`;
  return `If ${seen} computes the column, for example with now(), select a stored column instead. If the column was added to a table that already had rows, store its values:${onOwnLines(statement)}`;
}
