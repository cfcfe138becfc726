import { z } from 'zod';
import { tableWarnings } from './check-warnings.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import type { SourceConfiguration } from './configuration.ts';
import { quoteIdentifier } from './identifier.ts';
import { misspeltCursor } from './misspelt-cursor.ts';
import { cursorOf } from './row-selection.ts';
import { sourceError } from './source-error.ts';
import { listTables, missingColumns, requiredColumns, type Table } from './table.ts';
import { proposeView } from './view-proposal.ts';

/**
 * The oldest ClickHouse that is read, as [major, minor]. The newest function that every row is written with,
 * toJSONString, is a year older (21.7); the distance is for what no documentation tells.
 */
const OLDEST_VERSION = [22, 6] as const;

/**
 * Proves that `read` would work: connects, looks at version, database, table and columns, and selects from it.
 *
 * @returns warnings: what does not keep rows from being read, but from arriving as they should.
 * @throws ConnectorError that says what is in the way and what to do about it.
 */
export async function check(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<string[]> {
  await checkVersion(clickhouse);
  await checkDatabase(clickhouse, configuration);
  const tables = await listTables(clickhouse, configuration.database, configuration.table);
  const readable =
    configuration.table === undefined
      ? anyFitting(tables, configuration)
      : await named(clickhouse, tables.at(0), configuration, configuration.table);
  cursorOf(readable, configuration.cursor_column);
  await trySelect(clickhouse, readable, configuration);
  return tableWarnings(clickhouse, readable, configuration);
}

async function checkVersion(clickhouse: ClickHouse): Promise<void> {
  const [row] = await clickhouse.rows('SELECT version() AS version', {}, z.object({ version: z.string() }));
  const [major = 0, minor = 0] = (row?.version ?? '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw sourceError(
    'clickhouse_too_old',
    `The server is ClickHouse ${row?.version ?? '(no version)'}, which is too old: ${OLDEST_VERSION.join('.')} or later is needed, as older ones lack functions that rows are written with. Upgrade the server, or read from a newer replica.`,
  );
}

async function checkDatabase(clickhouse: ClickHouse, { database, username }: SourceConfiguration): Promise<void> {
  const found = await clickhouse.rows(
    'SELECT name FROM system.databases WHERE name = {database:String}',
    { database },
    z.object({ name: z.string() }),
  );
  if (found.length > 0) return;
  throw sourceError(
    'table_missing',
    `There is no database "${database}" that the user "${username}" can see. Its name may be misspelt (upper and lower case differ), or the user has no right in it. Check the name, or let an administrator run: GRANT SELECT ON ${quoteIdentifier(database)}.* TO ${quoteIdentifier(username)}`,
  );
}

function anyFitting(tables: Table[], { database, username, cursor_column }: SourceConfiguration): Table {
  const fitting = tables.find((table) => missingColumns(table, cursor_column).length === 0);
  if (fitting !== undefined) return fitting;
  const seen =
    tables.length === 0
      ? `none at all`
      : tables
          .map((table) => table.name)
          .slice(0, 10)
          .join(', ');
  const none = `No table or view in the database "${database}" has the columns ${requiredColumns(cursor_column).join(', ')}; "${username}" sees: ${seen}`;
  const misspelt = tables.find((table) => misspeltCursor(table, cursor_column) !== undefined);
  if (misspelt !== undefined) {
    throw sourceError(
      'columns_missing',
      `${none}. "cursor_column" may be misspelt: there is "${misspeltCursor(misspelt, cursor_column)}" in "${misspelt.name}". Name that.`,
    );
  }
  const proposal = tables[0] === undefined ? '' : ` A view to start from: ${proposeView(tables[0], cursor_column)}`;
  throw sourceError(
    'columns_missing',
    `${none}. Grant the user SELECT on the table, or make a view that has these columns.${proposal}`,
  );
}

async function named(
  clickhouse: ClickHouse,
  table: Table | undefined,
  { database, cursor_column }: SourceConfiguration,
  name: string,
): Promise<Table> {
  if (table === undefined) {
    // Columns that the user may not see look like a table that is not there: the server itself tells the two apart.
    await clickhouse.rows(
      `SELECT 1 FROM ${quoteIdentifier(database)}.${quoteIdentifier(name)} LIMIT 0`,
      {},
      z.unknown(),
    );
    throw sourceError('table_missing', `"${name}" in the database "${database}" has no columns that can be read.`);
  }
  const missing = missingColumns(table, cursor_column);
  if (missing.length === 0) return table;
  const lacks = `"${name}" lacks the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}, or the user may not read ${missing.length > 1 ? 'them' : 'it'}`;
  const cursor = misspeltCursor(table, cursor_column);
  if (cursor !== undefined) {
    throw sourceError('columns_missing', `${lacks}. "cursor_column" may be misspelt: there is "${cursor}". Name that.`);
  }
  throw sourceError(
    'columns_missing',
    `${lacks}. A table of events needs ${requiredColumns(cursor_column).join(', ')}, one row per event. Make a view that has them, and name it in "table"${missing.includes(cursor_column) ? ', or name another cursor in "cursor_column"' : ''}. To start from: ${proposeView(table, cursor_column)}`,
  );
}

/** A right that is missing, or a view that is broken, shows only when its columns are selected. */
async function trySelect(clickhouse: ClickHouse, table: Table, { use_final }: SourceConfiguration): Promise<void> {
  const columns = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  await clickhouse.rows(
    `SELECT ${columns} FROM ${quoteIdentifier(table.database)}.${quoteIdentifier(table.name)}${use_final ? ' FINAL' : ''} LIMIT 1`,
    {},
    z.unknown(),
  );
}
