import type { ConfiguredCatalog, ConfiguredStream } from '../protocol/catalog.ts';
import { asConnectorError, ConnectorError } from '../protocol/failure.ts';
import { errorTrace, log, type StreamDescriptor, stateLine, streamStatus } from '../protocol/messages.ts';
import { type MessageOutput, OutputClosedError } from '../protocol/output.ts';
import type { InputState } from '../protocol/state.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import type { SourceConfiguration } from './configuration.ts';
import { cursorCodec } from './cursor.ts';
import { fetchPages } from './fetch-pages.ts';
import { cursorInLine } from './row-line.ts';
import { type RowSelection, rowQuery } from './row-query.ts';
import { parseStreamState, type StreamState } from './stream-state.ts';
import {
  CURSOR_COLUMN,
  columnsFingerprint,
  listTables,
  missingColumns,
  REQUIRED_COLUMNS,
  type Table,
} from './table.ts';

export type ReadContext = {
  clickhouse: ClickHouse;
  configuration: SourceConfiguration;
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: write what is begun, the state that it makes true, and end. */
  stop: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/**
 * Reads the configured streams one after the other. A stream that fails is reported (TRACE ERROR, INCOMPLETE) and the
 * next one goes on.
 *
 * @returns whether every stream was read to its end.
 */
export async function read(context: ReadContext, catalog: ConfiguredCatalog, state: InputState): Promise<boolean> {
  let complete = true;
  for (const configured of catalog.streams) {
    if (context.stop.aborted) return false;
    complete = (await readStream(context, configured, state)) && complete;
  }
  return complete;
}

async function readStream(context: ReadContext, configured: ConfiguredStream, state: InputState): Promise<boolean> {
  const { output, now } = context;
  const stream = {
    name: configured.stream.name,
    namespace: configured.stream.namespace ?? context.configuration.database,
  };
  await output.write(streamStatus(stream, 'STARTED', now()));
  try {
    const selection = await selectRows(context, configured, stream);
    const stored = configured.sync_mode === 'incremental' ? state.of(stream) : undefined;
    const start = await startingState(context, selection, stream, stored);
    const rows = await emitRows(context, stream, selection, start);
    const complete = !context.stop.aborted;
    await output.write(log('INFO', `${stream.name}: ${rows} rows read${complete ? '' : ', stopped before the end'}.`));
    await output.write(streamStatus(stream, complete ? 'COMPLETE' : 'INCOMPLETE', now()));
    return complete;
  } catch (error) {
    if (error instanceof OutputClosedError) throw error;
    await output.write(errorTrace(asConnectorError(error), now(), stream));
    await output.write(streamStatus(stream, 'INCOMPLETE', now()));
    return false;
  }
}

async function selectRows(
  { clickhouse, configuration, output }: ReadContext,
  configured: ConfiguredStream,
  stream: Required<StreamDescriptor>,
): Promise<RowSelection> {
  if (stream.namespace !== configuration.database) {
    throw new ConnectorError(
      'config_error',
      `The catalog asks for "${stream.name}" of the database "${stream.namespace}", but the configuration names "${configuration.database}". Refresh the schema (discover).`,
    );
  }
  const table = (await listTables(clickhouse, configuration.database, stream.name)).at(0);
  if (table === undefined) {
    throw new ConnectorError(
      'config_error',
      `There is no table or view "${stream.name}" in the database "${configuration.database}" that "${configuration.username}" may read. It was dropped, renamed, or the user lacks SELECT on it. Refresh the schema (discover).`,
    );
  }
  const missing = missingColumns(table);
  if (missing.length > 0) {
    throw new ConnectorError(
      'config_error',
      `"${stream.name}" has no column ${missing.join(', ')}. Run check: it proposes a view that has them.`,
    );
  }
  return { table, columns: await selectedColumns(table, configured, output), cursor: cursorOf(table) };
}

/** The columns in the catalog's schema, as platforms let users leave some out; without a schema, all of them. */
async function selectedColumns(
  table: Table,
  configured: ConfiguredStream,
  output: MessageOutput,
): Promise<Table['columns']> {
  const wanted = configured.stream.json_schema?.properties;
  if (wanted == null || Object.keys(wanted).length === 0) return table.columns;
  const gone = Object.keys(wanted).filter((name) => !table.columns.some((column) => column.name === name));
  if (gone.length > 0) {
    await output.write(
      log(
        'WARN',
        `${table.name} no longer has ${gone.join(', ')}, which the catalog names. Refresh the schema (discover).`,
      ),
    );
  }
  const required: readonly string[] = REQUIRED_COLUMNS;
  return table.columns.filter(({ name }) => name in wanted || required.includes(name));
}

function cursorOf(table: Table): RowSelection['cursor'] {
  const column = table.columns.find(({ name }) => name === CURSOR_COLUMN);
  const codec = column === undefined ? undefined : cursorCodec(column.type);
  if (column === undefined || codec === undefined) {
    throw new ConnectorError(
      'config_error',
      `The column ${CURSOR_COLUMN} of "${table.name}" is a ${column?.type.name}, which has no useful order. Make it a DateTime, DateTime64, Date, integer or String, with a view if need be.`,
    );
  }
  return { column, codec };
}

async function startingState(
  { output }: ReadContext,
  { table, cursor }: RowSelection,
  stream: StreamDescriptor,
  stored: Record<string, unknown> | undefined,
): Promise<StreamState> {
  const cursor_type = cursor.column.type.name;
  if (stored === undefined) return { cursor: null, cursor_type };
  const state = parseStreamState(stream.name, stored);
  if (state.cursor !== null && state.cursor_type !== cursor_type) {
    throw new ConnectorError(
      'config_error',
      `The state of "${stream.name}" was written when ${cursor.column.name} was a ${state.cursor_type}; it is a ${cursor_type} now, and the two do not compare. ` +
        'Give the column its type back, or reset the stream: all its rows are then read again.',
    );
  }
  if (state.tie_break !== undefined && state.tie_break.hashed_columns !== columnsFingerprint(table.columns)) {
    await output.write(
      log(
        'WARN',
        `The columns of ${table.name} changed while its rows of ${state.cursor} were half read. Those rows can't be told apart any more and are read again from the first: events with this cursor may be sent twice.`,
      ),
    );
    return beforeGroup(state);
  }
  return state;
}

/** The state before the first row of a half read group: every row with its cursor or a later one is to be read. */
function beforeGroup(state: StreamState): StreamState {
  if (state.tie_break === undefined) return state;
  return { ...state, tie_break: { ...state.tie_break, row_hash: '0', rows: 1 } };
}

/** Writes the rows after `start` and a state after each page, and one at the end. Returns the number of rows. */
async function emitRows(
  { clickhouse, output, stop, now }: ReadContext,
  stream: StreamDescriptor,
  selection: RowSelection,
  start: StreamState,
): Promise<number> {
  const hashed_columns = columnsFingerprint(selection.table.columns);
  const pages = fetchPages<StreamState>(
    {
      open: (after, signal) => {
        const { query, parameters } = rowQuery(selection, after, now());
        return clickhouse.bytes(query, parameters, signal);
      },
      rowsToDrop: ({ tie_break }) => tie_break && { rowHash: tie_break.row_hash, rows: tie_break.rows },
      positionAfter: (page, before) => {
        const alike =
          before.tie_break?.row_hash === page.lastRowHash && page.rowsWithLastHash === page.rows
            ? before.tie_break.rows
            : 0;
        return {
          cursor: cursorInLine(page.lastLine, CURSOR_COLUMN),
          cursor_type: start.cursor_type,
          tie_break: { row_hash: page.lastRowHash, rows: alike + page.rowsWithLastHash, hashed_columns },
        };
      },
      failure: (error) => clickhouse.failure(error),
    },
    start,
    stop,
  );

  let rows = 0;
  let state = start;
  for await (const page of pages) {
    if (rows === 0) await output.write(streamStatus(stream, 'RUNNING', now()));
    for (const lines of page.lines) await output.writeBytes(lines);
    await output.writeBytes(stateLine(stream, page.position, page.rows));
    rows += page.rows;
    state = page.position;
    if (stop.aborted) return rows;
  }
  // The last group has been read whole: the next run starts behind its cursor.
  if (!stop.aborted)
    await output.writeBytes(stateLine(stream, { cursor: state.cursor, cursor_type: state.cursor_type }, 0));
  return rows;
}
