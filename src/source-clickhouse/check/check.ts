import { z } from 'zod';
import { ConnectorError } from '../../protocol/errors.ts';
import { formatList } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { findMissingColumns, listRequiredColumns, listTables, type Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';
import { listStreams, type StreamList } from '../streams/list-streams.ts';
import { explainUnreadable, refuseUnreadable } from '../streams/unreadable-engine.ts';
import { proposeView, suggestCursor } from './suggestions.ts';
import { nameStream, tryRow } from './try-row.ts';
import { findTableWarnings, limitWarnings } from './warnings.ts';

/** How long `check` waits for the first row of a stream, in milliseconds, and for those of all streams together. */
const ROW_TIMEOUT_MS = 10_000;
const ALL_ROWS_TIMEOUT_MS = 60_000;

/** Of warnings, so many are given. */
const MAX_WARNINGS = 20;

/** How long things may take, in milliseconds. */
export type Timeouts = { rowMs: number; allRowsMs: number };

const TIMEOUTS: Timeouts = { rowMs: ROW_TIMEOUT_MS, allRowsMs: ALL_ROWS_TIMEOUT_MS };

/**
 * Proves that `read` would work: connects, looks at database, tables and columns, and reads the first row of
 * each stream that `discover` lists, by the query that `read` uses. One stream after the other, as a user may be allowed
 * one query at a time.
 *
 * @param stop leaves the row that is waited for.
 * @returns warnings: what does not keep rows from being read, but from arriving as they should.
 * @throws ConnectorError that says what is in the way and what to do about it.
 */
export async function check(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  stop: AbortSignal,
  timeouts: Timeouts = TIMEOUTS,
): Promise<string[]> {
  const { table } = configuration;
  await checkDatabase(clickhouse, configuration);
  const { streams, warnings } =
    table === undefined
      ? await findStreams(clickhouse, configuration)
      : { streams: [await checkTable(clickhouse, configuration, table)], warnings: [] };
  const notes = [...warnings];
  const untried: string[] = [];
  let wasSlow = false;
  const end = performance.now() + timeouts.allRowsMs;
  for (const stream of streams) {
    if (performance.now() >= end) {
      untried.push(stream.name);
      continue;
    }
    const tried = await tryRow(clickhouse, stream, configuration, { stop, timeoutMs: timeouts.rowMs }).catch(
      (error: unknown) => {
        // The query that was left may still run, and a user may be allowed one at a time.
        if (wasSlow && isBusy(error)) return 'busy' as const;
        throw table === undefined ? nameStream(stream.name, error) : error;
      },
    );
    if (stop.aborted) throw createStoppedError();
    if (tried === 'busy') {
      untried.push(stream.name);
      continue;
    }
    if (tried === 'slow') {
      wasSlow = true;
      notes.push(describeSlowStream(stream.name, configuration.cursor_column, timeouts.rowMs));
      // What is looked at for the warnings would take as long.
      continue;
    }
    // One more than are shown, so that it is known that there are more.
    if (notes.length <= MAX_WARNINGS) notes.push(...(await findTableWarnings(clickhouse, stream, configuration)));
  }
  return [
    ...(untried.length === 0 ? [] : [describeUntried(untried, streams.length)]),
    ...limitWarnings(MAX_WARNINGS, notes),
  ];
}

/**
 * The first half of `check`, which reads no row: looks at the database, and whether any stream fits.
 *
 * @throws ConnectorError that says what is in the way and what to do about it.
 */
export async function checkDatabaseOnly(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<void> {
  await checkDatabase(clickhouse, configuration);
  await findStreams(clickhouse, configuration);
}

function isBusy(error: unknown): boolean {
  return error instanceof ConnectorError && error.code === 'clickhouse_busy';
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

/** What the database offers, which is at least one stream. */
async function findStreams(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<StreamList> {
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
      ? `none at all`
      : tables
          .map((table) => table.name)
          .slice(0, 10)
          .join(', ');
  const none = `No table or view in the database "${database}" has the columns ${listRequiredColumns(cursor_column).join(', ')}; "${username}" sees: ${seen}`;
  const misspelt = tables.find((table) => suggestCursor(table, cursor_column) !== undefined);
  if (misspelt !== undefined) {
    return sourceError(
      'columns_missing',
      `${none}. "cursor_column" may be misspelt: there is "${suggestCursor(misspelt, cursor_column)}" in "${misspelt.name}". Name that.`,
    );
  }
  const proposal = tables[0] === undefined ? '' : ` A view to start from: ${proposeView(tables[0], cursor_column)}`;
  return sourceError(
    'columns_missing',
    `${none}. Grant the user SELECT on the table, or make a view that has these columns.${proposal}`,
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
    // Columns that the user may not see look like a table that is not there: the server itself tells the two apart.
    await clickhouse.rows(`SELECT 1 FROM ${quoteTable({ database, name })} LIMIT 0`, {}, z.unknown());
    throw sourceError('table_missing', `"${name}" in the database "${database}" has no columns that can be read.`);
  }
  const missing = findMissingColumns(table, cursor_column);
  if (missing.length === 0) return table;
  const lacks = `"${name}" lacks the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}, or the user may not read ${missing.length > 1 ? 'them' : 'it'}`;
  const cursor = suggestCursor(table, cursor_column);
  if (cursor !== undefined) {
    throw sourceError('columns_missing', `${lacks}. "cursor_column" may be misspelt: there is "${cursor}". Name that.`);
  }
  throw sourceError(
    'columns_missing',
    `${lacks}. A table of events needs ${listRequiredColumns(cursor_column).join(', ')}, one row per event. Make a view that has them, and name it in "table"${missing.includes(cursor_column) ? ', or name another cursor in "cursor_column"' : ''}. To start from: ${proposeView(table, cursor_column)}`,
  );
}

function describeSlowStream(name: string, cursorColumn: string, timeoutMs: number): string {
  return `The first row of "${name}" did not arrive within ${timeoutMs / 1_000} seconds, so check did not wait for it. ClickHouse sorts the rows by ${cursorColumn} before it returns the first one, in each run. Make ${cursorColumn} the first column of ORDER BY of the table.`;
}

function describeUntried(names: readonly string[], all: number): string {
  const named = formatList(
    names.map((name) => `"${name}"`),
    1,
  );
  return `${names.length} of ${all} streams were not tried, as their first rows, or those of others, take too long: ${named}. To check one of them, name it in "table".`;
}

function createStoppedError(): ConnectorError {
  return sourceError('clickhouse_cut_off', 'The check was stopped by a signal before its end. Run it again.');
}
