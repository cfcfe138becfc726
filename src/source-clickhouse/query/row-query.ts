import type { StreamDescriptor } from '../../protocol/messages.ts';
import type { QueryParameters } from '../client/client.ts';
import { PROFILE_COLUMN } from '../config/schema.ts';
import { isNullable } from '../schema/clickhouse-type.ts';
import type { CursorCodec } from '../schema/cursor.ts';
import { type Field, jsonPairsSql, jsonSql, nonFiniteSql } from '../schema/json-sql.ts';
import { type Column, rowsSql, type Table } from '../schema/table.ts';
import { quoteIdentifier, quoteString, quoteTable } from '../sql.ts';
import { isInsideGroup, type Position } from '../state/position.ts';
import type { Partition } from '../state/stream-state.ts';
import { buildLineStart, lineEndSql } from './record-line.ts';
import { schemaGuardSql, typeGuardSql } from './schema-guard.ts';

/** The table or query of a stream, and how it is read. */
export type ResolvedStream = {
  /** The stream in the form that messages use. */
  stream: StreamDescriptor;
  table: Table;
  /** The columns in the records, including the required columns. */
  columns: readonly Column[];
  cursor: { column: Column; codec: CursorCodec };
  /** Whether the server returns only the last version of a row (FINAL). */
  final: boolean;
  /** The part of the rows to read, split by profile; undefined for all rows. */
  partition: Partition | undefined;
};

/** Which rows of a stream are read, and by which columns they are recognised. */
export type RowSelection = ResolvedStream & {
  /**
   * The columns in the row hash. They include columns that are not selected for the records, so that the order does not depend
   * on the selection. They exclude columns that were added after the state was written: see `hasAddedColumns`.
   */
  hashedColumns: readonly Column[];
  /** Only rows before this cursor are read; undefined for all rows. */
  lagBound: string | undefined;
};

/**
 * Whether the table has columns that are not in the row hash. Rows that differ only in these columns have the same row hash, so
 * each line then also contains a hash of all columns. This second hash defines the order of rows with the same row hash, and the
 * state uses it once all rows have been read.
 */
export function hasAddedColumns({ table, hashedColumns }: Pick<RowSelection, 'table' | 'hashedColumns'>): boolean {
  return hashedColumns.length < table.columns.length;
}

/**
 * Builds the query that returns each row as a finished RECORD message in one line, in the order (cursor, row hash). The row
 * hash is in the line, too, after the record, so that a read can continue after any line.
 *
 * - The SELECT builds the message as one string (see `jsonSql` for the reasons), and TSVRaw returns it unchanged.
 * - Every column is qualified. Otherwise ClickHouse would confuse a column with an alias of the same name. The qualifier must
 *   not be the name of a column: next to a Tuple column `t`, `t.a` would be an element of the Tuple.
 * - The condition on the cursor `c` and the row hash `h` is `c >= x AND (c > x OR h >= y)`, because ClickHouse doesn't use its
 *   index for a comparison of tuples. The condition includes the last row that was read, because there may be unread rows that
 *   are equal to it and so have the same hash. `PageCutter` drops the rows that were read.
 *
 * @param emittedAt milliseconds since the epoch, the same for all rows.
 * @param maxRows the maximum number of rows.
 */
export function buildRowQuery(
  selection: RowSelection,
  after: Position,
  emittedAt: number,
  maxRows: number = Number.POSITIVE_INFINITY,
): { query: string; parameters: QueryParameters } {
  const { table, columns, cursor, hashedColumns } = selection;
  const definitions = new Definitions(table);
  const fullHash = hasAddedColumns(selection) ? rowHashSql(table, table.columns, definitions) : undefined;
  const hash = rowHashSql(table, hashedColumns, definitions);
  const typedColumns = [...columns, ...(fullHash === undefined ? hashedColumns : table.columns)];
  const fields = createFields(table, columns);
  const guard = table.query === undefined ? schemaGuardSql(table, typedColumns) : undefined;
  const rows = buildRowClauses(selection, after, hash, guard);
  const line = [
    guard === undefined ? guardedLineStartSql(table, typedColumns) : '{line_start:String}',
    ...joinInHalves(jsonPairsSql(fields)).map((half) => definitions.name(half)),
    `'}'`,
    ...metaChangesSql(fields, definitions),
    ...lineEndSql(hash, fullHash),
  ];
  const order = [qualify(table, cursor.column), hash, ...(fullHash === undefined ? [] : [fullHash])];
  const query = [
    `WITH ${definitions.clause}`,
    `SELECT concat(${line.join(', ')})`,
    rows.clauses,
    `ORDER BY ${order.join(', ')}`,
    ...(maxRows === Number.POSITIVE_INFINITY ? [] : [`LIMIT ${maxRows}`]),
    'FORMAT TSVRaw',
  ].join('\n');
  const line_start = buildLineStart(selection.stream, emittedAt);
  return { query, parameters: { line_start, ...rows.parameters } };
}

