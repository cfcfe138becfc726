import type { z } from 'zod';
import type { CommandContext } from './command-context.ts';
import { resolveReferences } from './environment-references.ts';
import { checkJson, parseJson, readTextFile } from './json-file.ts';
import { redactor } from './redact.ts';
import { secretsIn } from './specification.ts';

/** A configuration, or the path of the file that holds it. */
export type ConfigurationOrPath = Readonly<Record<string, unknown>> | string;

/** How messages name a configuration that no file holds yet. */
const NO_FILE = 'the answers';

/**
 * Reads a configuration in the form of `schema`. From then on the output masks what the schema marks as secret, and
 * whatever came from the environment.
 *
 * @throws ConnectorError (config_error) that names each wrong field, never its value.
 */
export async function readConfiguration<T extends z.ZodType<Record<string, unknown>>>(
  given: ConfigurationOrPath,
  schema: T,
  { output, environment }: Pick<CommandContext, 'output' | 'environment'>,
): Promise<z.output<T>> {
  const isFile = typeof given === 'string';
  const path = isFile ? given : NO_FILE;
  const value = isFile ? parseJson('configuration', path, await readTextFile('configuration', path)) : given;
  const { value: written, fromEnvironment } =
    environment === undefined ? { value, fromEnvironment: [] } : resolveReferences(value, environment, path);
  const configuration = checkJson('configuration', path, written, schema);
  const { username } = configuration;
  // In the form as written: what the schema does not keep may be a secret all the same.
  const secrets = [...secretsIn(written, schema), ...fromEnvironment];
  output.redactWith(redactor(secrets, typeof username === 'string' ? [username] : []));
  return configuration;
}
