import { LINE_FEED } from '../../shared/ascii.ts';
import { cutPage, type PositionedPage } from '../pages/positioned-page.ts';
import { readCursor, readFullHash, readRowHash } from '../query/record-line.ts';
import { type EmittedRows, MAX_EMITTED_ROWS } from '../state/emitted-rows.ts';
import { cursorOf, type Position, type PositionAtRow } from '../state/position.ts';

/** The rows that were already emitted, to recognise them. */
export type RowMemory = {
  cursorColumn: string;
  emitted: EmittedRows;
  /**
   * The rows inside the lookback that this run has read, by the hash of all columns; undefined if the row hash covers all
   * columns.
   */
  emittedByFullHash: EmittedRows | undefined;
};

/** The rows of a page that no run has emitted yet. */
export type NewRows = {
  lines: Buffer;
  rows: number;
  /** The position after the last row that was examined or, with an `overflowCursor`, after the page. */
  position: PositionAtRow;
  /** The cursor of the last row before the lookback; undefined if there is none. */
  lastBeforeLookback: string | undefined;
  /** The cursor of the first row that the state can't remember, if any. A later run reads that row and the rows after it. */
  overflowCursor: string | undefined;
};

/**
 * Returns the rows of a page without the rows that an earlier run emitted. Remembers the returned rows that are inside the
 * lookback.
 *
 * @param after the position after which the page begins.
 * @param maxRows the maximum number of new rows. The rest of the page is neither returned nor remembered.
 */
export function deduplicate(page: PositionedPage, after: Position, rowMemory: RowMemory, maxRows: number): NewRows {
  const { cursorColumn, emitted } = rowMemory;
  if (emitted.mustExamine(cursorOf(after), page.position.cursor)) {
    const { examined, ...newRows } = examineRows(page, rowMemory, maxRows);
    if (newRows.overflowCursor !== undefined) return { ...newRows, position: page.position };
    return { ...newRows, position: cutPage(page, examined, after, cursorColumn).position };
  }
  const { lines, rows, position } = cutPage(page, maxRows, after, cursorColumn);
  return { lines, rows, position, lastBeforeLookback: position.cursor, overflowCursor: undefined };
}

/** Examines the rows of a page one by one. */
function examineRows(
  { lines }: PositionedPage,
  { cursorColumn, emitted, emittedByFullHash }: RowMemory,
  maxRows: number,
): Omit<NewRows, 'position'> & { examined: number } {
  const newLines: Buffer[] = [];
  let examined = 0;
  let lastBeforeLookback: string | undefined;
  let overflowCursor: string | undefined;
  for (let start = 0; start < lines.length && newLines.length < maxRows; ) {
    const end = lines.indexOf(LINE_FEED, start);
    const line = lines.subarray(start, end);
    const cursor = readCursor(line, cursorColumn);
    const hash = readRowHash(line);
    const isInLookback = emitted.isInLookback(cursor);
    if (!emitted.recognize(cursor, hash)) {
      if (isInLookback && emitted.size >= MAX_EMITTED_ROWS) {
        overflowCursor = cursor;
        break;
      }
      emitted.add(cursor, hash);
      newLines.push(lines.subarray(start, end + 1));
    }
    if (isInLookback) emittedByFullHash?.add(cursor, readFullHash(line));
    else lastBeforeLookback = cursor;
    examined += 1;
    start = end + 1;
  }
  return { lines: Buffer.concat(newLines), rows: newLines.length, examined, lastBeforeLookback, overflowCursor };
}
