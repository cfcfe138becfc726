import { formatList } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { findMissingColumns, type RowKind } from '../schema/required-columns.ts';
import { listTables, type Table } from '../schema/table.ts';
import { findTablesInQuery } from './table-definition.ts';
import { TableDependencies } from './table-dependencies.ts';
import { UNREADABLE_ENGINES } from './unreadable-engine.ts';

/** The maximum number of tables to name in a warning about shared rows. */
const MAX_NAMED = 5;

/** The tables and views of a database, and which of them are streams. */
export type StreamList = {
  /** The tables and views that `discover` lists. */
  streams: Table[];
  /** The tables and views that have the required columns, but whose engine can't be read. */
  unreadable: { name: string; engine: string }[];
  /** All tables and views that the user can see. */
  tables: Table[];
  /** Warnings about streams that have the same rows. */
  warnings: string[];
};

/**
 * Lists the streams of a database: the tables and views that have the columns that rows of this kind need, and can be read. A
 * materialized view is left out if its target is also a stream, because the rows of the view would be sent twice.
 */
export async function listStreams(
  clickhouse: ClickHouse,
  { database, cursor_column }: Pick<SourceConfiguration, 'database' | 'cursor_column'>,
  kind: RowKind = 'event',
): Promise<StreamList> {
  const tables = await listTables(clickhouse, database);
  const fitting = tables.filter((table) => findMissingColumns(table, cursor_column, kind).length === 0);
  if (fitting.length === 0) return { streams: [], unreadable: [], tables, warnings: [] };
  const definitions = await TableDependencies.load(clickhouse, database);
  const unreadable = fitting.flatMap((table) => {
    // A materialized view is read through its target, so the engine of the target must be readable, too.
    const engines = [table, definitions.findLastHolder(table)].map((each) => each && definitions.engineOf(each));
    const engine = engines.find((each) => each !== undefined && UNREADABLE_ENGINES.includes(each));
    return engine === undefined ? [] : [{ name: table.name, engine }];
  });
  const readable = fitting.filter(({ name }) => !unreadable.some((each) => each.name === name));
  const streams = readable.filter((table) => !definitions.isHeldBy(table, readable));
  return { streams, unreadable, tables, warnings: findSharedRows(streams, definitions) };
}

/** Creates a warning for each stream that contains rows of other streams. */
function findSharedRows(streams: readonly Table[], definitions: TableDependencies): string[] {
  const warnings: string[] = [];
  const firstWith = new Map<string, Table>();
  for (const stream of streams) {
    const others = definitions.findShared(stream, streams);
    const holder = definitions.findLastHolder(stream);
    const key = JSON.stringify([holder?.database, holder?.name]);
    const twin = holder === undefined ? undefined : firstWith.get(key);
    if (twin === undefined) firstWith.set(key, stream);
    const shared = others.length > 0 ? others : twin === undefined ? [] : [twin];
    if (shared.length === 0) continue;
    const kind = definitions.engineOf(stream);
    warnings.push(
      `"${stream.name}"${kind === undefined ? '' : ` (${kind})`} contains rows of ${formatList(
        shared.map(({ name }) => `"${name}"`),
        MAX_NAMED,
      )}. Syncing ${shared.length === 1 ? 'both' : 'all of them'} sends these rows to Batch twice. Sync only one of them, for example by naming it in "table".`,
    );
  }
  return warnings;
}

/**
 * Creates a warning for each query that selects from the table of the configuration, directly or through views. If `where` is set,
 * there is no warning, because the user has probably split the rows between the table and the queries.
 */
export async function findRowsOfTableInQueries(
  clickhouse: ClickHouse,
  { database, table: name, where, queries }: Pick<SourceConfiguration, 'database' | 'table' | 'where' | 'queries'>,
): Promise<string[]> {
  if (name === undefined || where !== undefined || queries.length === 0) return [];
  // A query may have the same name as a table. An empty database name keeps the two apart, because no real database has one.
  const definitions = queries.map((query) => ({
    database: '',
    name: query.name,
    engine: 'View',
    holder: undefined,
    selectedFrom: findTablesInQuery(query.sql, database),
  }));
  const dependencies = await TableDependencies.load(clickhouse, database, definitions);
  return definitions
    .filter((query) => dependencies.findShared(query, [{ database, name }]).length > 0)
    .map(
      (query) =>
        `The query "${query.name}" selects from "${name}", which is a stream too. Rows that are in both are sent to Batch twice. Leave out one of them, or split the rows with conditions.`,
    );
}
