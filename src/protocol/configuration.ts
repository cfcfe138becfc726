import type { z } from 'zod';
import { readJsonFile } from './json-file.ts';
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
  const configuration = await readJsonFile('configuration', path, schema);
  const { username } = configuration;
  output.redactWith(redactor(secretsIn(configuration, schema), typeof username === 'string' ? [username] : []));
  return configuration;
}
