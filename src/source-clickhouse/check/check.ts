import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { formatList } from '../../shared/format.ts';
import { onOwnLines } from '../../shared/statement.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { readServerClock, readServerVersion } from '../query/server-info.ts';
import {
  type FindUse,
  findMissingColumns,
  hasColumn,
  listRequiredColumns,
  type RowKind,
} from '../schema/required-columns.ts';
import type { Table } from '../schema/table.ts';
import { findRowsOfTableInQueries, listStreams, type StreamList } from '../streams/list-streams.ts';
import { findTable, listNames } from '../streams/named-streams.ts';
import { explainUnreadable, refuseUnreadable } from '../streams/unreadable-engine.ts';
import { explainMissingDatabase, explainMissingTable } from './missing.ts';
import { MAX_WARNINGS, StreamChecks } from './stream-checks.ts';
import { adviseCursor, proposeColumn, proposeView } from './suggestions.ts';
import { limitWarnings } from './warnings.ts';

/** How long `check` waits for the first row of a stream, in milliseconds. */
const ROW_TIMEOUT_MS = 10_000;

/** After this time, `check` tests no more streams, in milliseconds. */
const ALL_ROWS_TIMEOUT_MS = 60_000;

/** How long to wait for the first row of a stream, and how long to test streams, in milliseconds. */
export type Timeouts = { rowMs: number; allRowsMs: number };

const TIMEOUTS: Timeouts = { rowMs: ROW_TIMEOUT_MS, allRowsMs: ALL_ROWS_TIMEOUT_MS };

export type CheckResult = {
  /** The version of the server. */
  version: string;
  /** The names of the streams. */
  streams: string[];
  /** Where the first run of each stream begins, if `start_from` is set. */
  notes: string[];
  warnings: string[];
};

/**
 * Proves that `read` would work: connects, checks the database, tables and columns, and reads the first row of each stream
 * that `discover` lists, with the same query as `read`. Tests one stream at a time, because the user may only be allowed one
 * query at a time.
 *
 * @param stop cancels the query for a row.
 * @param findUse what the destination does with the rows of each stream, which decides on some warnings.
 * @returns what was found, with warnings about streams that can be read, but are slow, or whose rows may be old, lost or
 * duplicated.
 * @throws ConnectorError that says why `read` would fail and what to do.
 */
export async function check(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  stop: AbortSignal,
  findUse: FindUse = () => undefined,
  timeouts: Timeouts = TIMEOUTS,
): Promise<CheckResult> {
  const { streams, warnings } = await findStreams(clickhouse, configuration, findUse);
  const version = await readServerVersion(clickhouse);
  const now = await readServerClock(clickhouse);
  const checks = new StreamChecks({ clickhouse, configuration, stop, findUse, timeoutMs: timeouts.rowMs, now });
  const untested: string[] = [];
  const end = performance.now() + timeouts.allRowsMs;
  for (const stream of streams) {
    const isTested = performance.now() < end && (await checks.check(stream));
    if (!isTested) untested.push(stream.name);
  }
  return {
    version,
    streams: streams.map(({ name }) => name),
    notes: checks.notes,
    warnings: [
      ...(untested.length === 0 ? [] : [describeUntested(untested, streams.length)]),
      ...limitWarnings(MAX_WARNINGS, [...warnings, ...checks.warnings]),
    ],
  };
}

/**
 * Finds the streams that `discover` lists: the table and the queries that the configuration names, otherwise the tables of the
 * database.
 *
 * @param kind which tables of the database are streams.
 * @throws ConnectorError that says what is missing and what to do, if there are none.
 */
export async function findStreams(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  findUse: FindUse,
  kind: RowKind = 'event',
): Promise<Pick<StreamList, 'streams' | 'warnings'>> {
  await checkDatabase(clickhouse, configuration);
  return listNames(configuration).length === 0
    ? listExistingStreams(clickhouse, configuration, kind)
    : checkNamed(clickhouse, configuration, findUse);
}