/**
 * Builds the FROM and WHERE clauses for the rows after a position, each on its own line.
 *
 * @param hash the SQL of the row hash; without it, all rows of the group are included if the position is inside a group.
 * @param guard the SQL from `schemaGuardSql`. It is merged into the last condition, because on ClickHouse 25.8 a constant
 *   condition breaks reads of a table to which a column was added.
 */
export function buildRowClauses(
  selection: RowSelection,
  after: Position,
  hash?: string,
  guard?: string,
): { clauses: string; parameters: QueryParameters } {
  const { table, cursor, final, partition, lagBound } = selection;
  const cursorColumn = qualify(table, cursor.column);
  const { parameterType, toParameter } = cursor.codec;
  const conditions: string[] = [];
  const parameters: QueryParameters = {};
  if (table.where !== undefined) conditions.push(`(\n${table.where}\n)`);
  if (isNullable(cursor.column.type)) conditions.push(`${cursorColumn} IS NOT NULL`);
  if (partition !== undefined) {
    conditions.push(partitionSql(table, partition));
    parameters.partition_count = partition.count;
    parameters.partition_index = partition.index;
  }
  if (lagBound !== undefined) {
    conditions.push(`${cursorColumn} < {lag_bound:${parameterType}}`);
    parameters.lag_bound = toParameter(lagBound);
  }
  if (after.kind !== 'start') {
    const bound = `{cursor:${parameterType}}`;
    parameters.cursor = toParameter(after.cursor);
    conditions.push(`${cursorColumn} ${after.kind === 'after-group' ? '>' : '>='} ${bound}`);
    if (isInsideGroup(after) && hash !== undefined) {
      parameters.row_hash = after.rowHash;
      conditions.push(`${cursorColumn} > ${bound} OR ${hash} >= {row_hash:UInt64}`);
    }
  }
  if (guard !== undefined) {
    const last = conditions.pop();
    conditions.push(last === undefined ? `${guard} = 0` : `${last} OR ${guard} != 0`);
  }
  const rows = table.query === undefined ? quoteTable(table) : rowsSql(table);
  const from = `FROM ${rows} AS ${quoteIdentifier(chooseAlias(table))}${finalSql(final)}`;
  const where = conditions.map((condition) => (condition.includes(' OR ') ? `(${condition})` : condition));
  return { clauses: where.length === 0 ? from : `${from}\nWHERE ${where.join(' AND ')}`, parameters };
}

/**
 * Returns the SQL of the start of a line. Its guard throws, so the query fails, if a column of the user's query has changed type.
 */
function guardedLineStartSql(table: Table, columns: readonly Column[]): string {
  return `if(${typeGuardSql(columns, (column) => qualify(table, column))} = 0, {line_start:String}, '')`;
}

/** Returns the condition that a row's profile belongs to the partition. */
function partitionSql(table: Table, { column = PROFILE_COLUMN }: Partition): string {
  // The hash of NULL is NULL. Without ifNull, a row without a profile would be in no partition, and would be silently lost.
  const profile = `ifNull(cityHash64(${qualify(table, { name: column })}), 0)`;
  return `${profile} % {partition_count:UInt64} = {partition_index:UInt64}`;
}

/** Returns the modifier of FROM that makes the server return only the last version of a row. */
function finalSql(final: boolean): string {
  return final ? ' FINAL' : '';
}

/**
 * Returns the SQL of the row hash. It hashes the columns' JSON instead of their values, because the hash of a string is the
 * same in every version of ClickHouse. Some values can only be hashed by newer versions (NULL in a tuple from 25.5 on, JSON
 * from 26.1 on), and the hash of an aggregate state can change with each read.
 */
