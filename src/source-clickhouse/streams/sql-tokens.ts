import { createHash } from 'node:crypto';

/** A word, name, string or sign in SQL. `text` is its value: for a quoted name or a string, the value without the quotes. */
export type SqlToken = { kind: 'word' | 'quoted_name' | 'string' | 'sign'; text: string };

/**
 * Matches, in this order: whitespace and comments, strings and quoted names, words, numbers, any other character. A comment that
 * contains the start of another comment is not matched as a comment, because it depends on the server's version whether comments
 * can be nested.
 */
const TOKEN =
  /(\s+|(?:--|#[ !])[^\n]*|\/\*(?:(?!\/\*|\*\/)[\s\S])*\*\/)|'((?:[^'\\]|\\[\s\S]|'')*)'|`((?:[^`\\]|\\[\s\S]|``)*)`|"((?:[^"\\]|\\[\s\S]|"")*)"|([A-Za-z_]\w*)|\d[\w.]*|[\s\S]/gu;

/** The number of characters of a fingerprint: 96 bits. */
const FINGERPRINT_LENGTH = 16;

/** The escape sequences in strings and quoted names: https://clickhouse.com/docs/sql-reference/syntax#string */
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', 0: '\0', a: '\x07', v: '\v' };

/** Splits SQL into tokens, by ClickHouse's syntax. Never fails: text that is not SQL is also split. */
export function tokenizeSql(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  for (const [text, blank, string, backticked, quoted, word] of sql.matchAll(TOKEN)) {
    if (blank !== undefined) continue;
    if (string !== undefined) tokens.push({ kind: 'string', text: unquote(string, "'") });
    else if (backticked !== undefined) tokens.push({ kind: 'quoted_name', text: unquote(backticked, '`') });
    else if (quoted !== undefined) tokens.push({ kind: 'quoted_name', text: unquote(quoted, '"') });
    else tokens.push({ kind: word === undefined ? 'sign' : 'word', text });
  }
  return tokens;
}

/** Finds the names of a query's parameters, which have the form `{name:Type}`. */
export function findParameters(tokens: readonly SqlToken[]): string[] {
  const names = tokens.flatMap(({ kind, text }, at) =>
    kind === 'word' && tokens[at - 1]?.text === '{' && tokens[at + 1]?.text === ':' ? text : [],
  );
  return [...new Set(names)];
}

/** Returns a short hash of SQL that doesn't change with its comments and whitespace. */
export function fingerprintSql(sql: string): string {
  const tokens = tokenizeSql(sql).map(({ kind, text }) => [kind, text]);
  return createHash('sha256').update(JSON.stringify(tokens)).digest('base64url').slice(0, FINGERPRINT_LENGTH);
}

function unquote(text: string, quote: string): string {
  const escaped = /\\x([0-9a-fA-F]{2})|\\([\s\S])|(''|``|"")/g;
  return text.replace(escaped, (whole, hex: string | undefined, letter: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (letter !== undefined) return ESCAPES[letter] ?? letter;
    return whole === quote + quote ? quote : whole;
  });
}
