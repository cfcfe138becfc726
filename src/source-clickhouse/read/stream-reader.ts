import { log, type StreamDescriptor, streamStatus } from '../../protocol/messages.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import { storeCursor } from '../check/moving-cursor.ts';
import type { ClickHouse } from '../client/client.ts';
import { sourceError } from '../errors/codes.ts';
import { fetchPages, type PositionedPage, type RowSource } from '../pages/fetch-pages.ts';
import { firstRows } from '../pages/page-cutter.ts';
import { rowSource } from '../pages/row-source.ts';
import { hasAddedColumns, type RowSelection } from '../query/row-query.ts';
import type { TimeWindow } from '../query/time-window.ts';
import type { Table } from '../schema/table.ts';
import { MOST_RECENT_ROWS, RecentRows } from '../state/emitted-rows.ts';
import { StateWriter } from '../state/state-writer.ts';
import type { Position, StreamState } from '../state/stream-state.ts';
import { type UnsentRows, unsentRows } from './dedupe.ts';
import { PROGRESS_INTERVAL_MS, Progress } from './progress.ts';
import type { RowBudget } from './row-limit.ts';

const NOT_KNOWN_AGAIN =
  'None of the rows sent by the last run were found again, and at least as many other rows are in their place, so these were sent. Either a column changes each time it is read, such as now(), rand() or a joined value, and the same happens on every run: compute it when a row is inserted, remove it from the view, or set "lookback_seconds" to 0. Or the table was replaced (EXCHANGE TABLES, DROP and CREATE, a full rebuild by dbt), and its rows before the lookback are never read. Reset the stream to read them; Batch then gets the rows that were sent before a second time.';

function stampedAgain(table: Table, cursorColumn: string): string {
  return `Most rows that the last run delivered are gone, and as many others have a ${cursorColumn} later than the start of this run. Its value is likely computed at each read, so each run sends these rows again. ${storeCursor(table, cursorColumn)}`;
}

export type EmitContext = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'failure'>;
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: write what is begun, the state that it makes true, and end. */
  stop: AbortSignal;
  /** How many rows may be written, by this stream and those behind it. */
  budget: RowBudget;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/**
 * Writes the rows behind a state, as many as the budget has, states between them, and one at the end. A position in a state lies behind rows that
 * are settled: no row can appear before it any more. The rows behind it that were emitted are remembered in the state.
 *
 * @returns words about what was read.
 * @throws ConnectorError; what was written before it, and its states, stay true.
 */
export async function emitRows(
  { clickhouse, output, stop, budget, now }: EmitContext,
  stream: StreamDescriptor,
  selection: RowSelection,
  state: StreamState,
  window: TimeWindow | undefined,
): Promise<string> {
  const cursorColumn = selection.cursor.column.name;
  const recent = new RecentRows(state.recent_rows, window?.recentFrom, window?.now);
  // The recent rows once more, by the hash of all columns.
  const wider = hasAddedColumns(selection) ? new RecentRows(undefined, window?.recentFrom) : undefined;
  const states = new StateWriter(output, stream, state, selection.hashedColumns, recent);
  const progress = new Progress(now);
  const warn = (message: string): Promise<void> => output.write(log('WARN', `${stream.name}: ${message}`));
  // Not awaited there: while the reader of our output is slow, asking again must not wait for it.
  const onRetry = (message: string): void => void warn(message).catch(() => {});
  // Rows that were emitted before don't count. There may be so many of them, each once.
  const source = rowSource(clickhouse, selection, budget.left + recent.size, now(), onRetry);

  let rows = 0;
  let settled: Position = { cursor: state.cursor, tie_break: state.tie_break };
  let readUpTo = settled;
  let heldBackFrom: string | undefined;
  let isWaiting = true;
  const tell = async (more = ''): Promise<void> => {
    const words = progress.words(rows, readUpTo.cursor, window !== undefined);
    if (words !== undefined) await output.write(log('INFO', `${stream.name}: ${words}${more}.`));
  };
  // A long sort sends nothing. That it is waited for is told to a person, and so is seen whether there is still one.
  const timer = setInterval(() => {
    if (isWaiting) tell(', waiting for the server').catch(() => {});
  }, PROGRESS_INTERVAL_MS);
  try {
    for await (const page of fetchPages(source, settled, stop)) {
      isWaiting = false;
      const unsent = rowsToWrite(page, readUpTo, { source, cursorColumn, recent, wider, most: budget.left });
      if (rows === 0 && unsent.rows > 0) await output.write(streamStatus(stream, 'RUNNING', now()));
      await output.writeOut(unsent.lines);
      rows += unsent.rows;
      budget.spend(unsent.rows);
      states.count(unsent.rows, unsent.lines.length);
      settled = settledPosition(settled, unsent.position, unsent, recent);
      readUpTo = unsent.position;
      heldBackFrom = unsent.heldBackFrom;
      if (stop.aborted || budget.isSpent || heldBackFrom !== undefined) break;
      if (states.isDue) await states.write(settled);
      await tell();
      isWaiting = true;
    }
  } catch (error) {
    // What was written stays true: the next run need not send it again. Rows of a page that was not written may be
    // remembered already.
    if (isWaiting && states.hasNews) await states.write(settled);
    throw error;
  } finally {
    clearInterval(timer);
  }
  if (stop.aborted || budget.isSpent) {
    if (states.hasNews) await states.write(settled);
  } else {
    const hasEnded = heldBackFrom === undefined;
    if (wider !== undefined && isDoneWith(recent, wider, settled, hasEnded)) {
      await states.writeWith(selection.table.columns, wider, settled.cursor);
    } else {
      await states.write(hasEnded ? endedPosition(settled) : settled);
    }
    // Two runs within a second can be both, and only the cursor has a remedy that is of use then.
    if (recent.areStampedAgain) await warn(stampedAgain(selection.table, cursorColumn));
    else if (recent.areAllOthers) await warn(NOT_KNOWN_AGAIN);
    if (heldBackFrom !== undefined) await warn(heldBack(heldBackFrom, cursorColumn, window));
  }
  return progress.total(rows);
}

