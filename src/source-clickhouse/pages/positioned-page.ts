import { readCursor } from '../query/record-line.ts';
import { isInsideGroup, type Position, type PositionAtRow } from '../state/position.ts';
import { type Page, takeFirstRows } from './page-cutter.ts';

/** A page, with the position after its last row. */
export type PositionedPage = Page & { position: PositionAtRow };

/** Adds the position after the last row to a page. @param before the position before the first row of the page. */
export function addPosition(page: Page, before: Position, cursorColumn: string): PositionedPage {
  const isContinued =
    isInsideGroup(before) && before.rowHash === page.lastRowHash && page.rowsWithLastHash === page.rows;
  const position: PositionAtRow = {
    kind: 'inside-group',
    cursor: readCursor(page.lastLine, cursorColumn),
    rowHash: page.lastRowHash,
    rows: page.rowsWithLastHash + (isContinued ? before.rows : 0),
  };
  return { ...page, position };
}

/** Returns the first rows of a page. @param before the position before the first row of the page. */
export function cutPage(page: PositionedPage, rows: number, before: Position, cursorColumn: string): PositionedPage {
  return rows >= page.rows ? page : addPosition(takeFirstRows(page, rows), before, cursorColumn);
}
