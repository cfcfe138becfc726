import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { quoteString } from '../sql.ts';
import {
  ENGINES_THAT_READ_OTHERS,
  type RowOrigin,
  type TableDefinition,
  type TableName,
  tableDefinition,
} from './table-definition.ts';
import { UNREADABLE_ENGINES } from './unreadable-engine.ts';

/** A view of a view of a view …: how many other databases are followed one after the other. */
const MOST_OTHER_DATABASES = 5;

const definitionRow = z.object({
  database: z.string(),
  name: z.string(),
  engine: z.string(),
  engine_full: z.string(),
  create_table_query: z.string(),
  as_select: z.string(),
});

/** How the tables of a database depend on each other, as far as the user may see it. */
export class TableDefinitions {
  readonly #definitions: ReadonlyMap<string, TableDefinition>;
  /** The tables that each one gets rows from. */
  readonly #sources: ReadonlyMap<string, readonly Source[]>;

  private constructor(
    definitions: ReadonlyMap<string, TableDefinition>,
    sources: ReadonlyMap<string, readonly Source[]>,
  ) {
    this.#definitions = definitions;
    this.#sources = sources;
  }

  /** Looks them up. Of another database, only what the tables of this one read. */
  static async of(clickhouse: ClickHouse, database: string): Promise<TableDefinitions> {
    const definitions = new Map<string, TableDefinition>();
    const origins: Origins = new Map();
    const engines = [...ENGINES_THAT_READ_OTHERS, ...UNREADABLE_ENGINES].map(quoteString).join(', ');
    let where = `database = ${quoteString(database)} AND engine IN (${engines})`;
    for (let round = 0; round <= MOST_OTHER_DATABASES; round += 1) {
      const rows = await clickhouse.rows(
        `SELECT database, name, engine, engine_full, create_table_query, as_select FROM system.tables WHERE ${where}`,
        {},
        definitionRow,
      );
      const found = rows.map(tableDefinition).filter((each) => !definitions.has(keyOf(each)));
      for (const each of found) definitions.set(keyOf(each), each);
      const named = await resolvedOrigins(clickhouse, found, origins);
      const elsewhere = named.filter((each) => each.database !== database && !definitions.has(keyOf(each)));
      if (elsewhere.length === 0) break;
      const names = elsewhere.map((each) => `(${quoteString(each.database)}, ${quoteString(each.name)})`);
      const databases = new Set(elsewhere.map((each) => quoteString(each.database)));
      where = `database IN (${[...databases].join(', ')}) AND (database, name) IN (${names.join(', ')}) AND engine IN (${engines})`;
    }
    return new TableDefinitions(definitions, sourcesOf(definitions, origins));
  }

  /** The engine of a table, if it is one that can't be read or that reads other tables. */
  engineOf(table: TableName): string | undefined {
    return this.#definitions.get(keyOf(table))?.engine;
  }

  /** Whether a table is a materialized view (TO), all of whose rows are in one of the others. */
  isHeldBy(table: TableName, others: readonly TableName[]): boolean {
    if (this.engineOf(table) !== 'MaterializedView' && this.engineOf(table) !== 'WindowView') return false;
    return this.#holdersOf(table).some((holder) => others.some((other) => isSame(other, holder)));
  }

  /** The table that holds the rows of another one, as a materialized view's target does; undefined when it does itself. */
  lastHolderOf(table: TableName): TableName | undefined {
    const seen: TableName[] = [table];
    for (;;) {
      const [holder] = this.#holdersOf(seen.at(-1) ?? table);
      if (holder === undefined || seen.some((each) => isSame(each, holder))) break;
      seen.push(holder);
    }
    return seen.length === 1 ? undefined : seen.at(-1);
  }

  /** Those of the others whose rows a table has, directly or through tables that are none of them. */
  sharedBy(table: TableName, others: readonly TableName[]): TableName[] {
    const found = new Map<string, TableName>();
    const seen = new Set([keyOf(table)]);
    const visit = (from: TableName): void => {
      for (const { table: source } of this.#sources.get(keyOf(from)) ?? []) {
        if (seen.has(keyOf(source))) continue;
        seen.add(keyOf(source));
        const other = others.find((each) => isSame(each, source));
        // Whose rows that one has in turn is said of it.
        if (other === undefined) visit(source);
        else found.set(keyOf(other), other);
      }
    };
    visit(table);
    return [...found.values()];
  }

  #holdersOf(table: TableName): TableName[] {
    return (this.#sources.get(keyOf(table)) ?? []).filter(({ isHolder }) => isHolder).map((each) => each.table);
  }
}

type Source = { table: TableName; isHolder: boolean };

/** The tables that an origin stands for. */
type Origins = Map<RowOrigin, TableName[]>;

/** Finds the tables that new definitions name, and remembers them. */
async function resolvedOrigins(
  clickhouse: ClickHouse,
  definitions: readonly TableDefinition[],
  origins: Origins,
): Promise<TableName[]> {
  const named: TableName[] = [];
  for (const { holder, selectedFrom } of definitions) {
    for (const origin of [...(holder === undefined ? [] : [holder]), ...selectedFrom]) {
      const tables = await tablesOf(clickhouse, origin);
      origins.set(origin, tables);
      named.push(...tables);
    }
  }
  return named;
}

const nameRow = z.object({ database: z.string(), name: z.string() });

async function tablesOf(clickhouse: ClickHouse, origin: RowOrigin): Promise<TableName[]> {
  switch (origin.kind) {
    case 'table':
      return [origin];
    case 'dotted_name': {
      const { database, text } = origin;
      const dots = [...text.matchAll(/\./g)].map(({ index }) => index);
      const split = dots.map((dot) => ({ database: text.slice(0, dot), name: text.slice(dot + 1) }));
      return [...split, { database, name: text }];
    }
    case 'matching_tables': {
      const { database, pattern } = origin;
      const isIn = database.isPattern
        ? `match(database, ${quoteString(database.text)})`
        : `database = ${quoteString(database.text)}`;
      return clickhouse.rows(
        `SELECT database, name FROM system.tables WHERE ${isIn} AND match(name, ${quoteString(pattern)})`,
        {},
        nameRow,
      );
    }
  }
}

/** What each table has the rows of. The target of a materialized view has those that the view selects. */
function sourcesOf(definitions: ReadonlyMap<string, TableDefinition>, origins: Origins): Map<string, Source[]> {
  const sources = new Map<string, Source[]>();
  const add = (table: TableName, origin: RowOrigin, isHolder: boolean): void => {
    const found = (origins.get(origin) ?? [])
      .filter((each) => !isSame(each, table))
      .map((each) => ({ table: each, isHolder }));
    sources.set(keyOf(table), [...(sources.get(keyOf(table)) ?? []), ...found]);
  };
  for (const definition of definitions.values()) {
    const { holder, selectedFrom } = definition;
    if (holder !== undefined) add(definition, holder, true);
    const targets = holder === undefined ? [definition] : (origins.get(holder) ?? []);
    for (const target of targets) for (const origin of selectedFrom) add(target, origin, false);
  }
  return sources;
}

function keyOf({ database, name }: TableName): string {
  return JSON.stringify([database, name]);
}

function isSame(a: TableName, b: TableName): boolean {
  return a.database === b.database && a.name === b.name;
}
