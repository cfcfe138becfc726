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
import { deduplicate, type NewRows, type Recognition } from './deduplicate.ts';
import { PROGRESS_INTERVAL_MS, Progress } from './progress.ts';
import type { RowLimit } from './row-limit.ts';

const ROWS_NOT_REPRODUCIBLE =
  'None of the rows sent by the last run were found again, and at least as many other rows are in their place, so these were sent. Either a column changes each time it is read, such as now(), rand() or a joined value, and the same happens on every run: compute it when a row is inserted, remove it from the view, or set "lookback_seconds" to 0. Or the table was replaced (EXCHANGE TABLES, DROP and CREATE, a full rebuild by dbt), and its rows before the lookback are never read. Reset the stream to read them; Batch then gets the rows that were sent before a second time.';

function describeRestampedRows(table: Table, cursorColumn: string): string {
  return `Most rows that the last run sent are gone, and as many other rows have a ${cursorColumn} later than the start of this run. Its value is probably computed at each read, so each run sends these rows again. ${adviseStoredCursor(table, cursorColumn)}`;
}

export type StreamContext = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>;
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT. The current page and its state are still written. */
  stop: AbortSignal;
  /** The limit for this stream and the streams after it. */
  rowLimit: RowLimit;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Why a read ended. Without an error, what was written and the last state are true in each case. */
export type End =
  /** All rows have been read. */
  | { kind: 'complete' }
  /** The context's `stop` was aborted. */
  | { kind: 'stopped' }
  /** As many rows were written as the row limit allows. */
  | { kind: 'limit-reached' }
  /** No more rows can be remembered; the row with this cursor and those after it are left to a later run. */
  | { kind: 'memory-full'; overflowCursor: string };

/**
 * Writes the rows after a state, as many as the row limit allows, with states between them and one at the end. No row can
 * appear before the position in a state any more; the state remembers the rows after it that were emitted.
 *
 * @returns why it ended, and a summary of what was read.
 * @throws ConnectorError; what was written before it, and its states, stay true.
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
  readonly #recognition: Recognition;
  readonly #states: StateWriter;
  readonly #progress: Progress;
  #rows = 0;
  /** The position for the next state. */
  #checkpoint: Position;
  /** The position after the last row that was read. */
  #readUpTo: Position;
  /** Whether the next page is waited for. Otherwise rows of a page that is not written yet may be remembered already. */
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
    this.#recognition = {
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
    // The server sends nothing while it sorts. The line shows that the read goes on, and finds out if stdout is closed.
    const timer = setInterval(() => {
      if (this.#isWaiting) this.#logProgress(', waiting for the server').catch(() => {});
    }, PROGRESS_INTERVAL_MS);
    let end: End;
    try {
      end = await this.#readPages();
    } catch (error) {
      // What was written stays true: the next run doesn't have to send it again.
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
    // Rows that were emitted before don't count for the limit. Each of them may come once more.
    const maxRows = rowLimit.remaining + this.#recognition.emitted.size;
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
      if (overflowCursor !== undefined) return { kind: 'memory-full', overflowCursor };
      if (this.#states.isDue) await this.#states.write(this.#checkpoint);
      await this.#logProgress();
      this.#isWaiting = true;
    }
    return { kind: stop.aborted ? 'stopped' : 'complete' };
  }

  async #writePage(page: PositionedPage): Promise<NewRows> {
    const { output, rowLimit, now } = this.#context;
    const newRows = deduplicate(page, this.#readUpTo, this.#recognition, rowLimit.remaining);
    if (this.#rows === 0 && newRows.rows > 0) await output.write(streamStatus(this.#stream, 'RUNNING', now()));
    await output.writeOut(newRows.lines);
    this.#rows += newRows.rows;
    rowLimit.count(newRows.rows);
    this.#states.count(newRows.rows, newRows.lines.length);
    this.#checkpoint = nextCheckpoint(this.#checkpoint, newRows, this.#recognition.emitted);
    this.#readUpTo = newRows.position;
    return newRows;
  }

  /** Writes the last state, and warnings. */
  async #finish(end: End): Promise<void> {
    const checkpoint = this.#checkpoint;
    const { emitted, emittedByFullHash } = this.#recognition;
    switch (end.kind) {
      case 'stopped':
      case 'limit-reached':
        await this.#writeStateIfNeeded();
        break;
      case 'complete': {
        const isGroupInLookback = isInsideGroup(checkpoint) && emitted.isInLookback(checkpoint.cursor);
        await this.#writeLastState(markGroupEnded(checkpoint), { needsRowHash: isGroupInLookback });
        await this.#warnOfUnrecognizedRows();
        break;
      }
      case 'memory-full': {
        const isAllRecognized = emittedByFullHash?.size === emitted.size;
        await this.#writeLastState(checkpoint, { needsRowHash: isInsideGroup(checkpoint) || !isAllRecognized });
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
   * @param needsRowHash whether the next run needs hashes that lack the added columns: the position is inside a group, or rows
   *   that are remembered by these hashes were not met again yet.
   */
  async #writeLastState(position: Position, { needsRowHash }: { needsRowHash: boolean }): Promise<void> {
    const { emittedByFullHash } = this.#recognition;
    if (emittedByFullHash === undefined || needsRowHash) await this.#states.write(position);
    else await this.#states.writeWithFullHashes(this.#selection.table.columns, emittedByFullHash, position);
  }

  /** Both can be true of two runs within a second, and then only the cursor has a remedy that helps. */
  async #warnOfUnrecognizedRows(): Promise<void> {
    const { cursorColumn, emitted } = this.#recognition;
    if (emitted.areRestamped) await this.#warn(describeRestampedRows(this.#selection.table, cursorColumn));
    else if (emitted.noneSeenAgain) await this.#warn(ROWS_NOT_REPRODUCIBLE);
  }

  /** @throws ConnectorError when a later run would meet the same rows again. */
  async #warnOfOverflow(cursor: string): Promise<void> {
    const { cursorColumn } = this.#recognition;
    const now = this.#window?.now;
    const seen = `More than ${MAX_EMITTED_ROWS} rows would have to be remembered, the maximum for a state`;
    if (now !== undefined && cursor > now) {
      throw sourceError(
        'cursor_in_future',
        `${seen}. Their ${cursorColumn} is in the future (${cursor}; the server's clock says ${now}), so it is not the time of the INSERT. Name another column in "cursor_column", or set "lookback_seconds" to 0: rows are then read once that time is reached.`,
      );
    }
    await this.#warn(
      `${seen}. Rows from ${cursor} on are read by a later run, once they are older than the lookback. If that is too late, lower "lookback_seconds" to the duration of your longest INSERT.`,
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

/** The last position before which no row can appear any more, after rows that follow the checkpoint `before`. */
function nextCheckpoint(
  before: Position,
  { position, lastBeforeLookback, overflowCursor }: NewRows,
  emitted: EmittedRows,
): Position {
  const seen = overflowCursor ?? position.cursor;
  if (!emitted.isInLookback(seen)) return position;
  // A later row has been seen, so the group of this cursor is whole.
  if (lastBeforeLookback !== undefined) return { kind: 'after-group', cursor: lastBeforeLookback };
  return seen === cursorOf(before) ? before : leaveGroup(before);
}
