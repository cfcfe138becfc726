import { z } from 'zod';
import { type ClickHouse, tryRows } from '../client/client.ts';
import type { Position } from '../state/position.ts';
import { buildRowClauses, type RowSelection } from './row-query.ts';

/** How much there is to read: rows, and their bytes on the server without compression. */
export type Estimate = { rows: number; bytes: number | undefined };

const explainedRow = z.object({ rows: z.coerce.number() });
const partsRow = z.object({ rows: z.coerce.number(), bytes: z.coerce.number() });

/**
 * Estimates what a read will give, without reading: the server tells how many rows lie in the parts and granules that it
 * would look into (EXPLAIN ESTIMATE), and system.parts how large a row is. Undefined when it can't tell, as for tables
 * that are no MergeTree, or when the user may not ask: an estimate is worth no failure.
 *
 * https://clickhouse.com/docs/sql-reference/statements/explain#explain-estimate
 */
export async function estimateRows(
  clickhouse: ClickHouse,
  selection: RowSelection,
  after: Position,
): Promise<Estimate | undefined> {
  const { clauses, parameters } = buildRowClauses(selection, after);
  const explained = await tryRows(clickhouse.rows(`EXPLAIN ESTIMATE SELECT 1 ${clauses}`, parameters, explainedRow));
  if (explained.length === 0) return undefined;
  const rows = explained.reduce((sum, part) => sum + part.rows, 0) / (selection.partition?.count ?? 1);
  const [parts] = await tryRows(
    clickhouse.rows(
      `SELECT sum(rows) AS rows, sum(data_uncompressed_bytes) AS bytes FROM system.parts
       WHERE active AND database = {database:String} AND table = {table:String}`,
      { database: selection.table.database, table: selection.table.name },
      partsRow,
    ),
  );
  const bytes = parts === undefined || parts.rows === 0 ? undefined : Math.round((parts.bytes / parts.rows) * rows);
  return { rows: Math.round(rows), bytes };
}
