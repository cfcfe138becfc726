import type { Table } from './table.ts';

/** The column with the profile id of a row. */
export const PROFILE_COLUMN = 'custom_id';

/** Returns the columns that a table must have. Batch's Cloud Sync uses the same names (docs/batch-api.md, section 5). */
export function listRequiredColumns(cursorColumn: string): string[] {
  return [PROFILE_COLUMN, 'event_name', cursorColumn];
}

/** Returns the required columns that a table lacks. */
export function findMissingColumns(table: Table, cursorColumn: string): string[] {
  return listRequiredColumns(cursorColumn).filter(
    (required) => !table.columns.some((column) => column.name === required),
  );
}
