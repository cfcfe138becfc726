import { text } from 'node:stream/consumers';
import { ConnectorError } from '../../protocol/errors.ts';
import { formatCount } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import type { Column } from '../schema/table.ts';
import { START } from '../state/position.ts';
import { buildRowClauses, chooseUnusedName, qualify, type RowSelection } from './row-query.ts';

/** The maximum number of rows to count in a table or view. It limits how long `check` takes. */
export const MAX_ROWS_TO_COUNT = 1_000_000;

/** A number of rows. If `isMinimum`, there may be more, because only MAX_ROWS_TO_COUNT rows were counted. */
export type RowCount = { rows: number; isMinimum: boolean };

/** Formats a count with its noun: "1,204 rows", "at least 1,000,000 rows". */
export function formatRowCount({ rows, isMinimum }: RowCount): string {
  return `${isMinimum ? 'at least ' : ''}${formatCount(rows, 'row')}`;
}

/** The rows from a cursor on, those before it, or all rows. */
export type CursorRange = { from: string } | { before: string } | 'all';

/** A condition on the time in a column. `before` is in the form of a parameter of the type DateTime('UTC'). */
export type TimeLimit = { column: Column; before: string };

/**
 * Counts the rows of a stream in a range of its cursor. The server reads only the columns of the condition and, if the cursor is
 * the start of the sorting key, only rows of the range, up to MAX_ROWS_TO_COUNT. Otherwise it may have to scan the table.
 *
 * @param limit counts only rows whose time is before this limit.
 * @param stop cancels the query.
 * @param timeoutMs how long to wait for the result, in milliseconds.
 * @returns "slow" if the result did not arrive in time or `stop` was aborted, and "failed" if the server refused the query, for
 *   example because of a limit on the rows that the user may read. The count is optional, so these are not errors.
 */
export async function countRows(
  clickhouse: Pick<ClickHouse, 'bytes'>,
  selection: RowSelection,
  range: CursorRange,
  { stop, timeoutMs, limit }: { stop: AbortSignal; timeoutMs: number; limit?: TimeLimit | undefined },
): Promise<RowCount | 'slow' | 'failed'> {
  const { clauses, parameters: ofRange } = buildRangeClauses(selection, range);
  const parameters = limit === undefined ? ofRange : { ...ofRange, time_limit: limit.before };
  const isCounted =
    limit === undefined ? '1' : `${qualify(selection.table, limit.column)} < {time_limit:DateTime('UTC')}`;
  const alias = chooseUnusedName(selection.table, 'counted');
  // countIf does not count NULL.
  const query = `SELECT count(), countIf(${alias}) FROM (SELECT ${isCounted} AS ${alias} ${clauses}\nLIMIT ${MAX_ROWS_TO_COUNT + 1}) FORMAT TSVRaw`;
  // Not AbortSignal.timeout, which can be garbage-collected if only another signal refers to it (Node 20).
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const cancel = AbortSignal.any([stop, timeout.signal]);
  try {
    const result = await text(await clickhouse.bytes(query, parameters, cancel));
    const [, all, found] = /^(\d+)\t(\d+)\n$/.exec(result) ?? [];
    if (all === undefined) return 'failed';
    return { rows: Math.min(Number(found), MAX_ROWS_TO_COUNT), isMinimum: Number(all) > MAX_ROWS_TO_COUNT };
  } catch (error) {
    if (cancel.aborted) return 'slow';
    if (error instanceof ConnectorError) return 'failed';
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function buildRangeClauses(selection: RowSelection, range: CursorRange): ReturnType<typeof buildRowClauses> {
  if (range === 'all') return buildRowClauses(selection, START);
  return 'from' in range
    ? buildRowClauses(selection, { kind: 'before-group', cursor: range.from })
    : buildRowClauses({ ...selection, lagBound: range.before }, START);
}
