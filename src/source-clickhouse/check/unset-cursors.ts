import { z } from 'zod';
import { formatCount, plural } from '../../shared/format.ts';
import { type ClickHouse, tryRows } from '../client/client.ts';
import { MAX_ROWS_TO_COUNT } from '../query/count-rows.ts';
import { isNullable, unwrapType } from '../schema/clickhouse-type.ts';
import { type Column, rowsSql, type Table } from '../schema/table.ts';
import { quoteIdentifier } from '../sql.ts';

const countRow = z.object({ looked_at: z.coerce.number(), rows: z.coerce.number() });
const sizeRow = z.object({ total_rows: z.coerce.number().nullable() });

/**
 * Warns about rows that were inserted without a cursor. If the column is not Nullable and has no DEFAULT, their cursor is
 * 1970-01-01, the zero of the column's type. That is before the position of every state. Returns undefined if there are no such
 * rows, or if the cursor is not a time, because 0 or an empty string may be a real value.
 */
export async function findUnsetCursors(
  clickhouse: ClickHouse,
  table: Table,
  cursor: Column,
): Promise<string | undefined> {
  if (!canBeUnset(cursor)) return undefined;
  const column = quoteIdentifier(cursor.name);
  const [count] = await tryRows(
    clickhouse.rows(
      `SELECT count() AS looked_at, countIf(value = defaultValueOfArgumentType(value)) AS rows FROM (SELECT ${column} AS value FROM ${rowsSql(table)} LIMIT ${MAX_ROWS_TO_COUNT})`,
      {},
      countRow,
    ),
  );
  if (count === undefined || count.rows === 0) return undefined;
  const { rows, looked_at } = count;
  const number = `${looked_at < MAX_ROWS_TO_COUNT ? '' : 'At least '}${formatCount(rows, 'row')}`;
  return `${number} of "${table.name}" ${plural(rows, 'has', 'have')} the ${cursor.name} 1970-01-01, probably because ${plural(rows, 'it was', 'they were')} inserted without one. Only the first run reads such rows. If more are inserted, they are never read. Add DEFAULT now64(6) to the column.`;
}

/** Does the same as `findUnsetCursors`, but skips views, queries, and tables that are too large to count. For use during a run. */
export async function findUnsetCursorsOfSmallTable(
  clickhouse: ClickHouse,
  table: Table,
  cursor: Column,
): Promise<string | undefined> {
  if (!canBeUnset(cursor) || table.query !== undefined) return undefined;
  const [size] = await tryRows(
    clickhouse.rows(
      'SELECT total_rows FROM system.tables WHERE database = {database:String} AND name = {table:String}',
      { database: table.database, table: table.name },
      sizeRow,
    ),
  );
  if (size?.total_rows == null || size.total_rows > MAX_ROWS_TO_COUNT) return undefined;
  return findUnsetCursors(clickhouse, table, cursor);
}

function canBeUnset({ type }: Column): boolean {
  const { kind } = unwrapType(type);
  return !isNullable(type) && (kind === 'date_time' || kind === 'date');
}
