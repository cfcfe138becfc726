import { ClickHouseError } from '@clickhouse/client';
import type { Column, Table } from '../schema/table.ts';
import { quoteString } from '../sql.ts';

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, by ClickHouse's ErrorCodes.cpp. */
const THROWN = '395';

/** The start of the error message of a query that was built for other columns. */
const CHANGED = 'source-clickhouse: the columns have changed';

/**
 * The SQL of a 0 that makes the query fail before its first row, if one of these columns is gone or has another type.
 *
 * A query is built from types that were looked up before. After an ALTER, its JSON may be invalid and its order different:
 * rows of a run that come from two responses would be lost or duplicated where the responses meet. The check is part of
 * the query, because an ALTER can run between a separate check and the query: the server locks the table when it reads FROM,
 * and runs this subquery after that. The check uses no IN, because a limit on sets (max_rows_in_set) would reject it.
 */
export function schemaGuardSql({ database, name }: Table, columns: readonly Column[]): string {
  const types = new Map(columns.map(({ name: column, type, declaredAs }) => [column, declaredAs ?? type.name]));
  const expected = [...types].map(([column, type]) => `(${quoteString(column)}, ${quoteString(type)})`);
  return `(SELECT throwIf(count() != ${types.size}, ${quoteString(CHANGED)}) FROM system.columns WHERE database = ${quoteString(database)} AND table = ${quoteString(name)} AND has([${expected.join(', ')}], (name, type)))`;
}

/** Whether a query failed because of its `schemaGuardSql`. Other errors may contain that text, but not at their start. */
export function isSchemaChanged(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === THROWN && error.message.startsWith(CHANGED);
}
