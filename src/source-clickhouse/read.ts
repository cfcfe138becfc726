import type { ConfiguredCatalog, ConfiguredStream } from '../protocol/catalog.ts';
import { asConnectorError, ConnectorError } from '../protocol/failure.ts';
import { errorTrace, log, type StreamDescriptor, stateLine, streamStatus } from '../protocol/messages.ts';
import { type MessageOutput, OutputClosedError } from '../protocol/output.ts';
import type { InputState } from '../protocol/state.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import type { SourceConfiguration } from './configuration.ts';
import { fetchPages } from './fetch-pages.ts';
import { cursorInLine } from './row-line.ts';
import { type RowSelection, rowQuery } from './row-query.ts';
import { selectRows } from './row-selection.ts';
import { startingState } from './starting-state.ts';
import type { StreamState } from './stream-state.ts';
import { columnsFingerprint } from './table.ts';

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
    const warn = (message: string): Promise<void> => output.write(log('WARN', message));
    const selection = await selectRows(context.clickhouse, context.configuration, configured, stream, warn);
    const stored = configured.sync_mode === 'incremental' ? state.of(stream) : undefined;
    const start = await startingState(selection, stream, stored, warn);
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
          ...start,
          cursor: cursorInLine(page.lastLine, start.cursor_column),
          tie_break: { row_hash: page.lastRowHash, rows: alike + page.rowsWithLastHash, hashed_columns },
        };
      },
      failure: (error) => clickhouse.failure(error),
      isTransient: (error) => error instanceof ConnectorError && error.failureType === 'transient_error',
      onRetry: (error) => {
        // Not awaited: while the reader of our output is slow, asking again must not wait for it.
        output
          .write(log('WARN', `${stream.name}: ${error.message} Asking again for the rows behind the last page.`))
          .catch(() => {});
      },
    },
    start,
    stop,
  );

  let rows = 0;
  let state = start;
  for await (const page of pages) {
    if (rows === 0) await output.write(streamStatus(stream, 'RUNNING', now()));
    await output.writeOut(page.lines);
    await output.writeBytes(stateLine(stream, page.position, page.rows));
    rows += page.rows;
    state = page.position;
    if (stop.aborted) return rows;
  }
  if (stop.aborted) return rows;
  // The last group has been read whole: the next run starts behind its cursor.
  const { tie_break, ...whole } = state;
  await output.writeBytes(stateLine(stream, whole, 0));
  return rows;
}
