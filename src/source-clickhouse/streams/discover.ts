import { ConnectorError } from '../../protocol/errors.ts';
import { type AirbyteStream, formatError } from '../../protocol/messages.ts';
import { findStreams } from '../check/check.ts';
import { limitWarnings } from '../check/warnings.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { buildColumnSchema } from '../schema/json-schema.ts';
import { defaultUse, hasColumn, type RowKind } from '../schema/required-columns.ts';
import type { Table } from '../schema/table.ts';
import { findRowsOfTableInQueries, listStreams } from './list-streams.ts';
import { findTable, listNames } from './named-streams.ts';
import { refuseUnreadable } from './unreadable-engine.ts';

/** The maximum number of warnings about streams with the same rows. */
const MAX_WARNINGS = 10;

type Discovered = {
  streams: AirbyteStream[];
  /** Warnings about streams that have the same rows, about configured streams that are missing, or why there are no streams. */
  warnings: string[];
};

type Options = {
  /** Whether it is an error if there are no streams. Otherwise, the catalog is empty, and a warning says why. */
  requireStreams?: boolean;
  /** Which tables and views are streams, if the configuration names none. */
  kind?: RowKind;
};

/**
 * Discovers a stream for each table and view that has the required columns and can be read. If the configuration names a table
 * or queries, only these are considered.
 *
 * @throws ConnectorError with the message of `check`.
 */
export async function discover(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  { requireStreams = false, kind = 'event' }: Options = {},
): Promise<Discovered> {
  const { tables, warnings } = await findTables(clickhouse, configuration, kind);
  const reason = tables.length === 0 ? await explainNoStreams(clickhouse, configuration, kind) : undefined;
  if (requireStreams && reason !== undefined) throw reason;
  return {
    streams: tables.map((each) => buildStream(each, configuration.cursor_column)),
    warnings: reason === undefined ? warnings : [formatError(reason)],
  };
}

async function findTables(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  kind: RowKind,
): Promise<{ tables: Table[]; warnings: string[] }> {
  const names = listNames(configuration);
  if (names.length === 0) {
    const { streams, warnings } = await listStreams(clickhouse, configuration, kind);
    return { tables: streams, warnings: limitWarnings(MAX_WARNINGS, warnings) };
  }
  const tables: Table[] = [];
  for (const name of names) {
    const table = await findTable(clickhouse, configuration, name);
    if (table !== undefined && table.query === undefined) await refuseUnreadable(clickhouse, table);
    if (table !== undefined && hasColumn(table, configuration.cursor_column)) tables.push(table);
  }
  const missing = names.filter((name) => !tables.some((table) => table.name === name));
  const warnings = await findRowsOfTableInQueries(clickhouse, configuration);
  return { tables, warnings: [...warnings, ...missing.map(describeMissing)] };
}

function describeMissing(name: string): string {
  return `"${name}" is not a stream: it does not exist, or lacks the cursor column. Run check: it reports what is missing.`;
}

/** Explains why there are no streams, with the message of `check`. Without it, a platform would only show an empty list. */
async function explainNoStreams(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  kind: RowKind,
): Promise<ConnectorError | undefined> {
  try {
    await findStreams(clickhouse, configuration, () => defaultUse(kind), kind);
    return undefined;
  } catch (error) {
    if (error instanceof ConnectorError && error.failureType === 'config_error') return error;
    throw error;
  }
}

/**
 * Builds a stream. Its first sync mode is full_refresh, because some platforms use the first mode by default. The stream has no
 * primary key, because ClickHouse's primary key is a sort order that need not be unique. A platform that deduplicates by it would
 * delete events.
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
