import type { AirbyteStream } from '../protocol/messages.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import type { SourceConfiguration } from './configuration.ts';
import { listTables, missingColumns, type Table } from './table.ts';
import { columnJsonSchema } from './types/json-schema.ts';

/** Of tables that do not fit, so many are named. */
const MOST_NAMED = 3;

/** What is found: streams, or what is missing when there are none. */
type Discovered = { streams: AirbyteStream[]; missing: string | undefined };

/** A stream for each table and view that has the required columns; the one in the configuration, if it names one. */
export async function discover(
  clickhouse: ClickHouse,
  { database, table, cursor_column }: SourceConfiguration,
): Promise<Discovered> {
  const tables = await listTables(clickhouse, database, table);
  const fitting = tables.filter((candidate) => missingColumns(candidate, cursor_column).length === 0);
  return {
    streams: fitting.map((candidate) => toStream(candidate, cursor_column)),
    missing: fitting.length > 0 || tables.length === 0 ? undefined : missingText(tables, database, cursor_column),
  };
}

function missingText(tables: readonly Table[], database: string, cursorColumn: string): string {
  const named = tables
    .slice(0, MOST_NAMED)
    .map((each) => `"${each.name}" lacks ${missingColumns(each, cursorColumn).join(', ')}`);
  const others = tables.length - named.length;
  const text = [...named, ...(others > 0 ? [`and so it is with ${others} more`] : [])].join('; ');
  return `No table or view in the database "${database}" has the columns that are needed: ${text}.`;
}

/**
 * full_refresh stands first because some platforms take the first mode when nobody chose. No primary key is claimed:
 * ClickHouse's is a sort order and not unique, and a platform that deduplicates by it would delete events.
 */
function toStream(table: Table, cursorColumn: string): AirbyteStream {
  return {
    name: table.name,
    namespace: table.database,
    json_schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      additionalProperties: true,
      properties: Object.fromEntries(table.columns.map(({ name, type }) => [name, columnJsonSchema(type)])),
    },
    supported_sync_modes: ['full_refresh', 'incremental'],
    source_defined_cursor: true,
    default_cursor_field: [cursorColumn],
    is_resumable: true,
  };
}
