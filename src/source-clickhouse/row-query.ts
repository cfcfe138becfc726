import type { QueryParameters } from './clickhouse-client.ts';
import type { CursorCodec } from './cursor.ts';
import { quoteIdentifier } from './identifier.ts';
import type { Partition, StreamState } from './stream-state.ts';
import type { Column, Table } from './table.ts';
import { isNullable } from './types/clickhouse-type.ts';
import { jsonExpression } from './types/json-expression.ts';

/** What every row line begins with: the columns of the query, in FORMAT JSONEachRow, in this order. */
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
};

/**
 * The query whose answer is the protocol: each row leaves ClickHouse as a finished RECORD message in one line, in the
 * order (cursor, row hash). The hash of the whole row stands beside the record, so that any line tells where to go on.
 *
 * - Every column is qualified: one that is called like an alias of ours ("type", "record") would be taken for it. The
 *   qualifier is a name that no column has, or else a part of that column would be taken (`t.a` of a Tuple `t`).
 * - The time of emission is a Decimal, as integers of 64 bits are quoted or not by a setting.
 * - The hash is made of all columns of the table, not of those selected: a changed selection must not change the order.
 * - The condition is `c >= x AND (c > x OR h >= y)`, as a comparison of tuples would keep ClickHouse from using its
 *   index. It gives the last row once more, because rows that are alike share the hash; the reader drops those it has.
 *
 * @param emittedAt milliseconds since the epoch, the same for all rows of the answer.
 */
export function rowQuery(
  { table, columns, cursor, final, partition }: RowSelection,
  after: StreamState | undefined,
  emittedAt: number,
): { query: string; parameters: QueryParameters } {
  const alias = quoteIdentifier(freeName('source', table.columns));
  const source = (column: Column): string => `${alias}.${quoteIdentifier(column.name)}`;
  const cursorColumn = source(cursor.column);
  // In a tuple, as NULL among the arguments of a hash function makes the hash NULL.
  const rowHash = `cityHash64(tuple(${table.columns.map(source).join(', ')}))`;
  const data = columns.map((column) => ({ name: column.name, ...jsonExpression(column.type, source(column)) }));
  const dataType = `Tuple(${data.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', ')})`;
  const recordType = `Tuple(stream String, namespace String, emitted_at Decimal(18, 0), data ${dataType})`;
  const dataValue = `CAST(tuple(${data.map(({ sql }) => sql).join(', ')}), ${quoteString(dataType)})`;

  const conditions: string[] = [];
  const parameters: QueryParameters = { stream: table.name, namespace: table.database, emitted_at: emittedAt };
  if (isNullable(cursor.column.type)) conditions.push(`${cursorColumn} IS NOT NULL`);
  if (partition !== undefined) {
    conditions.push(`cityHash64(${alias}.custom_id) % {partition_count:UInt64} = {partition_index:UInt64}`);
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
      conditions.push(`${cursorColumn} >= ${bound}`, `(${cursorColumn} > ${bound} OR ${rowHash} >= {row_hash:UInt64})`);
    }
  }

  const query = [
    "SELECT 'RECORD' AS type,",
    `CAST(({stream:String}, {namespace:String}, toDecimal64({emitted_at:Int64}, 0), ${dataValue}), ${quoteString(recordType)}) AS record,`,
    `toString(${rowHash}) AS row_hash`,
    `FROM ${quoteIdentifier(table.database)}.${quoteIdentifier(table.name)} AS ${alias}${final ? ' FINAL' : ''}`,
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(' AND ')}`]),
    `ORDER BY ${cursorColumn}, ${rowHash}`,
    'FORMAT JSONEachRow',
  ].join('\n');
  return { query, parameters };
}

/** A text as a string literal of SQL. */
function quoteString(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** A name that no column has, nor begins with before a dot. */
function freeName(wish: string, columns: readonly Column[]): string {
  const isTaken = columns.some(({ name }) => name === wish || name.startsWith(`${wish}.`));
  return isTaken ? freeName(`${wish}_`, columns) : wish;
}
