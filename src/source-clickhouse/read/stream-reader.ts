import { log, type StreamDescriptor, streamStatus } from '../../protocol/messages.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import { adviseStoredCursor } from '../check/moving-cursor.ts';
import type { ClickHouse } from '../client/client.ts';
import { sourceError } from '../errors/codes.ts';
import { fetchPages } from '../pages/fetch-pages.ts';
import { cutPage, type PositionedPage } from '../pages/positioned-page.ts';
import { hasAddedColumns, type RowSelection } from '../query/row-query.ts';
import type { TimeWindow } from '../query/time-window.ts';
import type { Table } from '../schema/table.ts';
import { EmittedRows, MAX_EMITTED_ROWS } from '../state/emitted-rows.ts';
import {
  cursorOf,
  isInsideGroup,
  leaveGroup,
  markGroupEnded,
  type Position,
  type PositionAtRow,
} from '../state/position.ts';
import { StateWriter } from '../state/state-writer.ts';
import type { StreamState } from '../state/stream-state.ts';
import { dropEmitted, type NewRows } from './dedupe.ts';
import { PROGRESS_INTERVAL_MS, Progress } from './progress.ts';
import type { RowLimit } from './row-limit.ts';

const ROWS_NOT_REPRODUCIBLE =
  'None of the rows sent by the last run were found again, and at least as many other rows are in their place, so these were sent. Either a column changes each time it is read, such as now(), rand() or a joined value, and the same happens on every run: compute it when a row is inserted, remove it from the view, or set "lookback_seconds" to 0. Or the table was replaced (EXCHANGE TABLES, DROP and CREATE, a full rebuild by dbt), and its rows before the lookback are never read. Reset the stream to read them; Batch then gets the rows that were sent before a second time.';

function describeRestampedRows(table: Table, cursorColumn: string): string {
  return `Most rows that the last run delivered are gone, and as many others have a ${cursorColumn} later than the start of this run. Its value is likely computed at each read, so each run sends these rows again. ${adviseStoredCursor(table, cursorColumn)}`;
}

export type StreamContext = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>;
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: write what is begun, the state that it makes true, and end. */
  stop: AbortSignal;
  /** How many rows may be written, by this stream and those behind it. */
  rowLimit: RowLimit;
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
export async function readStreamRows(
  { clickhouse, output, stop, rowLimit, now }: StreamContext,
  stream: StreamDescriptor,
  selection: RowSelection,
  state: StreamState,
  window: TimeWindow | undefined,
): Promise<string> {
  const cursorColumn = selection.cursor.column.name;
  const emitted = new EmittedRows(state.recent_rows, window?.lookbackStart, window?.now);
  // The recent rows once more, by the hash of all columns.
  const emittedByFullHash = hasAddedColumns(selection) ? new EmittedRows(undefined, window?.lookbackStart) : undefined;
  const states = new StateWriter(output, stream, state, selection.hashedColumns, emitted);
  const progress = new Progress(now);
  const warn = (message: string): Promise<void> => output.write(log('WARN', `${stream.name}: ${message}`));
  // Not awaited there: while the reader of our output is slow, asking again must not wait for it.
  const onRetry = (message: string): void => void warn(message).catch(() => {});
  // Rows that were emitted before don't count. There may be so many of them, each once.
  const maxRows = rowLimit.remaining + emitted.size;
  const source = { clickhouse, selection, maxRows, emittedAt: now(), warn: onRetry };

  let rows = 0;
  let checkpoint = state.position;
  let readUpTo = checkpoint;
  let overflowCursor: string | undefined;
  let isWaiting = true;
  const logProgress = async (more = ''): Promise<void> => {
    const words = progress.describe(rows, cursorOf(readUpTo), window !== undefined);
    if (words !== undefined) await output.write(log('INFO', `${stream.name}: ${words}${more}.`));
  };
  // A long sort sends nothing. That it is waited for is told to a person, and so is seen whether there is still one.
  const timer = setInterval(() => {
    if (isWaiting) logProgress(', waiting for the server').catch(() => {});
  }, PROGRESS_INTERVAL_MS);
  try {
    for await (const page of fetchPages(source, checkpoint, stop)) {
      isWaiting = false;
      const unsent = selectNewRows(page, readUpTo, {
        cursorColumn,
        emitted,
        emittedByFullHash,
        maxRows: rowLimit.remaining,
      });
      if (rows === 0 && unsent.rows > 0) await output.write(streamStatus(stream, 'RUNNING', now()));
      await output.writeOut(unsent.lines);
      rows += unsent.rows;
      rowLimit.count(unsent.rows);
      states.count(unsent.rows, unsent.lines.length);
      checkpoint = nextCheckpoint(checkpoint, unsent.position, unsent, emitted);
      readUpTo = unsent.position;
      overflowCursor = unsent.overflowCursor;
      if (stop.aborted || rowLimit.isReached || overflowCursor !== undefined) break;
      if (states.isDue) await states.write(checkpoint);
      await logProgress();
      isWaiting = true;
    }
  } catch (error) {
    // What was written stays true: the next run need not send it again. Rows of a page that was not written may be
    // remembered already.
    if (isWaiting && states.hasUncoveredRows) await states.write(checkpoint);
    throw error;
  } finally {
    clearInterval(timer);
  }
  if (stop.aborted || rowLimit.isReached) {
    if (states.hasUncoveredRows) await states.write(checkpoint);
  } else {
    const hasEnded = overflowCursor === undefined;
    if (emittedByFullHash !== undefined && canSwitchToFullHashes(emitted, emittedByFullHash, checkpoint, hasEnded)) {
      await states.writeByHashesOf(selection.table.columns, emittedByFullHash, checkpoint);
    } else {
      await states.write(hasEnded ? markGroupEnded(checkpoint) : checkpoint);
    }
    // Two runs within a second can be both, and only the cursor has a remedy that is of use then.
    if (emitted.areRestamped) await warn(describeRestampedRows(selection.table, cursorColumn));
    else if (emitted.noneSeenAgain) await warn(ROWS_NOT_REPRODUCIBLE);
    if (overflowCursor !== undefined) await warn(describeOverflow(overflowCursor, cursorColumn, window));
  }
  return progress.describeTotal(rows);
}

