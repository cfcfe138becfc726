import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';
import { type ClickHouseType, parseClickHouseType } from './clickhouse-type.ts';

export type Column = {
  name: string;
  type: ClickHouseType;
  /** The declared type, if `type` is only the type inside of it, as for SimpleAggregateFunction. */
  declaredAs?: string;
};

/** The rows of a stream: a table or view of the database, or a query. */
export type Table = {
  database: string;
  name: string;
  columns: Column[];
  /** The SELECT that returns the rows, for a query. Without it, `name` is a table or view. */
  query?: string;
  /** The condition that selects the rows to read from a table or view. Without it, all rows are read. */
  where?: string;
};

const columnRow = z.object({ table: z.string(), name: z.string(), type: z.string() });

/**
 * Lists the tables and views of a database that the user can see, with their columns, in one query. Leaves out the inner tables
 * of materialized views (".inner…"). Also leaves out columns with the binary state of an aggregate function, which is useless
 * outside of ClickHouse.
 */
export async function listTables(clickhouse: ClickHouse, database: string, table?: string): Promise<Table[]> {
  const rows = await clickhouse.rows(
    `SELECT table, name, type FROM system.columns
     WHERE database = {database:String} AND (table = {table:String} OR {table:String} = '') AND NOT startsWith(table, '.') AND default_kind != 'EPHEMERAL'
     ORDER BY table, position`,
    { database, table: table ?? '' },
    columnRow,
  );
  const tables = new Map<string, Table>();
  for (const row of rows) {
    const found = tables.get(row.table) ?? { database, name: row.table, columns: [] };
    tables.set(row.table, found);
    found.columns.push(...createColumn(row));
  }
  return [...tables.values()];
}

/** Returns an array with the column, or an empty array for the binary state of an aggregate function: see `listTables`. */
export function createColumn(row: { name: string; type: string }): Column[] {
  const type = parseClickHouseType(row.type);
  if (type.kind === 'aggregate_state') return [];
  return [{ name: row.name, type, ...(type.name === row.type ? {} : { declaredAs: row.type }) }];
}

/**
 * Returns what follows FROM to read all rows of a stream. The user's SQL is on its own lines, because it may end with a comment.
 */
export function rowsSql(table: Table): string {
  const { query, where, columns } = table;
  if (query !== undefined) return `(\n${query}\n)`;
  if (where === undefined) return quoteTable(table);
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  return `(SELECT ${names} FROM ${quoteTable(table)} WHERE (\n${where}\n))`;
}
