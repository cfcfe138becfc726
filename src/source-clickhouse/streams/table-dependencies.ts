import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { quoteString } from '../sql.ts';
import {
  ENGINES_THAT_READ_OTHERS,
  parseDefinition,
  type RowOrigin,
  type TableDefinition,
  type TableName,
} from './table-definition.ts';
import { UNREADABLE_ENGINES } from './unreadable-engine.ts';

/** The maximum number of steps for which a chain of views is followed through other databases. */
const MAX_OTHER_DATABASES = 5;

const definitionRow = z.object({
  database: z.string(),
  name: z.string(),
  engine: z.string(),
  engine_full: z.string(),
  create_table_query: z.string(),
  as_select: z.string(),
});

/** How the tables of a database depend on each other, as far as the user can see them. */
export class TableDependencies {
  readonly #definitions: ReadonlyMap<string, TableDefinition>;
  /** The tables from which each table gets rows. */
  readonly #sources: ReadonlyMap<string, readonly Source[]>;

  private constructor(
    definitions: ReadonlyMap<string, TableDefinition>,
    sources: ReadonlyMap<string, readonly Source[]>,
  ) {
    this.#definitions = definitions;
    this.#sources = sources;
  }

  /**
   * Queries the definitions of a database's tables, and of the tables that they read in other databases.
   *
   * @param more definitions that are in no database, such as those of queries.
   */
  static async load(
    clickhouse: ClickHouse,
    database: string,
    more: readonly TableDefinition[] = [],
  ): Promise<TableDependencies> {
    const definitions = new Map<string, TableDefinition>();
    const origins: Origins = new Map();
    const engines = [...ENGINES_THAT_READ_OTHERS, ...UNREADABLE_ENGINES].map(quoteString).join(', ');
    let where = `database = ${quoteString(database)} AND engine IN (${engines})`;
    for (let round = 0; round <= MAX_OTHER_DATABASES; round += 1) {
      const rows = await clickhouse.rows(
        `SELECT database, name, engine, engine_full, create_table_query, as_select FROM system.tables WHERE ${where}`,
        {},
        definitionRow,
      );
      const found = [...(round === 0 ? more : []), ...rows.map(parseDefinition)].filter(
        (each) => !definitions.has(toKey(each)),
      );
      for (const each of found) definitions.set(toKey(each), each);
      const named = await resolveOrigins(clickhouse, found, origins);
      const elsewhere = named.filter((each) => each.database !== database && !definitions.has(toKey(each)));
      if (elsewhere.length === 0) break;
      const names = elsewhere.map((each) => `(${quoteString(each.database)}, ${quoteString(each.name)})`);
      const databases = new Set(elsewhere.map((each) => quoteString(each.database)));
      where = `database IN (${[...databases].join(', ')}) AND (database, name) IN (${names.join(', ')}) AND engine IN (${engines})`;
    }
    return new TableDependencies(definitions, buildSources(definitions, origins));
  }

  /** Returns the engine of a table if the engine can't be read or reads other tables. Otherwise returns undefined. */
  engineOf(table: TableName): string | undefined {
    return this.#definitions.get(toKey(table))?.engine;
  }

  /** Whether a table is a materialized view whose target (TO) is one of `others`. The target contains all rows of the view. */
  isHeldBy(table: TableName, others: readonly TableName[]): boolean {
    if (this.engineOf(table) !== 'MaterializedView' && this.engineOf(table) !== 'WindowView') return false;
    return this.#findHolders(table).some((holder) => others.some((other) => isSame(other, holder)));
  }

  /**
   * Finds the table in which the rows of a table are finally stored, such as the target of a materialized view. Returns
   * undefined if the table stores its rows itself.
   */
  findLastHolder(table: TableName): TableName | undefined {
    const seen: TableName[] = [table];
    for (;;) {
      const [holder] = this.#findHolders(seen.at(-1) ?? table);
      if (holder === undefined || seen.some((each) => isSame(each, holder))) break;
      seen.push(holder);
    }
    return seen.length === 1 ? undefined : seen.at(-1);
  }

  /** Finds the other tables whose rows a table contains, directly or through tables that are not in `others`. */
  findShared(table: TableName, others: readonly TableName[]): TableName[] {
    const found = new Map<string, TableName>();
    const seen = new Set([toKey(table)]);
    const visit = (from: TableName): void => {
      for (const { table: source } of this.#sources.get(toKey(from)) ?? []) {
        if (seen.has(toKey(source))) continue;
        seen.add(toKey(source));
        const other = others.find((each) => isSame(each, source));
        // Rows that `source` itself shares with other tables are reported in the warning for `source`.
        if (other === undefined) visit(source);
        else found.set(toKey(other), other);
      }
    };
    visit(table);
    return [...found.values()];
  }

  #findHolders(table: TableName): TableName[] {
    return (this.#sources.get(toKey(table)) ?? []).filter(({ isHolder }) => isHolder).map((each) => each.table);
  }
}

type Source = { table: TableName; isHolder: boolean };

/** The tables that each origin refers to. */
type Origins = Map<RowOrigin, TableName[]>;

/** Finds the tables that definitions refer to. Stores them in `origins`, and returns them. */
async function resolveOrigins(
  clickhouse: ClickHouse,
  definitions: readonly TableDefinition[],
  origins: Origins,
): Promise<TableName[]> {
  const named: TableName[] = [];
  for (const { holder, selectedFrom } of definitions) {
    for (const origin of [...(holder === undefined ? [] : [holder]), ...selectedFrom]) {
      const tables = await resolveOrigin(clickhouse, origin);
      origins.set(origin, tables);
      named.push(...tables);
    }
  }
  return named;
}

const nameRow = z.object({ database: z.string(), name: z.string() });

async function resolveOrigin(clickhouse: ClickHouse, origin: RowOrigin): Promise<TableName[]> {
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

/** Builds the list of sources of each table. The tables that a materialized view selects from are sources of its target. */
function buildSources(definitions: ReadonlyMap<string, TableDefinition>, origins: Origins): Map<string, Source[]> {
  const sources = new Map<string, Source[]>();
  const add = (table: TableName, origin: RowOrigin, isHolder: boolean): void => {
    const found = (origins.get(origin) ?? [])
      .filter((each) => !isSame(each, table))
      .map((each) => ({ table: each, isHolder }));
    sources.set(toKey(table), [...(sources.get(toKey(table)) ?? []), ...found]);
  };
  for (const definition of definitions.values()) {
    const { holder, selectedFrom } = definition;
    if (holder !== undefined) add(definition, holder, true);
    const targets = holder === undefined ? [definition] : (origins.get(holder) ?? []);
    for (const target of targets) for (const origin of selectedFrom) add(target, origin, false);
  }
  return sources;
}

function toKey({ database, name }: TableName): string {
  return JSON.stringify([database, name]);
}

function isSame(a: TableName, b: TableName): boolean {
  return a.database === b.database && a.name === b.name;
}
