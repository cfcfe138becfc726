import { suggestName } from '../../shared/suggest.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { defaultUse, hasColumn, type ReadRole, type RowKind } from '../schema/required-columns.ts';
import type { Column, Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';

/** A column to propose: its name, and what it is for. */
type Wanted = { name: string; role: ReadRole | 'cursor' };

/**
 * Matches the names of the best cursors. For events, it is the time of insertion: with the time of the event, rows that are
 * inserted late would not be read. For profiles, it is the time of the last change.
 */
const BEST_CURSOR: Record<RowKind, RegExp> = {
  event: /insert|ingest|load|receiv/i,
  profile: /updat|modif|chang/i,
};

/** Matches the names of columns with the id of a profile. In a table of profiles, it may just be called id. */
const PROFILE_ID: Record<RowKind, RegExp> = {
  event: /^(user|customer|profile|account|member|contact|client)_?id$/i,
  profile: /^((user|customer|profile|account|member|contact|client)_?)?id$/i,
};

/** Whether a column could serve as the wanted one, judging by its name and, for the cursor, its type. */
function isCandidate(role: Wanted['role'], kind: RowKind, { name, type }: Column): boolean {
  switch (role) {
    case 'custom_id':
      return PROFILE_ID[kind].test(name);
    case 'event_name':
      return /^(event|event_?type|action|type|name)$/i.test(name);
    case 'cursor':
      return (
        unwrapType(type).kind === 'date_time' &&
        /(insert|ingest|load|receiv|updat|modif|chang|creat|time|date|_at$|^ts$)/i.test(name)
      );
  }
}

/** Proposes a CREATE VIEW statement that adds the columns that rows of this kind need and that the table lacks. */
export function proposeView(table: Table, cursorColumn: string, kind: RowKind): string {
  const { customId, eventName } = defaultUse(kind);
  const wanted: Wanted[] = [
    { name: customId, role: 'custom_id' },
    ...(eventName === undefined ? [] : [{ name: eventName, role: 'event_name' } as const]),
    { name: cursorColumn, role: 'cursor' },
  ];
  const taken = new Set<string>();
  const required = wanted.map((column) => {
    taken.add(column.name);
    return hasColumn(table, column.name) ? quoteIdentifier(column.name) : proposeColumn(table, column, kind, taken);
  });
  const others = table.columns.filter(({ name }) => !taken.has(name)).map(({ name }) => quoteIdentifier(name));
  const view = quoteTable({ ...table, name: `${table.name}_for_batch` });
  const columns = [...required, ...others].map((column) => `  ${column}`);
  return `CREATE VIEW ${view} AS\nSELECT\n${columns.join(',\n')}\nFROM ${quoteTable(table)}`;
}

/**
 * Proposes the SQL of a wanted column, from a column that probably has its values.
 *
 * @param taken the names of columns that are not proposed. The proposed column is added.
 */
export function proposeColumn(table: Table, { name, role }: Wanted, kind: RowKind, taken = new Set<string>()): string {
  const candidates = table.columns.filter((column) => !taken.has(column.name) && isCandidate(role, kind, column));
  const best = role === 'cursor' ? candidates.find((column) => BEST_CURSOR[kind].test(column.name)) : undefined;
  const candidate = best ?? candidates[0];
  if (candidate === undefined) return `<your column> AS ${quoteAlias(name)}`;
  taken.add(candidate.name);
  const value = quoteIdentifier(candidate.name);
  return `${role === 'custom_id' ? `toString(${value})` : value} AS ${quoteAlias(name)}`;
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
