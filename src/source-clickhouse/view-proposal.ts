import { quoteIdentifier } from './identifier.ts';
import { type Column, REQUIRED_COLUMNS, type Table } from './table.ts';
import { innerType } from './types/clickhouse-type.ts';

type RequiredColumn = (typeof REQUIRED_COLUMNS)[number];

/** Which of a table's own columns may stand for a required one. */
const CANDIDATES: Record<RequiredColumn, (column: Column) => boolean> = {
  custom_id: ({ name }) => /^(user|customer|profile|account|member|contact|client)_?id$/i.test(name),
  event_name: ({ name }) => /^(event|event_?type|action|type|name)$/i.test(name),
  last_updated_at: ({ name, type }) =>
    innerType(type).kind === 'date_time' && /(insert|ingest|load|receiv|updat|creat|time|date|_at$|^ts$)/i.test(name),
};

/** A CREATE VIEW statement to start from, which gives a table the required columns that it lacks. */
export function proposeView(table: Table, missing: readonly string[]): string {
  const taken = new Set<string>();
  const required = REQUIRED_COLUMNS.map((name) => {
    if (!missing.includes(name)) return quoteIdentifier(name);
    const candidate = table.columns.find((column) => !taken.has(column.name) && CANDIDATES[name](column));
    if (candidate === undefined) return `<your column> AS ${name}`;
    taken.add(candidate.name);
    const value = quoteIdentifier(candidate.name);
    return `${name === 'custom_id' ? `toString(${value})` : value} AS ${name}`;
  });
  const others = table.columns
    .filter(({ name }) => !taken.has(name) && !REQUIRED_COLUMNS.some((required) => required === name))
    .map(({ name }) => quoteIdentifier(name));
  const view = `${quoteIdentifier(table.database)}.${quoteIdentifier(`${table.name}_for_batch`)}`;
  const from = `${quoteIdentifier(table.database)}.${quoteIdentifier(table.name)}`;
  return `CREATE VIEW ${view} AS SELECT ${[...required, ...others].join(', ')} FROM ${from}`;
}
