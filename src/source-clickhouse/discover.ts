import type { AirbyteStream } from '../protocol/messages.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import type { SourceConfiguration } from './configuration.ts';
import { CURSOR_COLUMN, listTables, missingColumns, type Table } from './table.ts';
import { columnJsonSchema } from './types/json-schema.ts';

/** A stream for each table and view that has the required columns; the one in the configuration, if it names one. */
export async function discover(
  clickhouse: ClickHouse,
  { database, table }: SourceConfiguration,
): Promise<AirbyteStream[]> {
  const tables = await listTables(clickhouse, database, table);
  return tables.filter((candidate) => missingColumns(candidate).length === 0).map(toStream);
}

/**
 * full_refresh stands first because some platforms take the first mode when nobody chose. No primary key is claimed:
 * ClickHouse's is a sort order and not unique, and a platform that deduplicates by it would delete events.
 */
function toStream(table: Table): AirbyteStream {
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
    default_cursor_field: [CURSOR_COLUMN],
    is_resumable: true,
  };
}
