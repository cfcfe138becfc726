import { findParameters, type SqlToken, tokenizeSql } from '../streams/sql-tokens.ts';

// SQL from the configuration is sent between brackets. These functions make sure that it can't end the brackets, and that
// ClickHouse splits it into the same tokens as we do, in every version. Everything else is up to the server: the rights
// of the user, and its grammar of a subquery, which has no FORMAT and no second statement.

/** The brackets that close each other. */
const BRACKETS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const CLOSING = Object.values(BRACKETS);

/**
 * Returns what is wrong with the SELECT of a query, or undefined if it can be sent as a subquery. The text continues a sentence
 * that begins with the name of the option.
 */
export function findQueryProblem(sql: string): string | undefined {
  const tokens = tokenizeSql(sql);
  const problem = findPartProblem(tokens);
  if (problem !== undefined) return problem;
  const first = tokens.find(({ text }) => text !== '(');
  if (!['SELECT', 'WITH', 'FROM'].includes(toKeyword(first))) return 'must be a SELECT, which may begin with WITH';
  return undefined;
}

/** Returns what is wrong with a condition, or undefined if it can be sent after WHERE. The text is as in `findQueryProblem`. */
export function findConditionProblem(sql: string): string | undefined {
  const tokens = tokenizeSql(sql);
  if (toKeyword(tokens[0]) === 'WHERE') return 'must be only the condition, without the word WHERE';
  return findPartProblem(tokens);
}

/** Returns what is wrong with a part of a statement. */
function findPartProblem(tokens: readonly SqlToken[]): string | undefined {
  if (tokens.length === 0) return 'contains no SQL';
  const [parameter] = findParameters(tokens);
  if (parameter !== undefined) {
    return `can't have parameters, but it contains {${parameter}:…}. Write the value instead`;
  }
  return findLexicalProblem(tokens) ?? findBracketProblem(tokens) ?? findClauseProblem(tokens);
}

/** Finds text that versions of ClickHouse split differently, or that ends the statement. */
function findLexicalProblem(tokens: readonly SqlToken[]): string | undefined {
  for (const [at, { kind, text }] of tokens.entries()) {
    if (text.includes('\0')) return 'contains a NUL character';
    if (kind !== 'sign') continue;
    if (text === ';') return 'must be one statement without a semicolon, also at its end';
    if (/['"`]/.test(text)) return `contains a quote (${text}) that is never closed`;
    const next = text === '/' && tokens[at + 1]?.kind === 'sign' ? tokens[at + 1]?.text : undefined;
    if (next === '*') return 'contains a comment that is never closed, or a comment inside of another comment';
    if (next === '/') return 'contains "//". Begin a comment with "--"';
    if (/[$\\#]|[^\x20-\x7e]/.test(text)) {
      return `contains ${JSON.stringify(text)} outside of a string. Put a name with this character in backticks`;
    }
  }
  return undefined;
}

function findBracketProblem(tokens: readonly SqlToken[]): string | undefined {
  const expected: string[] = [];
  for (const { kind, text } of tokens) {
    if (kind !== 'sign') continue;
    const closing = BRACKETS[text];
    if (closing !== undefined) expected.push(closing);
    if (CLOSING.includes(text) && expected.pop() !== text) return `contains a "${text}" that closes no bracket`;
  }
  const missing = expected.at(-1);
  return missing === undefined ? undefined : `lacks a closing "${missing}"`;
}

/** Finds clauses that only a whole statement can have. The server would refuse them as a syntax error. */
function findClauseProblem(tokens: readonly SqlToken[]): string | undefined {
  const outer = withoutBrackets(tokens);
  const found = outer.findIndex((token, at) => {
    const next = outer[at + 1];
    switch (toKeyword(token)) {
      case 'SETTINGS':
        return next?.kind === 'word' && outer[at + 2]?.text === '=';
      case 'INTO':
        return toKeyword(next) === 'OUTFILE';
      case 'FORMAT':
        return at === outer.length - 2 && next?.kind === 'word' && isAfterExpression(outer[at - 1], next);
      default:
        return false;
    }
  });
  const clause = outer[found];
  return clause === undefined ? undefined : `can't contain ${toKeyword(clause)}, because it is sent as a subquery`;
}

/** Whether the word FORMAT before `next` is not a column or a table with this name. */
function isAfterExpression(before: SqlToken | undefined, next: SqlToken): boolean {
  if (before === undefined || /^(ASC|DESC)$/.test(toKeyword(next))) return false;
  return before.kind === 'sign'
    ? /^[)\]*\d]/.test(before.text)
    : !/^(SELECT|DISTINCT|FROM|JOIN|BY)$/.test(toKeyword(before));
}

/** Leaves out the tokens inside of brackets, and the opening brackets. */
function withoutBrackets(tokens: readonly SqlToken[]): SqlToken[] {
  let depth = 0;
  return tokens.filter(({ kind, text }) => {
    if (kind === 'sign' && text in BRACKETS) depth += 1;
    const isOuter = depth === 0;
    if (kind === 'sign' && CLOSING.includes(text)) depth -= 1;
    return isOuter || (depth === 0 && kind === 'sign');
  });
}

/** Returns a word in capitals, and "" for any other token. */
function toKeyword(token: SqlToken | undefined): string {
  return token?.kind === 'word' ? token.text.toUpperCase() : '';
}
