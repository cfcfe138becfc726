import { PROFILE_COLUMN } from '../config/schema.ts';
import type { Table } from './table.ts';

/** The column with the name of the event, as the destination reads it by default. */
const EVENT_NAME_COLUMN = 'event_name';

/** The column with the time of the event, as the destination reads it by default. A table need not have it. */
const EVENT_TIME_COLUMN = 'event_time';

/** What the rows of a stream are sent as: events of profiles, or attributes of profiles. The destination decides that. */
export type RowKind = 'event' | 'profile';

/** What the destination does with the rows of a stream. */
export type StreamUse = {
  kind: RowKind;
  /** The column with the id of the profile. */
  customId: string;
  /** The column with the name of the event; undefined if the destination needs none. */
  eventName: string | undefined;
  /** The column with the time of the event, which may be missing. */
  eventTime: string;
};

/** What the destination reads in a column. An option of its mapping, such as `custom_id_column`, names another column. */
export type ReadRole = 'custom_id' | 'event_name';

/** Returns what the destination does with the rows of a stream; undefined if it is not known. */
export type FindUse = (stream: string) => StreamUse | undefined;

/**
 * Returns what the destination does with rows of this kind by default. Batch's Cloud Sync uses the same names of columns
 * (docs/batch-api.md, section 5).
 */
export function defaultUse(kind: RowKind): StreamUse {
  const eventName = kind === 'event' ? EVENT_NAME_COLUMN : undefined;
  return { kind, customId: PROFILE_COLUMN, eventName, eventTime: EVENT_TIME_COLUMN };
}

/** Returns the columns that a table must have to be a stream if the configuration names no table and no query. */
export function listRequiredColumns(cursorColumn: string, kind: RowKind = 'event'): string[] {
  return [...listReadColumns(defaultUse(kind)), cursorColumn];
}

/** Returns the columns from `listRequiredColumns` that a table lacks. */
export function findMissingColumns(table: Table, cursorColumn: string, kind: RowKind = 'event'): string[] {
  return findMissing(table, listRequiredColumns(cursorColumn, kind));
}

/** Returns the columns that the destination reads and that a table lacks. */
export function findMissingMappingColumns(table: Table, use: StreamUse): { name: string; role: ReadRole }[] {
  const missing = findMissing(table, listReadColumns(use));
  return missing.map((name) => ({ name, role: name === use.customId ? 'custom_id' : 'event_name' }));
}

/** Whether a table has a column. */
export function hasColumn({ columns }: Table, name: string): boolean {
  return columns.some((column) => column.name === name);
}

function listReadColumns({ customId, eventName }: StreamUse): string[] {
  return eventName === undefined ? [customId] : [customId, eventName];
}

function findMissing(table: Table, names: readonly string[]): string[] {
  return names.filter((name) => !hasColumn(table, name));
}
