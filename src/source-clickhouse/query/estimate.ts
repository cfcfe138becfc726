import { z } from 'zod';
import { type ClickHouse, tryRows } from '../client/client.ts';
import type { Position } from '../state/position.ts';
import { buildRowClauses, type RowSelection } from './row-query.ts';

/** The estimated number of rows to read, and their uncompressed size on the server in bytes. */
export type Estimate = { rows: number; bytes: number | undefined };

const explainedRow = z.object({ rows: z.coerce.number() });
const partsRow = z.object({ rows: z.coerce.number(), bytes: z.coerce.number() });

/**
 * Estimates the size of a read without reading rows. EXPLAIN ESTIMATE returns the number of rows in the parts and granules that
 * the server would read. The average size of a row is computed from system.parts. Returns undefined if the server can't estimate
 * the table, because it is not a MergeTree, or if the user lacks a privilege. A read must not fail because of its estimate.
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
  // system.parts has no size for the rows of a query.
  if (selection.table.query !== undefined) return { rows: Math.round(rows), bytes: undefined };
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
