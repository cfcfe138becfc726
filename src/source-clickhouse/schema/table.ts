import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { type ClickHouseType, parseClickHouseType } from './clickhouse-type.ts';

export type Column = {
  name: string;
  type: ClickHouseType;
  /** The type as the server declares it, where `type` is of what is in it (SimpleAggregateFunction). */
  declaredAs?: string;
};
export type Table = { database: string; name: string; columns: Column[] };

const columnRow = z.object({ table: z.string(), name: z.string(), type: z.string() });

/**
 * The tables and views of a database with their columns, as far as the user may see them; one query whatever their
 * number. Inner tables of materialized views (".inner…") are left out, and so are columns that hold the binary state of
 * an aggregate function, which mean nothing outside of ClickHouse.
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

/** The column that names the profile of a row. */
export const PROFILE_COLUMN = 'custom_id';

/** The columns that a table must have to be read, by the names of Cloud Sync (docs/batch-api.md, CS/ch-ev 1.2). */
export function listRequiredColumns(cursorColumn: string): string[] {
  return [PROFILE_COLUMN, 'event_name', cursorColumn];
}

/** Which of the required columns a table lacks. */
export function findMissingColumns(table: Table, cursorColumn: string): string[] {
  return listRequiredColumns(cursorColumn).filter(
    (required) => !table.columns.some((column) => column.name === required),
  );
}
