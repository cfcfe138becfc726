import { ClickHouseError } from '@clickhouse/client';
import { z } from 'zod';
import { ConnectorError } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { type SourceErrorCode, sourceError } from '../errors/codes.ts';
import { quoteServer } from '../errors/server-errors.ts';
import { findMissingColumns, hasColumn } from '../schema/required-columns.ts';
import { type Column, createColumn, listTables, rowsSql, type Table } from '../schema/table.ts';

type StreamOptions = Pick<SourceConfiguration, 'database' | 'table' | 'where' | 'queries'>;

/** Returns the names of the streams that the configuration names: its table and its queries. */
export function listNames({ table, queries }: Pick<StreamOptions, 'table' | 'queries'>): string[] {
  return [...(table === undefined ? [] : [table]), ...queries.map(({ name }) => name)];
}

/**
 * Looks up the table, view or query with the name of a stream, and its columns. Returns undefined if there is none that the user
 * can see.
 *
 * @throws ConnectorError (config_error) if the server can't run the SQL of the query, or the condition of the table.
 */
export async function findTable(
  clickhouse: ClickHouse,
  options: StreamOptions,
  name: string,
): Promise<Table | undefined> {
  const { database, table: named, where, queries } = options;
  const query = queries.find((each) => each.name === name)?.sql;
  if (query !== undefined) {
    const table = { database, name, query, columns: [] };
    return { ...table, columns: await describe(clickhouse, table, `The query "${name}"`) };
  }
  const [table] = await listTables(clickhouse, database, name);
  if (table === undefined || where === undefined || name !== named) return table;
  const filtered = { ...table, where };
  await describe(clickhouse, filtered, 'The condition in "where"');
  return filtered;
}

/**
 * Returns the columns that a stream must have and the table lacks. A table or query that the configuration names only needs the
 * cursor, because the mapping of the destination can name the other columns.
 */
export function findMissingInStream(
  table: Table,
  configuration: Pick<SourceConfiguration, 'table' | 'queries' | 'cursor_column'>,
): string[] {
  const { cursor_column } = configuration;
  if (!listNames(configuration).includes(table.name)) return findMissingColumns(table, cursor_column);
  return hasColumn(table, cursor_column) ? [] : [cursor_column];
}

/** A row of DESCRIBE. Some versions write the type of a named tuple on several lines (print_pretty_type_names). */
const columnRow = z.object({
  name: z.string(),
  type: z.string().transform((type) => type.replaceAll(/(,?)\n */g, (_, comma) => (comma === '' ? '' : ', '))),
  is_subcolumn: z.coerce.number().default(0),
});

/** The number of ClickHouse's error for a missing database. */
const UNKNOWN_DATABASE = '81';

/** The codes of errors that mean that the server can't run the SQL for any user. */
const SQL_ERRORS: readonly SourceErrorCode[] = [
  'clickhouse_query_failed',
  'columns_missing',
  'schema_outdated',
  'table_missing',
  'value_unfit',
];

/**
 * Looks up the columns of a stream without reading rows.
 *
 * @param what how messages name the user's SQL.
 */
async function describe(clickhouse: ClickHouse, table: Table, what: string): Promise<Column[]> {
  const rows = await clickhouse.rows(`DESCRIBE TABLE ${rowsSql(table)}`, {}, columnRow).catch((error: unknown) => {
    throw explainSqlError(error, table, what);
  });
  const columns = rows.filter(({ is_subcolumn }) => is_subcolumn === 0);
  const twice = columns.find(({ name }, index) => columns.findIndex((column) => column.name === name) < index);
  if (twice !== undefined) {
    throw sourceError(
      'query_invalid',
      `${what} returns more than one column "${twice.name}". Give each column its own name with AS.`,
    );
  }
  return columns.flatMap(createColumn);
}

function explainSqlError(error: unknown, { database }: Table, what: string): unknown {
  if (!(error instanceof ConnectorError && error.cause instanceof ClickHouseError)) return error;
  if (!SQL_ERRORS.some((code) => code === error.code)) return error;
  // The missing database is the one of the configuration, not one that only the SQL names. So the SQL is not at fault.
  if (error.cause.code === UNKNOWN_DATABASE && error.cause.message.includes(database)) return error;
  const { internalMessage, cause } = error;
  return sourceError(
    'query_invalid',
    `${what} can't be run. ${quoteServer(error.cause)} Run the SQL without this connector, as the same user and in the same database, and correct it.`,
    { ...(internalMessage === undefined ? {} : { internalMessage }), cause },
  );
}
