/**
 * Quotes an identifier: in backticks, with backticks and backslashes escaped.
 * https://clickhouse.com/docs/sql-reference/syntax#identifiers
 */
export function quoteIdentifier(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

/** Quotes a string literal. https://clickhouse.com/docs/sql-reference/syntax#string */
export function quoteString(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** Quotes a table with its database. */
export function quoteTable({ database, name }: { database: string; name: string }): string {
  return `${quoteIdentifier(database)}.${quoteIdentifier(name)}`;
}
