import { ConnectorError } from '../protocol/failure.ts';
import { log, type StreamDescriptor, stateLine, streamStatus } from '../protocol/messages.ts';
import type { MessageOutput } from '../protocol/output.ts';
import type { ClickHouse } from './clickhouse-client.ts';
import { fetchPages, type PositionedPage, type RowSource } from './fetch-pages.ts';
import { Progress } from './progress.ts';
import { MOST_RECENT_ROWS, RecentRows } from './recent-rows.ts';
import { cursorInLine } from './row-line.ts';
import { type RowSelection, rowQuery } from './row-query.ts';
import type { Position, StreamState } from './stream-state.ts';
import type { TimeWindow } from './time-window.ts';
import { type UnsentRows, unsentRows } from './unsent-rows.ts';

/** Bytes of the state that a remembered row takes. A state is written when the rows since the last one have as many. */
const BYTES_PER_RECENT_ROW = 11;

export type EmitContext = {
  clickhouse: ClickHouse;
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: write what is begun, the state that it makes true, and end. */
  stop: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/**
 * Writes the rows behind a state, states between them, and one at the end. A position in a state lies behind rows that
 * are settled: no row can appear before it any more. The rows behind it that were emitted are remembered in the state.
 *
 * @returns words about what was read.
 * @throws ConnectorError; what was written before it, and its states, stay true.
 */
export async function emitRows(
  { clickhouse, output, stop, now }: EmitContext,
  stream: StreamDescriptor,
  selection: RowSelection,
  state: StreamState,
  window: TimeWindow | undefined,
): Promise<string> {
  const cursorColumn = selection.cursor.column.name;
  const recent = new RecentRows(state.recent_rows, window?.recentFrom);
  const progress = new Progress(now);
  const warn = (message: string): Promise<void> => output.write(log('WARN', `${stream.name}: ${message}`));
  const hashed_columns = selection.hashedColumns.map(({ name, type }): [string, string] => [name, type.name]);
  const source = rowSource(clickhouse, selection, now(), (message) => {
    // Not awaited: while the reader of our output is slow, asking again must not wait for it.
    warn(message).catch(() => {});
  });

  let rows = 0;
  let settled: Position = { cursor: state.cursor, tie_break: state.tie_break };
  let readUpTo = state.cursor;
  let heldBackFrom: string | undefined;
  const sinceState = { rows: 0, bytes: 0 };
  const writeState = async (): Promise<void> => {
    const recent_rows = recent.stored(settled.cursor);
    const hasHashes = settled.tie_break !== undefined || recent_rows !== undefined;
    const { recent_rows: _, hashed_columns: __, tie_break: ___, ...rest } = state;
    const written = { ...rest, ...settled, recent_rows, hashed_columns: hasHashes ? hashed_columns : undefined };
    await output.writeBytes(stateLine(stream, written, sinceState.rows));
    sinceState.rows = 0;
    sinceState.bytes = 0;
  };

  for await (const page of fetchPages(source, settled, stop)) {
    const unsent = rowsToWrite(page, readUpTo, cursorColumn, recent);
    if (rows === 0 && unsent.rows > 0) await output.write(streamStatus(stream, 'RUNNING', now()));
    await output.writeOut(unsent.lines);
    rows += unsent.rows;
    sinceState.rows += unsent.rows;
    sinceState.bytes += unsent.lines.length;
    settled = settledPosition(settled, page.position, unsent, recent);
    heldBackFrom = unsent.heldBackFrom;
    if (stop.aborted || heldBackFrom !== undefined) break;
    readUpTo = page.position.cursor;
    if (sinceState.rows > 0 && sinceState.bytes >= BYTES_PER_RECENT_ROW * recent.size) await writeState();
    const words = progress.words(rows, readUpTo, window !== undefined);
    if (words !== undefined) await output.write(log('INFO', `${stream.name}: ${words}.`));
  }
  if (stop.aborted) {
    if (sinceState.rows > 0) await writeState();
    return progress.total(rows);
  }
  const { cursor, tie_break } = settled;
  if (heldBackFrom === undefined && tie_break !== undefined)
    settled = { cursor, tie_break: { ...tie_break, ended: true } };
  await writeState();
  if (heldBackFrom !== undefined) await warn(heldBack(heldBackFrom, cursorColumn, window));
  return progress.total(rows);
}

/** The rows of a stream, as the server's answers to queries for those behind a position. */
function rowSource(
  clickhouse: ClickHouse,
  selection: RowSelection,
  emittedAt: number,
  warn: (message: string) => void,
): RowSource<Position> {
  return {
    open: (after, signal) => {
      const { query, parameters } = rowQuery(selection, after, emittedAt);
      return clickhouse.bytes(query, parameters, signal);
    },
    rowsToDrop: ({ tie_break }) => tie_break && { rowHash: tie_break.row_hash, rows: tie_break.rows },
    positionAfter: (page, before) => {
      const alike =
        before.tie_break?.row_hash === page.lastRowHash && page.rowsWithLastHash === page.rows
          ? before.tie_break.rows
          : 0;
      return {
        cursor: cursorInLine(page.lastLine, selection.cursor.column.name),
        tie_break: { row_hash: page.lastRowHash, rows: alike + page.rowsWithLastHash },
      };
    },
    failure: (error) => clickhouse.failure(error),
    isTransient: (error) => error instanceof ConnectorError && error.failureType === 'transient_error',
    onRetry: (error) => warn(`${error.message} Asking again for the rows behind the last page.`),
  };
}

/** What is to be written of a page that follows the cursor `after`: all of it, unless rows may have been sent before. */
function rowsToWrite(
  page: PositionedPage<Position>,
  after: string | null,
  cursorColumn: string,
  recent: RecentRows,
): UnsentRows {
  const { cursor } = page.position;
  if (cursor !== null && recent.concern(after, cursor)) return unsentRows(page.lines, cursorColumn, recent);
  return { lines: page.lines, rows: page.rows, settledUpTo: cursor ?? undefined, heldBackFrom: undefined };
}

/** The last position behind settled rows, after a page that ends at `position`. */
function settledPosition(
  before: Position,
  position: Position,
  { settledUpTo, heldBackFrom }: UnsentRows,
  recent: RecentRows,
): Position {
  const seen = heldBackFrom ?? position.cursor;
  if (seen !== null && !recent.isRecent(seen)) return position;
  // A later row has been seen, so the group of the settled one is whole.
  if (settledUpTo !== undefined) return { cursor: settledUpTo };
  return seen === before.cursor ? before : { cursor: before.cursor };
}

/** What is told of rows that there was no memory for. @throws ConnectorError when time alone does not help. */
function heldBack(cursor: string, cursorColumn: string, window: TimeWindow | undefined): string {
  const seen = `More than ${MOST_RECENT_ROWS} rows would have to be remembered, which is all that a state may hold`;
  if (window !== undefined && cursor > window.now) {
    throw new ConnectorError(
      'config_error',
      `${seen}, as their ${cursorColumn} lies in the future (${cursor}; the server's clock says ${window.now}). It does not tell when a row was inserted. Name another column in "cursor_column", or set "lookback_seconds" to 0: rows are then read when their time has come.`,
    );
  }
  return `${seen}. Those from ${cursor} on are read by a later run, when they are older than the lookback. If that is too late for so many rows, lower "lookback_seconds" to the time that your longest INSERT takes.`;
}