type Taking = {
  source: Pick<RowSource<Position>, 'positionAfter'>;
  cursorColumn: string;
  recent: RecentRows;
  wider: RecentRows | undefined;
  /** So many rows at the most. */
  most: number;
};

/**
 * What is to be written of a page that follows the position `after`: all of it, unless rows may have been sent before or
 * there are more than may be written. `position` lies behind the last row that was looked at.
 */
function rowsToWrite(
  page: PositionedPage<Position>,
  after: Position,
  { source, cursorColumn, recent, wider, most }: Taking,
): UnsentRows & { position: Position } {
  const cut = (rows: number): PositionedPage<Position> => {
    const first = firstRows(page, rows);
    return { ...first, position: source.positionAfter(first, after) };
  };
  const { cursor } = page.position;
  if (cursor !== null && recent.concern(after.cursor, cursor)) {
    const unsent = unsentRows(page.lines, cursorColumn, { recent, wider }, most);
    const isCut = unsent.heldBackFrom === undefined && unsent.lookedAt < page.rows;
    return { ...unsent, position: isCut ? cut(unsent.lookedAt).position : page.position };
  }
  const { lines, rows, position } = page.rows <= most ? page : cut(most);
  return { lines, rows, settledUpTo: position.cursor ?? undefined, heldBackFrom: undefined, position };
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

/**
 * Whether hashes that lack columns are of no more use, so that the next run may go by those of all columns: no position
 * in a group has to be told by them, and every row that was remembered by them has been met, or is gone.
 */
function isDoneWith(
  recent: RecentRows,
  wider: RecentRows,
  { cursor, tie_break }: Position,
  hasEnded: boolean,
): boolean {
  if (!hasEnded) return tie_break === undefined && wider.size === recent.size;
  return tie_break === undefined || cursor === null || !recent.isRecent(cursor);
}

/** The position behind the last row of an answer that ended. */
function endedPosition({ cursor, tie_break }: Position): Position {
  return tie_break === undefined ? { cursor } : { cursor, tie_break: { ...tie_break, ended: true } };
}

/** What is told of rows that there was no memory for. @throws ConnectorError when time alone does not help. */
function heldBack(cursor: string, cursorColumn: string, window: TimeWindow | undefined): string {
  const seen = `More than ${MOST_RECENT_ROWS} rows would have to be remembered, which is all that a state may hold`;
  if (window !== undefined && cursor > window.now) {
    throw sourceError(
      'cursor_in_future',
      `${seen}, as their ${cursorColumn} lies in the future (${cursor}; the server's clock says ${window.now}). It does not tell when a row was inserted. Name another column in "cursor_column", or set "lookback_seconds" to 0: rows are then read when their time has come.`,
    );
  }
  return `${seen}. Those from ${cursor} on are read by a later run, when they are older than the lookback. If that is too late for so many rows, lower "lookback_seconds" to the time that your longest INSERT takes.`;
}
