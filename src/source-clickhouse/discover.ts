import type { AirbyteStream } from '../protocol/messages.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import type { SourceConfiguration } from './configuration.ts';
import { listTables, missingColumns, type Table } from './table.ts';
import { columnJsonSchema } from './types/json-schema.ts';

/** A stream for each table and view that has the required columns; the one in the configuration, if it names one. */
export async function discover(
  clickhouse: ClickHouse,
  { database, table, cursor_column }: SourceConfiguration,
): Promise<AirbyteStream[]> {
  const tables = await listTables(clickhouse, database, table);
  return tables
    .filter((candidate) => missingColumns(candidate, cursor_column).length === 0)
    .map((candidate) => toStream(candidate, cursor_column));
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
