import type { Table } from './table.ts';

/** The column that names the profile of a row. */
export const PROFILE_COLUMN = 'custom_id';

/** The columns that a table must have to be read. The names are those of Cloud Sync (docs/batch-api.md, CS/ch-ev 1.2). */
export function listRequiredColumns(cursorColumn: string): string[] {
  return [PROFILE_COLUMN, 'event_name', cursorColumn];
}

/** The required columns that a table lacks. */
export function findMissingColumns(table: Table, cursorColumn: string): string[] {
  return listRequiredColumns(cursorColumn).filter(
    (required) => !table.columns.some((column) => column.name === required),
  );
}
