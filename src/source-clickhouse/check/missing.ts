import { ClickHouseError } from '@clickhouse/client';
import { z } from 'zod';
import { ConnectorError } from '../../protocol/errors.ts';
import { formatList } from '../../shared/format.ts';
import { onOwnLines } from '../../shared/statement.ts';
import { formatChoice, suggestNames } from '../../shared/suggest.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';
import { listDatabases } from './server.ts';

/** The maximum number of names that a message lists. */
const MAX_NAMED = 10;

/** The codes of the server for a table that does not exist, or that was dropped. */
const TABLE_MISSING = ['60', '218'];

const tableRow = z.object({ database: z.string(), name: z.string() });

/** Explains that the database does not exist, and suggests databases with a similar name. */
export async function explainMissingDatabase(
  clickhouse: ClickHouse,
  { database, username }: SourceConfiguration,
): Promise<ConnectorError> {
  const seen = `The database "${database}" does not exist, or the user "${username}" can't see it.`;
  const databases = await listDatabases(clickhouse);
  const near = suggestNames(database, databases);
  if (near.length > 0) {
    return sourceError('table_missing', `${seen} Did you mean ${formatChoice(near)}? Correct "database".`);
  }
  const known =
    databases.length === 0 ? '' : ` The user sees: ${formatList(databases, MAX_NAMED)} (names are case-sensitive).`;
  return sourceError(
    'table_missing',
    `${seen}${known} Correct "database", or ask an administrator to run:${onOwnLines(`GRANT SELECT ON ${quoteIdentifier(database)}.* TO ${quoteIdentifier(username)}`)}`,
  );
}

/**
 * Explains why a table of the configuration has no columns that the user can see: it does not exist, or the user may not read it.
 * Suggests tables and views with a similar name.
 */
export async function explainMissingTable(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  name: string,
): Promise<ConnectorError> {
  const { database, username } = configuration;
  try {
    // If the user may not see any column, the table seems to be missing. So run a query, which fails with the right error.
    await clickhouse.rows(`SELECT 1 FROM ${quoteTable({ database, name })} LIMIT 0`, {}, z.unknown());
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const { cause, internalMessage } = error;
    if (!(cause instanceof ClickHouseError && TABLE_MISSING.includes(cause.code))) return error;
    const advice = await adviseOnName(clickhouse, configuration, name);
    const message = `The database "${database}" has no table or view "${name}" that "${username}" may read. ${advice}`;
    return sourceError('table_missing', message, {
      ...(internalMessage === undefined ? {} : { internalMessage }),
      cause,
    });
  }
  return sourceError('table_missing', `"${name}" in the database "${database}" has no columns that can be read.`);
}

async function adviseOnName(clickhouse: ClickHouse, { database }: SourceConfiguration, name: string): Promise<string> {
  const [, before, after] = /^([^.]+)\.(.+)$/.exec(name) ?? [];
  if (before !== undefined) {
    const and = before === database ? '' : ` and "database" to "${before}"`;
    return `"table" must not contain the database: set "table" to "${after}"${and}.`;
  }
  const tables = await clickhouse.rows(
    "SELECT database, name FROM system.tables WHERE lower(database) NOT IN ('system', 'information_schema') AND NOT startsWith(name, '.') AND (database = {database:String} OR name = {name:String}) ORDER BY database, name",
    { database, name },
    tableRow,
  );
  const names = tables.filter((table) => table.database === database).map((table) => table.name);
  const near = suggestNames(name, names);
  if (near.length > 0) return `Did you mean ${formatChoice(near)}? Correct "table".`;
  const others = tables.filter((table) => table.database !== database).map((table) => table.database);
  if (others.length > 0) {
    return `There is one in ${formatChoice(others)}. Correct "database".`;
  }
  const known = names.length === 0 ? 'no tables there' : `${formatList(names, MAX_NAMED)} (names are case-sensitive)`;
  return `The user sees ${known}. Correct "table" and "database".`;
}
