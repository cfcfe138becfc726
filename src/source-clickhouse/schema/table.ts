import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { type ClickHouseType, parseClickHouseType } from './clickhouse-type.ts';

export type Column = {
  name: string;
  type: ClickHouseType;
  /** The declared type, if `type` is only the type inside of it, as for SimpleAggregateFunction. */
  declaredAs?: string;
};
export type Table = { database: string; name: string; columns: Column[] };

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
    const type = parseClickHouseType(row.type);
    if (type.kind === 'aggregate_state') continue;
    found.columns.push({ name: row.name, type, ...(type.name === row.type ? {} : { declaredAs: row.type }) });
  }
  return [...tables.values()];
}
