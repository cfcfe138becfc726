import type { StreamDescriptor } from '../../protocol/messages.ts';
import type { QueryParameters } from '../client/client.ts';
import { isNullable } from '../schema/clickhouse-type.ts';
import type { CursorCodec } from '../schema/cursor.ts';
import { type Field, jsonPairsSql, jsonSql, nonFiniteSql } from '../schema/json-sql.ts';
import { type Column, PROFILE_COLUMN, type Table } from '../schema/table.ts';
import { quoteIdentifier, quoteString, quoteTable } from '../sql.ts';
import { isInsideGroup, type Position } from '../state/position.ts';
import type { Partition } from '../state/stream-state.ts';
import { buildLineStart, lineEndSql } from './record-line.ts';
import { schemaGuardSql } from './schema-guard.ts';

/** What a stream is in the database, as the configuration has it read. */
export type ResolvedStream = {
  /** How the messages name the stream: as the catalog does, with a namespace or without. */
  stream: StreamDescriptor;
  table: Table;
  /** The columns that leave, the required ones among them. */
  columns: readonly Column[];
  cursor: { column: Column; codec: CursorCodec };
  /** Whether the server merges the versions of a row before it gives them. */
  final: boolean;
  /** One of `count` parts of the rows, split by profile; undefined for all rows. */
  partition: Partition | undefined;
};

/** The rows of a stream that are read. */
export type RowSelection = ResolvedStream & {
  /**
   * The columns that the row hash is made of. Not those that leave: a changed selection must not change the order. Nor
   * those that were added since the state was written, which holds hashes: see `hasAddedColumns`.
   */
  hashedColumns: readonly Column[];
  /** Only rows whose cursor is before this text of one are read; undefined for all. */
  lagBound: string | undefined;
};

/**
 * Whether the table has columns that the row hash is not made of. Rows that differ in these alone have one hash, so each
 * line then bears a hash of all columns as well, by which such rows are put in order, and to which the state goes over
 * when all rows have been read.
 */
export function hasAddedColumns({ table, hashedColumns }: Pick<RowSelection, 'table' | 'hashedColumns'>): boolean {
  return hashedColumns.length < table.columns.length;
}

/**
 * The query whose answer is the protocol: each row leaves ClickHouse as a finished RECORD message in one line, in the
 * order (cursor, row hash). The hash of the whole row is next to the record, so that a read can continue after any line.
 *
 * - The message is one string that the SELECT builds (see `jsonSql` for why), and TSVRaw passes it on as it is.
 * - Every column is qualified: one that is called like an alias of ours would be taken for it. The qualifier is a name
 *   that no column has, or otherwise a part of that column would be taken (`t.a` of a Tuple `t`).
 * - The condition is `c >= x AND (c > x OR h >= y)`, as a comparison of tuples would keep ClickHouse from using its
 *   index. It returns the last row once more, because rows that are alike share the hash; the reader drops those it has.
 *
 * @param emittedAt milliseconds since the epoch, the same for all rows of the answer.
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
  const rows = buildRowClauses(selection, after, hash, schemaGuardSql(table, typedColumns));
  const line = [
    '{line_start:String}',
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
 * The FROM and WHERE of the rows after a position, each clause in a line.
 *
 * @param hash the SQL of the row hash; without it, all rows of the position's cursor are among them.
 * @param guard the SQL of a 0 that may fail the query. It is a part of the last condition: on ClickHouse 25.8 a constant that
 *   is a condition of its own breaks reads of a table to which a column was added.
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
  if (isNullable(cursor.column.type)) conditions.push(`${cursorColumn} IS NOT NULL`);
  if (partition !== undefined) {
    conditions.push(partitionSql(table));
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
  const from = fromSql(table, { final });
  const where = conditions.map((condition) => (condition.includes(' OR ') ? `(${condition})` : condition));
  return { clauses: where.length === 0 ? from : `${from}\nWHERE ${where.join(' AND ')}`, parameters };
}

/** The condition that a row's profile belongs to the partition. */
function partitionSql(table: Table): string {
  // The hash of a NULL is NULL: a row without a profile would belong to no part, and would be lost in silence.
  const profile = `ifNull(cityHash64(${qualify(table, { name: PROFILE_COLUMN })}), 0)`;
  return `${profile} % {partition_count:UInt64} = {partition_index:UInt64}`;
}

/** @param final whether the server merges the versions of a row before it gives them (FINAL). */
function fromSql(table: Table, { final }: { final: boolean }): string {
  return `FROM ${quoteTable(table)} AS ${quoteIdentifier(chooseAlias(table))}${final ? ' FINAL' : ''}`;
}

/**
 * The SQL of the hash that a row is recognised by: of the JSON of its columns, and not of their values. Which values can be
 * hashed depends on the server's version (NULL in a tuple from 25.5 on, JSON from 26.1 on), and the hash of an aggregate
 * state is another one at each read. A string has had the same hash in every version.
 */
function rowHashSql(table: Table, columns: readonly Column[], definitions: Definitions): string {
  const fields = createFields(table, columns).map((field) => {
    const isOwn = jsonSql(field.type, field.value, 'identity') !== jsonSql(field.type, field.value);
    // A branch that two expressions share is computed for every row, also for those of which it is not true.
    return isOwn ? { ...field, value: `materialize(${field.value})` } : field;
  });
  const halves = joinInHalves(jsonPairsSql(fields, 'identity')).map((half) => definitions.name(half));
  return definitions.name(`cityHash64(${halves.join(', ')})`);
}

/**
 * The SQL of the pairs of a row, in two halves. Two threads of the server then write strings: measured on two cores, it
 * takes two thirds of the time.
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

function qualify(table: Table, { name }: Pick<Column, 'name'>): string {
  return `${quoteIdentifier(chooseAlias(table))}.${quoteIdentifier(name)}`;
}

/**
 * The SQL of the record's `meta`, if a value may be one that JSON lacks: the columns that hold a NaN or an infinity,
 * which leave as null. https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol#airbyterecordmessagemeta
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

/** What the table is called in the query: a name that none of its columns has, nor begins with before a dot. */
function chooseAlias(table: Table): string {
  return chooseUnusedName(table, 'source');
}

function chooseUnusedName({ columns }: Table, wanted: string): string {
  let unused = wanted;
  while (columns.some(({ name }) => name === unused || name.startsWith(`${unused}.`))) unused += '_';
  return unused;
}

/** The expressions that a query uses more than once, each written once: a table of many columns makes long ones. */
class Definitions {
  readonly #table: Table;
  readonly #names = new Map<string, string>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** The name of an expression. */
  name(expression: string): string {
    const name = this.#names.get(expression) ?? chooseUnusedName(this.#table, `expression_${this.#names.size + 1}`);
    this.#names.set(expression, name);
    return name;
  }

  /** What follows WITH. */
  get clause(): string {
    return [...this.#names].map(([expression, name]) => `${expression} AS ${name}`).join(', ');
  }
}
