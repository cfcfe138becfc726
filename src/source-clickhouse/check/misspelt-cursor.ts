import { suggestName } from '../../shared/suggest.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { findMissingColumns, type Table } from '../schema/table.ts';

/** The column that the name of a cursor was likely meant for, if a table lacks nothing else; undefined when none is like it. */
export function suggestCursor(table: Table, cursorColumn: string): string | undefined {
  if (findMissingColumns(table, cursorColumn).join() !== cursorColumn) return undefined;
  const usable = table.columns.filter(({ type }) => createCursorCodec(type) !== undefined);
  return suggestName(
    cursorColumn,
    usable.map(({ name }) => name),
  );
}
