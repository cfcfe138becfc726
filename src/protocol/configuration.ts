import type { z } from 'zod';
import { checkJson, parseJson, readTextFile } from './json-file.ts';
import type { MessageOutput } from './output.ts';
import { redactor } from './redact.ts';
import { secretsIn } from './specification.ts';

/**
 * Reads a configuration file in the form of `schema`. From then on the output masks what the schema marks as secret.
 *
 * @throws ConnectorError (config_error) that names each wrong field, never its value.
 */
export async function readConfiguration<T extends z.ZodType<Record<string, unknown>>>(
  path: string,
  schema: T,
  output: MessageOutput,
): Promise<z.output<T>> {
  const written = parseJson('configuration', path, await readTextFile('configuration', path));
  const configuration = checkJson('configuration', path, written, schema);
  const { username } = configuration;
  // In the form as written: what the schema does not keep may be a secret all the same.
  output.redactWith(redactor(secretsIn(written, schema), typeof username === 'string' ? [username] : []));
  return configuration;
}
