import { ClickHouseError } from '@clickhouse/client';
import type { Column, Table } from '../schema/table.ts';
import { quoteString } from '../sql.ts';

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, by ClickHouse's ErrorCodes.cpp. */
const THROWN = '395';

/** Begins the message by which a query tells that it was made for other columns. */
const CHANGED = 'source-clickhouse: the columns have changed';

/**
 * The SQL of a 0 that fails the query before its first row when the table no longer has one of these columns, or has it
 * with another type.
 *
 * A query is made of types that were looked up before. After an ALTER the JSON that it writes may not be valid, and the
 * order another one: rows of one run that come from two answers would be lost, or doubled, where these meet. The question
 * is part of the query, as an ALTER can overtake one that is asked before it: the server locks the table when it
 * reads FROM, and runs this subquery after that. It does without IN, which a limit on sets (max_rows_in_set) would refuse.
 */
export function schemaGuardSql({ database, name }: Table, columns: readonly Column[]): string {
  const types = new Map(columns.map(({ name: column, type, declaredAs }) => [column, declaredAs ?? type.name]));
  const expected = [...types].map(([column, type]) => `(${quoteString(column)}, ${quoteString(type)})`);
  return `(SELECT throwIf(count() != ${types.size}, ${quoteString(CHANGED)}) FROM system.columns WHERE database = ${quoteString(database)} AND table = ${quoteString(name)} AND has([${expected.join(', ')}], (name, type)))`;
}

/** Whether a query failed by its `schemaGuardSql`; the server's words begin so then, and may hold it in other cases. */
export function isSchemaChanged(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === THROWN && error.message.startsWith(CHANGED);
}
