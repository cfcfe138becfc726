import { z } from 'zod';
import { formatCount, plural } from '../../shared/format.ts';
import { type ClickHouse, tryRows } from '../client/client.ts';
import { MAX_ROWS_TO_COUNT } from '../query/count-rows.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { rowsSql, type Table } from '../schema/table.ts';
import { quoteIdentifier } from '../sql.ts';

const countRow = z.object({ rows: z.coerce.number() });

/**
 * Warns about ids that begin or end with a space. Batch accepts them, but treats each of them as a different profile from the id
 * without the space. Returns undefined if there are none among the first rows.
 *
 * @param id the column with the ids.
 */
export async function findSpacedIds(clickhouse: ClickHouse, table: Table, id: string): Promise<string | undefined> {
  const column = table.columns.find(({ name }) => name === id);
  if (column === undefined || unwrapType(column.type).kind !== 'string') return undefined;
  const [count] = await tryRows(
    clickhouse.rows(
      `SELECT countIf(value != trimBoth(value)) AS rows FROM (SELECT ${quoteIdentifier(id)} AS value FROM ${rowsSql(table)} LIMIT ${MAX_ROWS_TO_COUNT})`,
      {},
      countRow,
    ),
  );
  if (count === undefined || count.rows === 0) return undefined;
  return `The ${id} of ${formatCount(count.rows, 'row')} of "${table.name}" ${plural(count.rows, 'begins or ends', 'begin or end')} with a space, and ${plural(count.rows, 'is', 'are')} sent with it. For Batch, that is a different profile from the id without the space. Remove the spaces in a view: trimBoth(${id}) AS ${id}.`;
}
