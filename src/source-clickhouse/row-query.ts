import type { QueryParameters } from './clickhouse-client.ts';
import type { CursorCodec } from './cursor.ts';
import { quoteIdentifier, quoteString } from './identifier.ts';
import type { Partition, Position } from './stream-state.ts';
import type { Column, Table } from './table.ts';
import { isNullable } from './types/clickhouse-type.ts';
import { anyOf, hasNonFinite, jsonPairs } from './types/json-text.ts';
import { unchangedTable } from './unchanged-table.ts';

/** What every row line begins with. */
export const ROW_LINE_START = '{"type":"RECORD","record":{';

export type RowSelection = {
  table: Table;
  /** The columns that leave, the required ones among them. */
  columns: readonly Column[];
  cursor: { column: Column; codec: CursorCodec };
  /** Whether the server merges the versions of a row before it gives them. */
  final: boolean;
  /** One of `count` parts of the rows, split by profile; undefined for all rows. */
  partition: Partition | undefined;
  /**
   * The columns that the row hash is made of. Not those that leave: a changed selection must not change the order. Nor
   * those that were added since the state was written, which holds hashes: see `hasAddedColumns`.
   */
  hashedColumns: readonly Column[];
  /** Only rows whose cursor is before this text of one are read; undefined for all. */
  readBefore: string | undefined;
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
 * order (cursor, row hash). The hash of the whole row stands beside the record, so that any line tells where to go on.
 *
 * - The message is one text that the SELECT puts together (see `jsonText` for why), and TSVRaw passes it on as it is.
 * - Every column is qualified: one that is called like an alias of ours would be taken for it. The qualifier is a name
 *   that no column has, or else a part of that column would be taken (`t.a` of a Tuple `t`).
 * - The condition is `c >= x AND (c > x OR h >= y)`, as a comparison of tuples would keep ClickHouse from using its
 *   index. It gives the last row once more, because rows that are alike share the hash; the reader drops those it has.
 * - The first half of the text stands in ORDER BY as well, behind what makes the order. ClickHouse puts off what the
 *   order does not need until the rows are sorted, and does it in one thread there. With a half on each side, two
 *   threads write texts: measured, that takes two thirds of the time.
 *
 * @param emittedAt milliseconds since the epoch, the same for all rows of the answer.
 * @param most how many rows are asked for.
 */
export function rowQuery(
  selection: RowSelection,
  after: Position | undefined,
  emittedAt: number,
  most: number = Number.POSITIVE_INFINITY,
): { query: string; parameters: QueryParameters } {
  const { table, columns, cursor } = selection;
  const source = qualifier(table);
  const fullHash = hasAddedColumns(selection) ? hashOf({ table, hashedColumns: table.columns }) : undefined;
  const typedColumns = [...columns, ...(fullHash === undefined ? selection.hashedColumns : table.columns)];
  const rows = rowsAfter(selection, after, unchangedTable(table, typedColumns));
  const rowHash = hashOf(selection);
  const fields = columns.map((column) => ({ name: column.name, type: column.type, value: source(column) }));
  const pairs = jsonPairs(fields);
  // A field is two operands.
  const half = 2 * Math.ceil(fields.length / 2);
  const firstHalf = `concat(${pairs.slice(0, half).join(', ')})`;
  const line = [
    '{line_start:String}',
    firstHalf,
    ...pairs.slice(half),
    `'}'`,
    ...changesOf(fields),
    ...(fullHash === undefined
      ? [`'},"row_hash":"'`]
      : [`'},"full_hash":"'`, `toString(${fullHash})`, `'","row_hash":"'`]),
    `toString(${rowHash})`,
    `'"}'`,
  ];
  const query = [
    `SELECT concat(${line.join(', ')})`,
    rows.clauses,
    `ORDER BY ${[source(cursor.column), rowHash, fullHash, firstHalf].filter((key) => key !== undefined).join(', ')}`,
    ...(most === Number.POSITIVE_INFINITY ? [] : [`LIMIT ${most}`]),
    'FORMAT TSVRaw',
  ].join('\n');
  const start = { stream: table.name, namespace: table.database, emitted_at: emittedAt };
  const line_start = `${ROW_LINE_START}${JSON.stringify(start).slice(1, -1)},"data":{`;
  return { query, parameters: { line_start, ...rows.parameters } };
}

/**
 * The FROM and WHERE of the rows after a position, each clause in a line.
 *
 * @param condition a further one.
 */
export function rowsAfter(
  selection: RowSelection,
  after: Position | undefined,
  condition?: string,
): { clauses: string; parameters: QueryParameters } {
  const { table, cursor, final, partition, readBefore } = selection;
  const source = qualifier(table);
  const cursorColumn = source(cursor.column);
  const conditions: string[] = [];
  const parameters: QueryParameters = {};
  if (isNullable(cursor.column.type)) conditions.push(`${cursorColumn} IS NOT NULL`);
  if (partition !== undefined) {
    // The hash of a NULL is NULL: a row without a profile would belong to no part, and nobody would be told of it.
    const profile = `ifNull(cityHash64(${source({ name: 'custom_id' })}), 0)`;
    conditions.push(`${profile} % {partition_count:UInt64} = {partition_index:UInt64}`);
    parameters.partition_count = partition.count;
    parameters.partition_index = partition.index;
  }
  if (after?.cursor != null) {
    const bound = `{cursor:${cursor.codec.parameterType}}`;
    parameters.cursor = cursor.codec.toParameter(after.cursor);
    if (after.tie_break === undefined) {
      conditions.push(`${cursorColumn} > ${bound}`);
    } else {
      parameters.row_hash = after.tie_break.row_hash;
      conditions.push(
        `${cursorColumn} >= ${bound}`,
        `(${cursorColumn} > ${bound} OR ${hashOf(selection)} >= {row_hash:UInt64})`,
      );
    }
  }
  if (readBefore !== undefined) {
    conditions.push(`${cursorColumn} < {read_before:${cursor.codec.parameterType}}`);
    parameters.read_before = cursor.codec.toParameter(readBefore);
  }
  if (condition !== undefined) conditions.push(condition);
  const from = `FROM ${quoteIdentifier(table.database)}.${quoteIdentifier(table.name)} AS ${quoteIdentifier(aliasOf(table))}${final ? ' FINAL' : ''}`;
  const clauses = conditions.length === 0 ? from : `${from}\nWHERE ${conditions.join(' AND ')}`;
  return { clauses, parameters };
}

/** The hash of a row. In a tuple, as NULL among the arguments of a hash function makes the hash NULL. */
function hashOf({ table, hashedColumns }: Pick<RowSelection, 'table' | 'hashedColumns'>): string {
  return `cityHash64(tuple(${hashedColumns.map(qualifier(table)).join(', ')}))`;
}

function qualifier(table: Table): (column: Pick<Column, 'name'>) => string {
  const alias = quoteIdentifier(aliasOf(table));
  return ({ name }) => `${alias}.${quoteIdentifier(name)}`;
}

/**
 * The SQL of the record's `meta`, if a value may be one that JSON lacks: the columns that hold a NaN or an infinity,
 * which leave as null. https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol#airbyterecordmessagemeta
 */
function changesOf(fields: Parameters<typeof jsonPairs>[0]): string[] {
  const conditions = fields.map(({ type, value }) => hasNonFinite(type, value));
  const any = anyOf(conditions);
  if (any === undefined) return [];
  const changes = conditions.flatMap((condition, index) => {
    if (condition === undefined) return [];
    const change = { field: fields[index]?.name, change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' };
    return [`if(${condition}, ${quoteString(JSON.stringify(change))}, '')`];
  });
  const list = `arrayStringConcat(arrayFilter(x -> x != '', [${changes.join(', ')}]), ',')`;
  return [`if(${any}, concat(',"meta":{"changes":[', ${list}, ']}'), '')`];
}

/** What the table is called in the query: a name that none of its columns has, nor begins with before a dot. */
function aliasOf({ columns }: Table): string {
  let alias = 'source';
  while (columns.some(({ name }) => name === alias || name.startsWith(`${alias}.`))) alias += '_';
  return alias;
}
