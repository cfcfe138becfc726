import { log, type StreamDescriptor, streamStatus } from '../../protocol/messages.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import { adviseStoredCursor } from '../check/moving-cursor.ts';
import type { ClickHouse } from '../client/client.ts';
import { sourceError } from '../errors/codes.ts';
import { fetchPages } from '../pages/fetch-pages.ts';
import type { PositionedPage } from '../pages/positioned-page.ts';
import type { LookbackWindow } from '../query/lookback-window.ts';
import { hasAddedColumns, type RowSelection } from '../query/row-query.ts';
import type { Table } from '../schema/table.ts';
import { EmittedRows, MAX_EMITTED_ROWS } from '../state/emitted-rows.ts';
import { cursorOf, isInsideGroup, leaveGroup, markGroupEnded, type Position } from '../state/position.ts';
import { StateWriter } from '../state/state-writer.ts';
import type { StreamState } from '../state/stream-state.ts';
import { deduplicate, type NewRows, type RowMemory } from './deduplicate.ts';
import { PROGRESS_INTERVAL_MS, Progress } from './progress.ts';
import type { RowLimit } from './row-limit.ts';

const ROWS_NOT_REPRODUCIBLE =
  'This run found none of the rows that the last run sent, and sent at least as many other rows from the same time. There are three likely causes. If a column changes each time it is read, such as now(), rand() or a joined value, every run sends the rows again. Compute the column when a row is inserted, remove it from the view or query, or set "lookback_seconds" to 0. If the table was replaced (EXCHANGE TABLES, DROP and CREATE, a full rebuild by dbt), its rows before the lookback are never read. To read them, reset the stream. Batch then receives all rows again, also those that it already has. If the SQL of the view or query was changed after the last run, this is expected, and nothing is wrong.';

function describeRestampedRows(table: Table, cursorColumn: string): string {
  return `Most rows that the last run sent are gone, and as many other rows have a ${cursorColumn} after the start of this run. The column is probably computed each time it is read, so every run sends the rows again. ${adviseStoredCursor(table, cursorColumn)}`;
}

export type StreamContext = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>;
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT. The current page and its state are still written. */
  stop: AbortSignal;
  /** The limit for this stream and the streams after it. */
  rowLimit: RowLimit;
  /** Returns the time in milliseconds since the epoch. */
  now: () => number;
};

/** Why a read ended without an error. In each case, the rows and the last state that were written are valid. */
export type End =
  /** All rows have been read. */
  | { kind: 'complete' }
  /** The context's `stop` was aborted. */
  | { kind: 'stopped' }
  /** As many rows were written as the row limit allows. */
  | { kind: 'limit-reached' }
  /** The state can't remember more rows. A later run reads the rows from `overflowCursor` on. */
  | { kind: 'state-full'; overflowCursor: string };

/**
 * Writes the rows after the position in `state`, up to the row limit. Writes states between the rows, and one at the end. No
 * new row can appear before the position in a written state. Each state also remembers the emitted rows after its position.
 *
 * @returns why the read ended, and a summary for the log.
 * @throws ConnectorError. The rows and states that were written before the error remain valid.
 */
export async function readStreamRows(
  context: StreamContext,
  stream: StreamDescriptor,
  selection: RowSelection,
  state: StreamState,
  window: LookbackWindow | undefined,
): Promise<{ end: End['kind']; summary: string }> {
  return new StreamReader(context, stream, selection, state, window).read();
}

class StreamReader {
  readonly #context: StreamContext;
  readonly #stream: StreamDescriptor;
  readonly #selection: RowSelection;
  readonly #window: LookbackWindow | undefined;
  readonly #rowMemory: RowMemory;
  readonly #states: StateWriter;
  readonly #progress: Progress;
  #rows = 0;
  /** The position for the next state. */
  #checkpoint: Position;
  /** The position after the last row that was read. */
  #readUpTo: Position;
  /**
   * Whether the reader is waiting for the next page. If not, the state may already remember rows of a page that has not been
   * written yet, so no state must be written.
   */
  #isWaiting = true;

