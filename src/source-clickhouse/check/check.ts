import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { formatList, plural } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { readServerClock } from '../query/server-clock.ts';
import { findMissingColumns, listRequiredColumns } from '../schema/required-columns.ts';
import { listTables, type Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';
import { listStreams, type StreamList } from '../streams/list-streams.ts';
import { explainUnreadable, refuseUnreadable } from '../streams/unreadable-engine.ts';
import { MAX_WARNINGS, StreamChecks } from './stream-checks.ts';
import { proposeView, suggestCursor } from './suggestions.ts';
import { limitWarnings } from './warnings.ts';

/** How long `check` waits for the first row of a stream, and for the first rows of all streams together, in milliseconds. */
const ROW_TIMEOUT_MS = 10_000;
const ALL_ROWS_TIMEOUT_MS = 60_000;

/** How long to wait, in milliseconds. */
export type Timeouts = { rowMs: number; allRowsMs: number };

const TIMEOUTS: Timeouts = { rowMs: ROW_TIMEOUT_MS, allRowsMs: ALL_ROWS_TIMEOUT_MS };

/** Where the first run of each stream begins, if `start_from` says so, and warnings. */
export type CheckResult = { notes: string[]; warnings: string[] };

/**
 * Proves that `read` would work: connects, checks the database, tables and columns, and reads the first row of each stream
 * that `discover` lists, with the same query as `read`. Tests one stream at a time, because the user may only be allowed one
 * query at a time.
 *
 * @param stop cancels the query for a row.
 * @returns where the first run of each stream begins, and warnings about streams that can be read, but are slow, or whose rows
 * may be old, lost or duplicated.
 * @throws ConnectorError that says why `read` would fail and what to do.
 */
export async function check(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  stop: AbortSignal,
  timeouts: Timeouts = TIMEOUTS,
): Promise<CheckResult> {
  const { streams, warnings } = await findStreams(clickhouse, configuration);
  const now = await readServerClock(clickhouse);
  const checks = new StreamChecks({ clickhouse, configuration, stop, timeoutMs: timeouts.rowMs, now });
  const untested: string[] = [];
  const end = performance.now() + timeouts.allRowsMs;
  for (const stream of streams) {
    const isTested = performance.now() < end && (await checks.check(stream));
    if (!isTested) untested.push(stream.name);
  }
  return {
    notes: checks.notes,
    warnings: [
      ...(untested.length === 0 ? [] : [describeUntested(untested, streams.length)]),
      ...limitWarnings(MAX_WARNINGS, [...warnings, ...checks.warnings]),
    ],
  };
}

/**
 * Finds the streams that `discover` lists: the table that the configuration names, or else those of the database.
 *
 * @throws ConnectorError that says what is missing and what to do, if there are none.
 */
export async function findStreams(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
): Promise<Pick<StreamList, 'streams' | 'warnings'>> {
  await checkDatabase(clickhouse, configuration);
  const { table } = configuration;
  if (table === undefined) return listExistingStreams(clickhouse, configuration);
  return { streams: [await checkTable(clickhouse, configuration, table)], warnings: [] };
}

/**
 * Runs only the part of `check` that reads no rows: checks that the database exists and has a stream.
 *
 * @throws ConnectorError that says what is missing and what to do.
 */
export async function checkDatabaseOnly(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<void> {
  await checkDatabase(clickhouse, configuration);
  await listExistingStreams(clickhouse, configuration);
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
    `The database "${database}" does not exist, or the user "${username}" can't see it. Its name may be misspelt (names are case-sensitive), or the user has no privilege in it. Check the name, or ask an administrator to run: GRANT SELECT ON ${quoteIdentifier(database)}.* TO ${quoteIdentifier(username)}`,
  );
}

/** Lists the streams of the database. @throws ConnectorError if there are none. */
async function listExistingStreams(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<StreamList> {
  const list = await listStreams(clickhouse, configuration);
  if (list.streams.length === 0) throw explainNoStreams(list, configuration);
  return list;
}

function explainNoStreams(
  { tables, unreadable }: StreamList,
  { database, username, cursor_column }: SourceConfiguration,
): ConnectorError {
  const [first] = unreadable;
  if (first !== undefined) return sourceError('table_unreadable', explainUnreadable(first));
  const seen =
    tables.length === 0
      ? 'no tables'
      : tables
          .map((table) => table.name)
          .slice(0, 10)
          .join(', ');
  const none = `No table or view in the database "${database}" has the columns ${listRequiredColumns(cursor_column).join(', ')}; "${username}" sees: ${seen}`;
  const misspelt = tables.find((table) => suggestCursor(table, cursor_column) !== undefined);
  if (misspelt !== undefined) {
    return sourceError(
      'columns_missing',
      `${none}. "cursor_column" may be misspelt: there is "${suggestCursor(misspelt, cursor_column)}" in "${misspelt.name}". Use that name.`,
    );
  }
  const proposal = tables[0] === undefined ? '' : ` Start from this view: ${proposeView(tables[0], cursor_column)}`;
  return sourceError(
    'columns_missing',
    `${none}. Grant the user SELECT on the table, or create a view that has these columns.${proposal}`,
  );
}

async function checkTable(
  clickhouse: ClickHouse,
  { database, cursor_column }: SourceConfiguration,
  name: string,
): Promise<Table> {
  const [table] = await listTables(clickhouse, database, name);
  await refuseUnreadable(clickhouse, { database, name });
  if (table === undefined) {
    // If the user may not see any column, the table seems to be missing. So run a query, which fails with the right error.
    await clickhouse.rows(`SELECT 1 FROM ${quoteTable({ database, name })} LIMIT 0`, {}, z.unknown());
    throw sourceError('table_missing', `"${name}" in the database "${database}" has no columns that can be read.`);
  }
  const missing = findMissingColumns(table, cursor_column);
  if (missing.length === 0) return table;
  const lacks = `"${name}" lacks the ${plural(missing.length, 'column')} ${missing.join(', ')}, or the user may not read ${plural(missing.length, 'it', 'them')}`;
  const cursor = suggestCursor(table, cursor_column);
  if (cursor !== undefined) {
    throw sourceError(
      'columns_missing',
      `${lacks}. "cursor_column" may be misspelt: there is "${cursor}". Use that name.`,
    );
  }
  throw sourceError(
    'columns_missing',
    `${lacks}. A table of events needs the columns ${listRequiredColumns(cursor_column).join(', ')}, and one row per event. Create a view that has them, and name it in "table"${missing.includes(cursor_column) ? ', or name another cursor in "cursor_column"' : ''}. Start from: ${proposeView(table, cursor_column)}`,
  );
}

function describeUntested(names: readonly string[], all: number): string {
  const named = formatList(
    names.map((name) => `"${name}"`),
    1,
  );
  return `${names.length} of ${all} streams were not tested, because their first rows or the first rows of other streams take too long: ${named}. To check one of them, name it in "table".`;
}
