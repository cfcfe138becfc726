import { ConnectorError, codeOf } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import { CutOffError } from '../errors/cut-off-error.ts';
import { readCursor } from '../query/record-line.ts';
import { buildRowQuery, type RowSelection } from '../query/row-query.ts';
import { isSchemaChanged } from '../query/schema-guard.ts';
import type { Position } from '../state/stream-state.ts';
import type { RowSource } from './fetch-pages.ts';

/**
 * The rows of a stream, as the server's answers to queries for those behind a position.
 *
 * @param maxRows of the rows behind a position so many are asked for: a sort that may leave the others out is quicker.
 * @param emittedAt milliseconds since the epoch.
 * @param warn is told of failures that are not the end.
 */
export function createRowSource(
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>,
  selection: RowSelection,
  maxRows: number,
  emittedAt: number,
  warn: (message: string) => void,
): RowSource<Position> {
  return {
    open: (after, signal) => {
      // The last row of a position comes once more, as often as it was read.
      const { query, parameters } = buildRowQuery(selection, after, emittedAt, maxRows + (after.tie_break?.rows ?? 0));
      return clickhouse.bytes(query, parameters, signal);
    },
    rowsToDrop: ({ tie_break }) => tie_break && { rowHash: tie_break.row_hash, rows: tie_break.rows },
    positionAfter: (page, before) => {
      const alike =
        before.tie_break?.row_hash === page.lastRowHash && page.rowsWithLastHash === page.rows
          ? before.tie_break.rows
          : 0;
      return {
        cursor: readCursor(page.lastLine, selection.cursor.column.name),
        tie_break: { row_hash: page.lastRowHash, rows: alike + page.rowsWithLastHash },
      };
    },
    // Of a connection that is reset before an answer it is said that another protocol may be spoken there.
    failure: (error) => clickhouse.explainError(codeOf(error) === 'ECONNRESET' ? new CutOffError(error) : error),
    // A changed table passes with the next run, which looks at it anew, and not by asking again.
    isTransient: (error) =>
      error instanceof ConnectorError && error.failureType === 'transient_error' && !isSchemaChanged(error.cause),
    onRetry: (error) => warn(`${error.message} Asking again for the rows behind the last page.`),
  };
}
