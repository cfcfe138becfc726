import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type ClickHouse, tryRows } from '../client/client.ts';
import { readLookbackWindow } from '../query/lookback-window.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import type { Column, Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';

/** Rows that are stamped later than this after the look at the clock, in seconds, have a stamp from elsewhere. */
const LOOK_AHEAD_SECONDS = 60;

/** How long after a tick of the cursor the second look is taken at the earliest, in milliseconds. */
const AFTER_TICK_MS = 20;

const stampsRow = z.object({ rows: z.coerce.number(), first: z.string() });

/**
 * The warning that a cursor has the time of the query that reads it, and not that of the row; undefined when it has not.
 *
 * ClickHouse computes a DEFAULT at each read for the rows that are older than the column
 * (https://clickhouse.com/docs/sql-reference/statements/alter/column#add-column), so with now64() each run would take
 * all of them for new ones. A view with now() does the same.
 *
 * Rows with a stamp later than a look at the clock are rare. If there are some, they keep their stamps until a second look.
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
  // A limit of the user on what a query may read is not a reason to fail for a warning.
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
  return `${cursor.name} of "${table.name}" is another one at each read for ${before.rows} ${before.rows === 1 ? 'row' : 'rows'}: the time of the query. Each run takes them for new rows and sends them again, or never reads them if "lookback_seconds" is 0. ${adviseStoredCursor(table, cursor.name)}`;
}

/** How a cursor is stored that is computed at each read. */
export function adviseStoredCursor(table: Pick<Table, 'database' | 'name'>, cursorColumn: string): string {
  return `If the column was added to a table with rows, store its values: ALTER TABLE ${quoteTable(table)} MATERIALIZE COLUMN ${quoteIdentifier(cursorColumn)}. If a view computes it, as with now(), select a stored column in its place.`;
}
