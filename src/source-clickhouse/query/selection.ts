import type { ConfiguredStream } from '../../protocol/catalog.ts';
import type { StreamDescriptor } from '../../protocol/messages.ts';
import type { ClickHouse } from '../client/client.ts';
import { PROFILE_COLUMN, type SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { hasColumn, listRequiredColumns } from '../schema/required-columns.ts';
import type { Column, Table } from '../schema/table.ts';
import { findMissingInStream, findTable } from '../streams/named-streams.ts';
import { refuseUnreadable } from '../streams/unreadable-engine.ts';
import type { ResolvedStream, RowSelection } from './row-query.ts';

/**
 * Looks up the table of a configured stream and the columns to read.
 *
 * @param warn receives warnings.
 * @throws ConnectorError (config_error) when the table or a column is missing, or the cursor's values have no useful order.
 */
export async function resolveStream(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  configured: ConfiguredStream,
  stream: StreamDescriptor,
  warn: (message: string) => Promise<void>,
): Promise<ResolvedStream> {
  const { cursor_column } = configuration;
  if (stream.namespace !== undefined && stream.namespace !== configuration.database) {
    throw sourceError(
      'schema_outdated',
      `The catalog asks for "${stream.name}" in the database "${stream.namespace}", but the configuration names "${configuration.database}". Refresh the schema (discover).`,
    );
  }
  const table = await findTable(clickhouse, configuration, stream.name);
  if (table === undefined) {
    throw sourceError(
      'table_missing',
      `The database "${configuration.database}" has no table or view "${stream.name}" that "${configuration.username}" may read. It was dropped or renamed, or the user has no SELECT on it. Refresh the schema (discover).`,
    );
  }
  const missing = findMissingInStream(table, configuration);
  if (missing.length > 0) {
    throw sourceError(
      'columns_missing',
      `"${stream.name}" lacks required columns, or the user may not read them: ${missing.join(', ')}. Run check: it suggests a view that has them.`,
    );
  }
  if (table.query === undefined) await refuseUnreadable(clickhouse, table);
  const columns = await resolveColumns(table, cursor_column, configured, warn);
  return buildResolvedStream(stream, table, columns, configuration);
}

/**
 * Selects the rows of a table with all their columns. The cursor, FINAL and the partition are as in the configuration. The lag is
 * ignored.
 *
 * @throws ConnectorError (config_error) when the values of the cursor have no useful order.
 */
export function selectAllRows(table: Table, configuration: SourceConfiguration): RowSelection {
  const stream = { name: table.name, namespace: table.database };
  const resolved = buildResolvedStream(stream, table, table.columns, configuration);
  return { ...resolved, hashedColumns: table.columns, lagBound: undefined };
}

function buildResolvedStream(
  stream: StreamDescriptor,
  table: Table,
  columns: readonly Column[],
  { cursor_column, use_final, partition }: SourceConfiguration,
): ResolvedStream {
  const profile = partition?.column ?? PROFILE_COLUMN;
  if (partition !== undefined && !hasColumn(table, profile)) {
    throw sourceError(
      'columns_missing',
      `"${table.name}" has no column "${profile}", by which "partition" splits the rows. Set "column" in "partition" to the column with the profile of a row.`,
    );
  }
  const cursor = resolveCursor(table, cursor_column);
  return { stream, table, columns, cursor, final: use_final && table.query === undefined, partition };
}

/**
 * Returns the columns to read: the columns in the catalog's schema, and the required columns. Users can deselect columns in a
 * platform, which then leaves them out of the schema. Without a schema, all columns are read.
 */
async function resolveColumns(
  table: Table,
  cursorColumn: string,
  configured: ConfiguredStream,
  warn: (message: string) => Promise<void>,
): Promise<Table['columns']> {
  const wanted = configured.stream.json_schema?.properties;
  if (wanted == null || Object.keys(wanted).length === 0) return table.columns;
  const gone = Object.keys(wanted).filter((name) => !table.columns.some((column) => column.name === name));
  if (gone.length > 0) {
    await warn(
      `${table.name} no longer has ${gone.join(', ')}, which the catalog names. Refresh the schema (discover).`,
    );
  }
  const required = listRequiredColumns(cursorColumn);
  return table.columns.filter(({ name }) => Object.hasOwn(wanted, name) || required.includes(name));
}

/** Finds the cursor column. @throws ConnectorError (config_error) when its values have no useful order. */
function resolveCursor(table: Table, cursorColumn: string): ResolvedStream['cursor'] {
  const column = table.columns.find(({ name }) => name === cursorColumn);
  const codec = column === undefined ? undefined : createCursorCodec(column.type);
  if (column === undefined || codec === undefined) {
    throw sourceError(
      'cursor_unusable',
      `The column ${cursorColumn} of "${table.name}" has the type ${column?.type.name}, which has no useful order. Use a DateTime, DateTime64, Date, integer or String as the cursor; create a view if needed.`,
    );
  }
  return { column, codec };
}
