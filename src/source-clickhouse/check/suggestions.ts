import { suggestName } from '../../shared/suggest.ts';
import { DEFAULT_CURSOR_COLUMN } from '../config/schema.ts';
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
      // No other timestamp, such as event_time or created_at, because it may be the time of the event. A row that is inserted after
      // rows with a later time would then never be read.
      return unwrapType(type).kind === 'date_time' && Object.values(BEST_CURSOR).some((best) => best.test(name));
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
 * @param taken the names of columns that must not be proposed. The name of the proposed column is added to them.
 */
export function proposeColumn(table: Table, { name, role }: Wanted, kind: RowKind, taken = new Set<string>()): string {
  const candidates = table.columns.filter((column) => !taken.has(column.name) && isCandidate(role, kind, column));
  const best = role === 'cursor' ? candidates.find((column) => BEST_CURSOR[kind].test(column.name)) : undefined;
  const candidate = best ?? candidates[0];
  if (candidate === undefined) return `<${PLACEHOLDERS[kind][role]}> AS ${quoteAlias(name)}`;
  taken.add(candidate.name);
  const value = quoteIdentifier(candidate.name);
  return `${role === 'custom_id' ? `toString(${value})` : value} AS ${quoteAlias(name)}`;
}

/** What the user has to fill in if no column looks like the wanted one. */
const PLACEHOLDERS: Record<RowKind, Record<Wanted['role'], string>> = {
  event: { custom_id: 'profile id', event_name: 'event name', cursor: 'time of insertion' },
  profile: { custom_id: 'profile id', event_name: 'event name', cursor: 'time of the last change' },
};

/** Quotes an alias only if necessary, because people read the statement. */
function quoteAlias(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoteIdentifier(name);
}

/**
 * Advises which column of the table to use as the cursor: a column whose name is similar to the configured one, or the usual
 * column. Returns undefined if the table has neither. The time of the event is never suggested.
 */
export function adviseCursor({ columns, name }: Table, cursorColumn: string): string | undefined {
  const usable = columns
    .filter((column) => column.name !== defaultUse('event').eventTime && createCursorCodec(column.type) !== undefined)
    .map((column) => column.name);
  const near = suggestName(cursorColumn, usable);
  if (near !== undefined) return `"cursor_column" may be misspelt: there is "${near}" in "${name}". Use that name.`;
  if (!usable.includes(DEFAULT_CURSOR_COLUMN)) return undefined;
  return `"${name}" has the usual cursor column: use "cursor_column": "${DEFAULT_CURSOR_COLUMN}".`;
}
