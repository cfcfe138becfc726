import type { AirbyteStream } from '../../protocol/messages.ts';
import { limitWarnings } from '../check/warnings.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { buildColumnSchema } from '../schema/json-schema.ts';
import { findMissingColumns } from '../schema/required-columns.ts';
import { listTables, type Table } from '../schema/table.ts';
import { listStreams } from './list-streams.ts';
import { explainUnreadable, refuseUnreadable } from './unreadable-engine.ts';

/** The maximum number of unsuitable tables to name in a warning. */
const MAX_NAMED = 3;

/** The maximum number of warnings about streams with the same rows. */
const MAX_WARNINGS = 10;

/** The streams, and warnings. The warnings say which streams have the same rows or, if there are no streams, why. */
type Discovered = { streams: AirbyteStream[]; warnings: string[] };

/**
 * Discovers a stream for each table and view that has the required columns and can be read. If the configuration names a table,
 * only that table is considered.
 */
export async function discover(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<Discovered> {
  const { database, table, cursor_column } = configuration;
  if (table !== undefined) {
    const tables = await listTables(clickhouse, database, table);
    const fitting = tables.filter((candidate) => findMissingColumns(candidate, cursor_column).length === 0);
    for (const each of tables) await refuseUnreadable(clickhouse, each);
    return {
      streams: fitting.map((candidate) => buildStream(candidate, cursor_column)),
      warnings: fitting.length > 0 || tables.length === 0 ? [] : [explainNoStreams(tables, database, cursor_column)],
    };
  }
  const { streams, unreadable, tables, warnings } = await listStreams(clickhouse, configuration);
  const nothing =
    unreadable.length > 0
      ? unreadable.slice(0, MAX_NAMED).map(explainUnreadable)
      : tables.length === 0
        ? []
        : [explainNoStreams(tables, database, cursor_column)];
  return {
    streams: streams.map((each) => buildStream(each, cursor_column)),
    warnings: streams.length === 0 ? nothing : limitWarnings(MAX_WARNINGS, warnings),
  };
}

function explainNoStreams(tables: readonly Table[], database: string, cursorColumn: string): string {
  const named = tables
    .slice(0, MAX_NAMED)
    .map((each) => `"${each.name}" lacks ${findMissingColumns(each, cursorColumn).join(', ')}`);
  const others = tables.length - named.length;
  const text = [...named, ...(others > 0 ? [`and ${others} more lack columns, too`] : [])].join('; ');
  return `No table or view in the database "${database}" has the required columns: ${text}.`;
}

/**
 * Builds a stream. Its first sync mode is full_refresh, because some platforms use the first mode by default. It has no primary
 * key: ClickHouse's primary key is a sort order that need not be unique, so a platform that deduplicates by it would delete
 * events.
 */
function buildStream(table: Table, cursorColumn: string): AirbyteStream {
  return {
    name: table.name,
    namespace: table.database,
    json_schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      additionalProperties: true,
      properties: Object.fromEntries(table.columns.map(({ name, type }) => [name, buildColumnSchema(type)])),
    },
    supported_sync_modes: ['full_refresh', 'incremental'],
    source_defined_cursor: true,
    default_cursor_field: [cursorColumn],
    is_resumable: true,
  };
}
