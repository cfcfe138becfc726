import { ClickHouseError } from '@clickhouse/client';
import type { Column, Table } from '../schema/table.ts';
import { quoteString } from '../sql.ts';

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO in ClickHouse's ErrorCodes.cpp. */
const THROWN = '395';

/** The start of the error message if the columns have changed since the query was built. */
const CHANGED = 'source-clickhouse: the columns have changed';

/**
 * Returns SQL that makes the query fail before its first row if one of these columns is gone or has another type. Otherwise the
 * value of the SQL is 0.
 *
 * A query is built from column types that were looked up earlier. After an ALTER, its JSON may be invalid and its order may
 * differ. If the run then continued with a second query, rows would be lost or duplicated.
 *
 * The check is part of the query, because an ALTER could run between a separate check and the query. The server locks the table
 * when it reads FROM, and runs this subquery after that. The check uses no IN, because a limit on sets (max_rows_in_set) would
 * reject it.
 */
export function schemaGuardSql({ database, name }: Table, columns: readonly Column[]): string {
  const types = new Map(columns.map((column) => [column.name, declaredType(column)]));
  const expected = [...types].map(([column, type]) => `(${quoteString(column)}, ${quoteString(type)})`);
  return `(SELECT throwIf(count() != ${types.size}, ${quoteString(CHANGED)}) FROM system.columns WHERE database = ${quoteString(database)} AND table = ${quoteString(name)} AND has([${expected.join(', ')}], (name, type)))`;
}

/**
 * Returns SQL that does the same for the columns of a subquery, which no system table lists. This SQL fails at the first row that
 * the server returns, because the server doesn't compute a throwIf in advance.
 */
export function typeGuardSql(columns: readonly Column[], qualify: (column: Column) => string): string {
  // Some versions write the name of a type on several lines (print_pretty_type_names).
  const types = new Map(
    columns.map((column) => [
      `replaceRegexpAll(toTypeName(${qualify(column)}), '\\\\s', '')`,
      declaredType(column).replaceAll(/\s/g, ''),
    ]),
  );
  const expected = [...types.values()].map(quoteString);
  return `throwIf([${[...types.keys()].join(', ')}] != [${expected.join(', ')}], ${quoteString(CHANGED)})`;
}

function declaredType({ type, declaredAs }: Column): string {
  return declaredAs ?? type.name;
}

/**
 * Whether a query failed because of its `schemaGuardSql` or `typeGuardSql`. Other errors may contain the same text, but not at
 * their start.
 */
export function isSchemaChanged(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === THROWN && error.message.startsWith(CHANGED);
}
