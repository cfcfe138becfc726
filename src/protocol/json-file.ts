import { readFile } from 'node:fs/promises';
import { parse } from 'lossless-json';
import type { z } from 'zod';
import { describeSystemError, protocolError, rawMessageOf } from './errors.ts';

/** What a file holds, as messages name it. */
export type FileContent = 'configuration' | 'catalog' | 'state';

/**
 * Reads a JSON file and checks it against a schema.
 *
 * @throws ConnectorError (config_error) that names the file and each wrong place in it. Values are not quoted: a
 * configuration holds secrets.
 */
export async function readJsonFile<T extends z.ZodType>(
  what: FileContent,
  path: string,
  schema: T,
): Promise<z.output<T>> {
  const text = await readTextFile(what, path);
  return checkJson(what, path, parseJson(what, path, text), schema);
}

/** The text of a file, or a config_error that says why it can't be had. */
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

/** The value of a JSON text, or a config_error that names the file. */
export function parseJson(what: FileContent, path: string, text: string): unknown {
  if (text.trim() === '') {
    throw protocolError(
      `${what}_invalid`,
      `The ${what} file ${path} is empty. If it is a pipe, it can be read once alone: give a file.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the text, which may be a secret.
    const place = locateJsonError(text);
    const advice =
      place === undefined ? 'Check it with a JSON formatter' : `What is wrong is at ${place}, or just before it`;
    throw protocolError(`${what}_invalid`, `The ${what} file ${path} is not valid JSON. ${advice}.`);
  }
}

/** Where a text stops being JSON; undefined when that can't be said. Node's own parser does not always tell. */
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

/** The value in the schema's type, or a config_error with a line for each thing that is wrong. */
export function checkJson<T extends z.ZodType>(
  what: FileContent,
  path: string,
  value: unknown,
  schema: T,
): z.output<T> {
  const result = schema.safeParse(value, {
    error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
  });
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const place = issue.path.length === 0 ? 'the whole file' : issue.path.join('.');
    return `${place}: ${issue.message}`;
  });
  throw protocolError(`${what}_invalid`, `The ${what} in ${path} is not usable. ${problems.join('; ')}.`);
}
