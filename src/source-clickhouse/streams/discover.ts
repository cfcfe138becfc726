import { ConnectorError } from '../../protocol/errors.ts';
import { type AirbyteStream, formatError } from '../../protocol/messages.ts';
import { findStreams } from '../check/check.ts';
import { limitWarnings } from '../check/warnings.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { buildColumnSchema } from '../schema/json-schema.ts';
import { findMissingColumns } from '../schema/required-columns.ts';
import { listTables, type Table } from '../schema/table.ts';
import { listStreams } from './list-streams.ts';
import { refuseUnreadable } from './unreadable-engine.ts';

/** The maximum number of warnings about streams with the same rows. */
const MAX_WARNINGS = 10;

/** The streams, and warnings. The warnings say which streams have the same rows or, if there are no streams, why. */
type Discovered = { streams: AirbyteStream[]; warnings: string[] };

/**
 * Discovers a stream for each table and view that has the required columns and can be read. If the configuration names a table,
 * only that table is considered.
 */
export async function discover(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<Discovered> {
  const { tables, warnings } = await findTables(clickhouse, configuration);
  return {
    streams: tables.map((each) => buildStream(each, configuration.cursor_column)),
    warnings: tables.length === 0 ? await explainNoStreams(clickhouse, configuration) : warnings,
  };
}

async function findTables(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
): Promise<{ tables: Table[]; warnings: string[] }> {
  const { database, table, cursor_column } = configuration;
  if (table === undefined) {
    const { streams, warnings } = await listStreams(clickhouse, configuration);
    return { tables: streams, warnings: limitWarnings(MAX_WARNINGS, warnings) };
  }
  const named = await listTables(clickhouse, database, table);
  for (const each of named) await refuseUnreadable(clickhouse, each);
  return { tables: named.filter((each) => findMissingColumns(each, cursor_column).length === 0), warnings: [] };
}

/** Explains in the words of `check` why there are no streams. A platform would only show an empty list. */
async function explainNoStreams(clickhouse: ClickHouse, configuration: SourceConfiguration): Promise<string[]> {
  try {
    await findStreams(clickhouse, configuration);
    return [];
  } catch (error) {
    if (error instanceof ConnectorError && error.failureType === 'config_error') return [formatError(error)];
    throw error;
  }
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
