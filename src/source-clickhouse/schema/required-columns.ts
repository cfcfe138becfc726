import { PROFILE_COLUMN } from '../config/schema.ts';
import type { Table } from './table.ts';

/** The columns that the destination reads by default. Batch's Cloud Sync uses the same names (docs/batch-api.md, section 5). */
const DEFAULT_MAPPING_COLUMNS = [PROFILE_COLUMN, 'event_name'];

/** The column with the time of the event, which a table may have. */
export const EVENT_TIME_COLUMN = 'event_time';

/** Returns the columns that a table must have to be a stream if the configuration names no table and no query. */
export function listRequiredColumns(cursorColumn: string): string[] {
  return [...DEFAULT_MAPPING_COLUMNS, cursorColumn];
}

/** Returns the columns from `listRequiredColumns` that a table lacks. */
export function findMissingColumns(table: Table, cursorColumn: string): string[] {
  return findMissing(table, listRequiredColumns(cursorColumn));
}

/** Returns the columns that the destination reads by default and that a table lacks. */
export function findMissingMappingColumns(table: Table): string[] {
  return findMissing(table, DEFAULT_MAPPING_COLUMNS);
}

/** Whether a table has a column. */
export function hasColumn({ columns }: Table, name: string): boolean {
  return columns.some((column) => column.name === name);
}

function findMissing(table: Table, names: readonly string[]): string[] {
  return names.filter((name) => !hasColumn(table, name));
}
