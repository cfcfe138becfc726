import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { formatCount } from '../../shared/format.ts';
import { describeSystemError, protocolError } from '../errors.ts';
import { findJsonSyntaxError } from './json-syntax.ts';

/** The kind of content in a file, as messages name it. */
export type FileContent = 'configuration' | 'catalog' | 'state';

/**
 * Reads a JSON file and checks it against a schema.
 *
 * @throws ConnectorError (config_error) that names the file and each invalid field. The error doesn't quote a value that may be a
 * secret.
 */
export async function readJsonFile<T extends z.ZodType>(
  what: FileContent,
  path: string,
  schema: T,
): Promise<z.output<T>> {
  const text = await readTextFile(what, path);
  return checkJson(what, path, parseJson(what, path, text), schema);
}

/** Reads the text of a file. @throws ConnectorError (config_error) that explains why it can't be read. */
export async function readTextFile(what: FileContent, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw protocolError(
      'file_unreadable',
      `Can't read the ${what} file ${path}: ${describeSystemError(error)}. Check its path and permissions.`,
    );
  }
}

/**
 * Parses the text of a JSON file.
 *
 * @throws ConnectorError (config_error) that names the file and, if known, the position of the syntax error.
 */
export function parseJson(what: FileContent, path: string, text: string): unknown {
  if (text.trim() === '') {
    throw protocolError(
      `${what}_invalid`,
      `The ${what} file ${path} is empty. If it is a pipe, it can only be read once: use a file.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message is not used: it quotes the text, which may contain a secret.
    throw protocolError(`${what}_invalid`, `The ${what} file ${path} is not valid JSON${locateError(what, text)}`);
  }
}

function locateError(what: FileContent, text: string): string {
  const error = findJsonSyntaxError(text);
  if (error === undefined) return '. Check it with a JSON formatter.';
  const { line, column, advice, excerpt } = error;
  const place = `: line ${line}, column ${column}`;
  // Only a configuration is quoted. Programs write the other files, often as one long line.
  return what === 'configuration'
    ? `${place}.\n${excerpt.replaceAll(/^/gm, '    ')}\n${advice}`
    : `${place}. ${advice}`;
}

/** A problem with the content of a file. `problem` is a predicate of `place`, such as "must be a number". */
export type ContentProblem = { place: string; problem: string };

/**
 * Checks a value against a schema.
 *
 * @param options `problems` were found before this check, and are reported together with its own. `hidden` are strings in the
 * value that messages must not show.
 * @throws ConnectorError (config_error) that describes every problem.
 */
export function checkJson<T extends z.ZodType>(
  what: FileContent,
  path: string,
  value: unknown,
  schema: T,
  { problems = [], hidden = [] }: { problems?: readonly ContentProblem[]; hidden?: readonly string[] } = {},
): z.output<T> {
  const error = (issue: z.core.$ZodRawIssue): string => describeIssue(issue, hidden);
  // `jitless`: each file is checked only once, and compiling the schema would take longer than the check itself.
  const result = schema.safeParse(value, { error, jitless: true });
  if (result.success && problems.length === 0) return result.data;
  const issues = (result.error?.issues ?? []).map(({ path, message }) => ({ place: path.join('.'), problem: message }));
  throw protocolError(`${what}_invalid`, describeUnusable(what, path, [...problems, ...issues]));
}

export function describeUnusable(what: FileContent, path: string, problems: readonly ContentProblem[]): string {
  const list = problems.map(({ place, problem }) => `${place === '' ? 'it' : place} ${problem}`).join('; ');
  return `The ${what} in ${path} is not usable: ${list}.`;
}

/** What messages call a type. The keys are the names of the types in zod and in JSON Schema. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/**
 * The patterns of numbers and booleans that were written in quotes, by the type that the option should have. A message may show
 * such a string, because an option with one of these types is never a secret.
 */
const QUOTED_VALUES: Readonly<Record<string, RegExp>> = {
  number: /^-?\d{1,9}(\.\d{1,9})?$/,
  int: /^-?\d{1,9}$/,
  integer: /^-?\d{1,9}$/,
  boolean: /^(true|false)$/,
};

/** Describes a value of the wrong type. @param hidden strings that are not shown. */
export function describeWrongType(expected: string, value: unknown, hidden: readonly string[] = []): string {
  const needed = `must be ${TYPES[expected] ?? expected}`;
  const isQuoted =
    typeof value === 'string' && !hidden.includes(value) && QUOTED_VALUES[expected]?.test(value) === true;
  return isQuoted ? `${needed}, without quotes: ${value}` : needed;
}

/**
 * Describes what is wrong with a field. Its value is quoted only if it is a number or a boolean that was written in quotes. A
 * message that the schema sets takes precedence.
 */
function describeIssue(issue: z.core.$ZodRawIssue, hidden: readonly string[]): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : describeWrongType(issue.expected, issue.input, hidden);
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `must ${describeLimit(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least')}`;
    case 'too_big':
      return `must ${describeLimit(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most')}`;
    case 'unrecognized_keys':
      return `has unknown options: ${issue.keys.join(', ')}`;
    default:
      return 'is not valid';
  }
}

function describeLimit(origin: string, limit: number | bigint, comparison: string): string {
  if (origin === 'string') return `have ${comparison} ${formatCount(Number(limit), 'character')}`;
  if (origin === 'array') return `have ${comparison} ${formatCount(Number(limit), 'item')}`;
  return `be ${comparison} ${limit}`;
}
