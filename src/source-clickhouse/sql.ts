/**
 * A name as ClickHouse reads it back, whatever it holds: between backticks, with backticks and backslashes escaped.
 * https://clickhouse.com/docs/sql-reference/syntax#identifiers
 */
export function quoteIdentifier(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

/** A text as a string literal of SQL. https://clickhouse.com/docs/sql-reference/syntax#string */
export function quoteString(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** A table with its database, as SQL. */
export function quoteTable({ database, name }: { database: string; name: string }): string {
  return `${quoteIdentifier(database)}.${quoteIdentifier(name)}`;
}