type Taking = {
  cursorColumn: string;
  emitted: EmittedRows;
  emittedByFullHash: EmittedRows | undefined;
  /** So many rows at the most. */
  maxRows: number;
};

/**
 * What is to be written of a page that follows the position `after`: all of it, unless rows may have been sent before or
 * there are more than may be written. `position` lies behind the last row that was looked at.
 */
function selectNewRows(
  page: PositionedPage,
  after: Position,
  { cursorColumn, emitted, emittedByFullHash, maxRows }: Taking,
): NewRows & { position: PositionAtRow } {
  if (emitted.mustExamine(cursorOf(after), page.position.cursor)) {
    const unsent = dropEmitted(page.lines, cursorColumn, { emitted, emittedByFullHash }, maxRows);
    const isCut = unsent.overflowCursor === undefined && unsent.examined < page.rows;
    const { position } = isCut ? cutPage(page, unsent.examined, after, cursorColumn) : page;
    return { ...unsent, position };
  }
  const { lines, rows, position } = cutPage(page, maxRows, after, cursorColumn);
  return { lines, rows, lastBeforeLookback: position.cursor, overflowCursor: undefined, position };
}

/** The last position behind settled rows, after a page that ends at `position`. */
function nextCheckpoint(
  before: Position,
  position: PositionAtRow,
  { lastBeforeLookback, overflowCursor }: NewRows,
  emitted: EmittedRows,
): Position {
  const seen = overflowCursor ?? position.cursor;
  if (!emitted.isInLookback(seen)) return position;
  // A later row has been seen, so the group of the settled one is whole.
  if (lastBeforeLookback !== undefined) return { kind: 'after-group', cursor: lastBeforeLookback };
  return seen === cursorOf(before) ? before : leaveGroup(before);
}

/**
 * Whether hashes that lack columns are of no more use, so that the next run may go by those of all columns: no position
 * in a group has to be told by them, and every row that was remembered by them has been met, or is gone.
 */
function canSwitchToFullHashes(
  emitted: EmittedRows,
  emittedByFullHash: EmittedRows,
  checkpoint: Position,
  hasEnded: boolean,
): boolean {
  if (!hasEnded) return !isInsideGroup(checkpoint) && emittedByFullHash.size === emitted.size;
  return !isInsideGroup(checkpoint) || !emitted.isInLookback(checkpoint.cursor);
}

/** What is told of rows that there was no memory for. @throws ConnectorError when time alone does not help. */
function describeOverflow(cursor: string, cursorColumn: string, window: TimeWindow | undefined): string {
  const seen = `More than ${MAX_EMITTED_ROWS} rows would have to be remembered, which is all that a state may hold`;
  if (window !== undefined && cursor > window.now) {
    throw sourceError(
      'cursor_in_future',
      `${seen}, as their ${cursorColumn} lies in the future (${cursor}; the server's clock says ${window.now}). It does not tell when a row was inserted. Name another column in "cursor_column", or set "lookback_seconds" to 0: rows are then read when their time has come.`,
    );
  }
  return `${seen}. Those from ${cursor} on are read by a later run, when they are older than the lookback. If that is too late for so many rows, lower "lookback_seconds" to the time that your longest INSERT takes.`;
}
