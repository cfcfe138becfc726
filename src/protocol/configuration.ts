import type { z } from 'zod';
import type { CommandContext } from './command-context.ts';
import { resolveReferences } from './environment-references.ts';
import { checkJson, parseJson, readTextFile } from './json-file.ts';
import { redactor } from './redact.ts';
import { secretsIn } from './specification.ts';

/**
 * Reads a configuration file in the form of `schema`. From then on the output masks what the schema marks as secret, and
 * whatever came from the environment.
 *
 * @throws ConnectorError (config_error) that names each wrong field, never its value.
 */
export async function readConfiguration<T extends z.ZodType<Record<string, unknown>>>(
  path: string,
  schema: T,
  { output, environment }: Pick<CommandContext, 'output' | 'environment'>,
): Promise<z.output<T>> {
  const text = parseJson('configuration', path, await readTextFile('configuration', path));
  const { value: written, fromEnvironment } =
    environment === undefined ? { value: text, fromEnvironment: [] } : resolveReferences(text, environment, path);
  const configuration = checkJson('configuration', path, written, schema);
  const { username } = configuration;
  // In the form as written: what the schema does not keep may be a secret all the same.
  const secrets = [...secretsIn(written, schema), ...fromEnvironment];
  output.redactWith(redactor(secrets, typeof username === 'string' ? [username] : []));
  return configuration;
}