  constructor(
    context: StreamContext,
    stream: StreamDescriptor,
    selection: RowSelection,
    state: StreamState,
    window: LookbackWindow | undefined,
  ) {
    this.#context = context;
    this.#stream = stream;
    this.#selection = selection;
    this.#window = window;
    const emitted = new EmittedRows(state.recent_rows, window?.lookbackStart, window?.now);
    this.#rowMemory = {
      cursorColumn: selection.cursor.column.name,
      emitted,
      emittedByFullHash: hasAddedColumns(selection) ? new EmittedRows(undefined, window?.lookbackStart) : undefined,
    };
    this.#states = new StateWriter(context.output, stream, state, selection.hashedColumns, emitted);
    this.#progress = new Progress(context.now);
    this.#checkpoint = state.position;
    this.#readUpTo = state.position;
  }

  async read(): Promise<{ end: End['kind']; summary: string }> {
    // The server sends nothing while it sorts. A log line shows that the read is still running. Writing it detects a closed
    // stdout.
    const timer = setInterval(() => {
      if (this.#isWaiting) this.#logProgress(', waiting for the server').catch(() => {});
    }, PROGRESS_INTERVAL_MS);
    let end: End;
    try {
      end = await this.#readPages();
    } catch (error) {
      // The rows that were written are valid. With a state after them, the next run doesn't send them again.
      if (this.#isWaiting) await this.#writeStateIfNeeded();
      throw error;
    } finally {
      clearInterval(timer);
    }
    await this.#finish(end);
    return { end: end.kind, summary: this.#progress.describeTotal(this.#rows) };
  }

  async #readPages(): Promise<End> {
    const { clickhouse, stop, rowLimit, now } = this.#context;
    // Rows that an earlier run emitted don't count toward the row limit. The server may return all of them again, so the
    // query's own limit must include them.
    const maxRows = rowLimit.remaining + this.#rowMemory.emitted.size;
    const source = {
      clickhouse,
      selection: this.#selection,
      maxRows,
      emittedAt: now(),
      // Not awaited: a retry must not wait for a slow reader of our output.
      warn: (message: string) => void this.#warn(message).catch(() => {}),
    };
    for await (const page of fetchPages(source, this.#checkpoint, stop)) {
      this.#isWaiting = false;
      const { overflowCursor } = await this.#writePage(page);
      if (stop.aborted) return { kind: 'stopped' };
      if (rowLimit.isReached) return { kind: 'limit-reached' };
      if (overflowCursor !== undefined) return { kind: 'state-full', overflowCursor };
      if (this.#states.isDue) await this.#states.write(this.#checkpoint);
      await this.#logProgress();
      this.#isWaiting = true;
    }
    return { kind: stop.aborted ? 'stopped' : 'complete' };
  }

  async #writePage(page: PositionedPage): Promise<NewRows> {
    const { output, rowLimit, now } = this.#context;
    const newRows = deduplicate(page, this.#readUpTo, this.#rowMemory, rowLimit.remaining);
    if (this.#rows === 0 && newRows.rows > 0) await output.write(streamStatus(this.#stream, 'RUNNING', now()));
    await output.writeOut(newRows.lines);
    this.#rows += newRows.rows;
    rowLimit.count(newRows.rows);
    this.#states.count(newRows.rows, newRows.lines.length);
    this.#checkpoint = nextCheckpoint(this.#checkpoint, newRows, this.#rowMemory.emitted);
    this.#readUpTo = newRows.position;
    return newRows;
  }

  /** Writes the last state, and warnings. */
  async #finish(end: End): Promise<void> {
    const checkpoint = this.#checkpoint;
    const { emitted, emittedByFullHash } = this.#rowMemory;
    switch (end.kind) {
      case 'stopped':
      case 'limit-reached':
        await this.#writeStateIfNeeded();
        break;
      case 'complete': {
        const isGroupInLookback = isInsideGroup(checkpoint) && emitted.isInLookback(checkpoint.cursor);
        await this.#writeLastState(markGroupEnded(checkpoint), { mustKeepRowHashes: isGroupInLookback });
        await this.#warnOfUnrecognizedRows();
        break;
      }
      case 'state-full': {
        const isAllRecognized = emittedByFullHash?.size === emitted.size;
        await this.#writeLastState(checkpoint, { mustKeepRowHashes: isInsideGroup(checkpoint) || !isAllRecognized });
        await this.#warnOfUnrecognizedRows();
        await this.#warnOfOverflow(end.overflowCursor);
        break;
      }
    }
  }

  async #writeStateIfNeeded(): Promise<void> {
    if (this.#states.hasUncoveredRows) await this.#states.write(this.#checkpoint);
  }

  /**
   * @param mustKeepRowHashes whether the next run still needs the row hashes, which don't cover the added columns. It needs them
   *   if it may find more rows of the position's group, or if some of the rows that are remembered by their row hash have not
   *   been read again.
   */
  async #writeLastState(position: Position, { mustKeepRowHashes }: { mustKeepRowHashes: boolean }): Promise<void> {
    const { emittedByFullHash } = this.#rowMemory;
    if (emittedByFullHash === undefined || mustKeepRowHashes) await this.#states.write(position);
    else await this.#states.writeWithFullHashes(this.#selection.table.columns, emittedByFullHash, position);
  }

  /**
   * Logs at most one of two warnings. Both can apply if two runs are less than a second apart, but then only the advice about
   * restamped rows helps.
   */
  async #warnOfUnrecognizedRows(): Promise<void> {
    const { cursorColumn, emitted } = this.#rowMemory;
    if (emitted.areRestamped) await this.#warn(describeRestampedRows(this.#selection.table, cursorColumn));
    else if (emitted.noneSeenAgain) await this.#warn(ROWS_NOT_REPRODUCIBLE);
  }

  /** @throws ConnectorError if the cursor is in the future, because a later run would find the same rows inside the lookback. */
  async #warnOfOverflow(cursor: string): Promise<void> {
    const { cursorColumn } = this.#rowMemory;
    const now = this.#window?.now;
    const seen = `More than ${MAX_EMITTED_ROWS} rows would have to be remembered, but that is the maximum for a state`;
    if (now !== undefined && cursor > now) {
      throw sourceError(
        'cursor_in_future',
        `${seen}. Their ${cursorColumn} is in the future (it is ${cursor}, and the server's time is ${now}), so it is not the time of the INSERT. Set "cursor_column" to another column, or set "lookback_seconds" to 0 to read each row once its ${cursorColumn} has passed.`,
      );
    }
    await this.#warn(
      `${seen}. A later run reads the rows from ${cursor} on, once they are older than the lookback. If that is too late, lower "lookback_seconds" to the duration of your longest INSERT.`,
    );
  }

  async #logProgress(more = ''): Promise<void> {
    const words = this.#progress.describe(this.#rows, cursorOf(this.#readUpTo), this.#window !== undefined);
    if (words !== undefined) await this.#log('INFO', `${words}${more}.`);
  }

  #warn(message: string): Promise<void> {
    return this.#log('WARN', message);
  }

  #log(level: 'INFO' | 'WARN', message: string): Promise<void> {
    return this.#context.output.write(log(level, `${this.#stream.name}: ${message}`));
  }
}

/**
 * Returns the checkpoint after new rows: the last position before which no new row can appear.
 *
 * @param before the current checkpoint.
 */
function nextCheckpoint(
  before: Position,
  { position, lastBeforeLookback, overflowCursor }: NewRows,
  emitted: EmittedRows,
): Position {
  const seen = overflowCursor ?? position.cursor;
  if (!emitted.isInLookback(seen)) return position;
  // A row with a cursor later than `lastBeforeLookback` was read, so all rows with `lastBeforeLookback` have been read.
  if (lastBeforeLookback !== undefined) return { kind: 'after-group', cursor: lastBeforeLookback };
  return seen === cursorOf(before) ? before : leaveGroup(before);
}
