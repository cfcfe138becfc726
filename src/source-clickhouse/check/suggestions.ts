import { suggestName } from '../../shared/suggest.ts';
import { PROFILE_COLUMN } from '../config/schema.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { hasColumn, listRequiredColumns } from '../schema/required-columns.ts';
import type { Column, Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';

/** Matches the names of timestamps that are probably set when a row is inserted. */
const OF_INSERTION = /insert|ingest|load|receiv/i;

/** Whether a column could serve as the required column, judging by its name and, for the cursor, its type. */
function isCandidate(required: string, { name, type }: Column): boolean {
  switch (required) {
    case PROFILE_COLUMN:
      return /^(user|customer|profile|account|member|contact|client)_?id$/i.test(name);
    case 'event_name':
      return /^(event|event_?type|action|type|name)$/i.test(name);
    default:
      return (
        unwrapType(type).kind === 'date_time' &&
        /(insert|ingest|load|receiv|updat|creat|time|date|_at$|^ts$)/i.test(name)
      );
  }
}

/** Proposes a CREATE VIEW statement that adds the required columns that the table lacks. */
export function proposeView(table: Table, cursorColumn: string): string {
  const taken = new Set<string>();
  const required = listRequiredColumns(cursorColumn).map((name) => {
    taken.add(name);
    return hasColumn(table, name) ? quoteIdentifier(name) : proposeColumn(table, name, taken);
  });
  const others = table.columns.filter(({ name }) => !taken.has(name)).map(({ name }) => quoteIdentifier(name));
  const view = quoteTable({ ...table, name: `${table.name}_for_batch` });
  const columns = [...required, ...others].map((column) => `  ${column}`);
  return `CREATE VIEW ${view} AS\nSELECT\n${columns.join(',\n')}\nFROM ${quoteTable(table)}`;
}

/**
 * Proposes the SQL of a required column, from a column that probably has its values.
 *
 * @param taken the names of columns that are not proposed. The proposed column is added.
 */
export function proposeColumn(table: Table, name: string, taken = new Set<string>()): string {
  const candidates = table.columns.filter((column) => !taken.has(column.name) && isCandidate(name, column));
  // Prefer the time of insertion. With the time of the event, rows that are inserted late would not be read.
  const candidate = candidates.find((column) => OF_INSERTION.test(column.name)) ?? candidates[0];
  if (candidate === undefined) return `<your column> AS ${quoteAlias(name)}`;
  taken.add(candidate.name);
  const value = quoteIdentifier(candidate.name);
  return `${name === PROFILE_COLUMN ? `toString(${value})` : value} AS ${quoteAlias(name)}`;
}

/** Quotes an alias only if necessary, because people read the statement. */
function quoteAlias(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoteIdentifier(name);
}

/** Suggests the column that a misspelt cursor column probably means. Returns undefined if no column is similar. */
export function suggestCursor(table: Table, cursorColumn: string): string | undefined {
  const usable = table.columns.filter(({ type }) => createCursorCodec(type) !== undefined);
  return suggestName(
    cursorColumn,
    usable.map(({ name }) => name),
  );
}
