import { readFile } from 'node:fs/promises';
import { parse } from 'lossless-json';
import type { z } from 'zod';
import { formatCount } from '../shared/format.ts';
import { describeSystemError, protocolError, rawMessageOf } from './errors.ts';

/** The kind of content in a file, as messages name it. */
export type FileContent = 'configuration' | 'catalog' | 'state';

/**
 * Reads a JSON file and checks it against a schema.
 *
 * @throws ConnectorError (config_error) that names the file and each invalid field. The error quotes no values, because they may be
 * secrets.
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
    const place = locateJsonError(text);
    const advice =
      place === undefined ? 'Check it with a JSON formatter' : `The error is at ${place}, or just before it`;
    throw protocolError(`${what}_invalid`, `The ${what} file ${path} is not valid JSON. ${advice}.`);
  }
}

/**
 * Returns the line and column at which a text stops being valid JSON; undefined if they are unknown. It parses the text with
 * lossless-json, because the errors of JSON.parse don't always contain a position.
 */
function locateJsonError(text: string): string | undefined {
  try {
    parse(text);
  } catch (error) {
    const [, position] = / at position (\d+)$/.exec(rawMessageOf(error)) ?? [];
    if (position === undefined) return undefined;
    const lines = text.slice(0, Number(position)).split('\n');
    return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
  }
  return undefined;
}

/** Checks a value against a schema. @throws ConnectorError (config_error) that describes every problem. */
export function checkJson<T extends z.ZodType>(
  what: FileContent,
  path: string,
  value: unknown,
  schema: T,
): z.output<T> {
  // Compiling the check would take longer than the only check of a file.
  const result = schema.safeParse(value, { error: describeIssue, jitless: true });
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const place = issue.path.length === 0 ? 'the whole file' : issue.path.join('.');
    return `${place}: ${issue.message}`;
  });
  throw protocolError(`${what}_invalid`, `The ${what} in ${path} is not usable. ${problems.join('; ')}.`);
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** Describes what is wrong with a field, without quoting its value. A message that the schema sets takes precedence. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
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