function rowHashSql(table: Table, columns: readonly Column[], definitions: Definitions): string {
  const fields = createFields(table, columns).map((field) => {
    const isOwn = jsonSql(field.type, field.value, 'identity') !== jsonSql(field.type, field.value);
    // The record and the hash have different expressions for this column. If the same branch of an `if` occurred in both, the
    // server would compute it for all rows, even where the condition is false. With `materialize`, the branches differ.
    return isOwn ? { ...field, value: `materialize(${field.value})` } : field;
  });
  const halves = joinInHalves(jsonPairsSql(fields, 'identity')).map((half) => definitions.name(half));
  return definitions.name(`cityHash64(${halves.join(', ')})`);
}

/**
 * Joins the pairs of a row into two strings. One string would cost the server the same, but the row hashes in existing states
 * are hashes of these two strings.
 *
 * @param pairs two operands for each column: see `jsonPairsSql`.
 */
function joinInHalves(pairs: readonly string[]): string[] {
  const half = 2 * Math.ceil(pairs.length / 4);
  return [pairs.slice(0, half), pairs.slice(half)].map((operands) =>
    operands.length === 0 ? `''` : `concat(${operands.join(', ')})`,
  );
}

function createFields(table: Table, columns: readonly Column[]): Field[] {
  return columns.map((column) => ({ name: column.name, type: column.type, value: qualify(table, column) }));
}

/** Returns the SQL of a column in the clauses from `buildRowClauses`. */
export function qualify(table: Table, { name }: Pick<Column, 'name'>): string {
  return `${quoteIdentifier(chooseAlias(table))}.${quoteIdentifier(name)}`;
}

/**
 * Returns the SQL of the record's `meta`, which names the columns that contain NaN or an infinity. JSON has neither, so they are
 * sent as null. Returns an empty array if no column can contain them.
 * https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol#airbyterecordmessagemeta
 */
function metaChangesSql(fields: readonly Field[], definitions: Definitions): string[] {
  const lossy = fields.flatMap(({ name, type, value }) => {
    const condition = nonFiniteSql(type, value);
    return condition === undefined ? [] : [{ name, condition }];
  });
  if (lossy.length === 0) return [];
  const isNulled = definitions.name(`[${lossy.map(({ condition }) => condition).join(', ')}]`);
  const names = lossy.map(({ name }) => quoteString(JSON.stringify(name)));
  const change = `concat('{"field":', name, ',"change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}')`;
  const changes = `arrayMap(name -> ${change}, arrayFilter((name, nulled) -> nulled, [${names.join(', ')}], ${isNulled}))`;
  return [`if(has(${isNulled}, 1), concat(',"meta":{"changes":[', arrayStringConcat(${changes}, ','), ']}'), '')`];
}

/** Chooses the alias of the table in the query. No name of a column is this alias, or begins with the alias and a dot. */
function chooseAlias(table: Table): string {
  return chooseUnusedName(table, 'source');
}

/**
 * Chooses a name that no column has and that the user's SQL doesn't contain. Otherwise the name could change the meaning of the
 * user's SQL, because a name in WITH also applies to subqueries, and an alias in a SELECT also applies to its WHERE.
 */
export function chooseUnusedName({ columns, query = '', where = '' }: Table, wanted: string): string {
  let unused = wanted;
  const isUsed = (): boolean =>
    columns.some(({ name }) => name === unused || name.startsWith(`${unused}.`)) ||
    `${query} ${where}`.includes(unused);
  while (isUsed()) unused += '_';
  return unused;
}

/** Gives names to expressions that a query uses more than once. With many columns, these expressions are long. */
class Definitions {
  readonly #table: Table;
  readonly #names = new Map<string, string>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Returns the name of an expression. */
  name(expression: string): string {
    const name = this.#names.get(expression) ?? chooseUnusedName(this.#table, `expression_${this.#names.size + 1}`);
    this.#names.set(expression, name);
    return name;
  }

  /** The definitions for the WITH clause. */
  get clause(): string {
    return [...this.#names].map(([expression, name]) => `${expression} AS ${name}`).join(', ');
  }
}