/**
 * Runs only the part of `check` that reads no rows: checks that the database exists and has a stream of this kind.
 *
 * @throws ConnectorError that says what is missing and what to do.
 */
export async function checkDatabaseOnly(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  kind: RowKind,
): Promise<void> {
  await checkDatabase(clickhouse, configuration);
  await listExistingStreams(clickhouse, configuration, kind);
}

async function checkDatabase(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<void> {
  const found = await clickhouse.rows(
    'SELECT name FROM system.databases WHERE name = {database:String}',
    { database: configuration.database },
    z.object({ name: z.string() }),
  );
  if (found.length === 0) throw await explainMissingDatabase(clickhouse, configuration);
}

/** Lists the streams of the database. @throws ConnectorError if there are none. */
async function listExistingStreams(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  kind: RowKind,
): Promise<StreamList> {
  const list = await listStreams(clickhouse, configuration, kind);
  if (list.streams.length === 0) throw explainNoStreams(list, configuration, kind);
  return list;
}

function explainNoStreams(
  { tables, unreadable }: StreamList,
  { database, username, cursor_column }: SourceConfiguration,
  kind: RowKind,
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
  const none = `No table or view in the database "${database}" has the columns ${listRequiredColumns(cursor_column, kind).join(', ')}; "${username}" sees: ${seen}`;
  const advice = tables
    .filter((table) => findMissingColumns(table, cursor_column, kind).join() === cursor_column)
    .map((table) => adviseCursor(table, cursor_column))
    .find((each) => each !== undefined);
  if (advice !== undefined) return sourceError('columns_missing', `${none}. ${advice}`);
  const proposal =
    tables[0] === undefined ? '' : ` Start from this view:${onOwnLines(proposeView(tables[0], cursor_column, kind))}`;
  return sourceError(
    'columns_missing',
    `${none}. Grant the user SELECT on the table, or create a view that has these columns, or write its SELECT in "queries".${proposal}`,
  );
}

async function checkNamed(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  findUse: FindUse,
): Promise<Pick<StreamList, 'streams' | 'warnings'>> {
  const streams: Table[] = [];
  for (const name of listNames(configuration)) {
    streams.push(await checkTable(clickhouse, configuration, name, findUse(name)?.kind ?? 'event'));
  }
  return { streams, warnings: await findRowsOfTableInQueries(clickhouse, configuration) };
}

async function checkTable(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  name: string,
  kind: RowKind,
): Promise<Table> {
  const { database, cursor_column } = configuration;
  const table = await findTable(clickhouse, configuration, name);
  if (table?.query === undefined) await refuseUnreadable(clickhouse, { database, name });
  if (table === undefined) throw await explainMissingTable(clickhouse, configuration, name);
  if (hasColumn(table, cursor_column)) return table;
  const lacks =
    table.query === undefined
      ? `"${name}" lacks the column ${cursor_column}, or the user may not read it`
      : `The query "${name}" returns no column ${cursor_column}`;
  const advice = adviseCursor(table, cursor_column);
  if (advice !== undefined) throw sourceError('columns_missing', `${lacks}. ${advice}`);
  const proposal =
    table.query === undefined
      ? `Create a view that has this column, and name the view in "table", or write its SELECT in "queries". Or name another cursor in "cursor_column". Start from:${onOwnLines(proposeView(table, cursor_column, kind))}`
      : `Select it in the SQL, for example as ${proposeColumn(table, { name: cursor_column, role: 'cursor' }, kind)}, or name another cursor in "cursor_column".`;
  throw sourceError('columns_missing', `${lacks}. The cursor shows which rows are new. ${proposal}`);
}

function describeUntested(names: readonly string[], all: number): string {
  const named = formatList(
    names.map((name) => `"${name}"`),
    1,
  );
  return `${names.length} of ${all} streams were not tested, because their first rows or the first rows of other streams take too long: ${named}. To check one of them, name it in "table".`;
}
