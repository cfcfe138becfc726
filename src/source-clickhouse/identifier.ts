/**
 * A name as ClickHouse reads it back, whatever it holds: between backticks, with backticks and backslashes escaped.
 * https://clickhouse.com/docs/sql-reference/syntax#identifiers
 */
export function quoteIdentifier(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}
