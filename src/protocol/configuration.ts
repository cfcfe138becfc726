import type { z } from 'zod';
import { isJsonObject } from '../shared/exact-json.ts';
import { suggestName } from '../shared/suggest.ts';
import type { CommandContext } from './command-context.ts';
import { resolveReferences } from './environment-references.ts';
import { checkJson, parseJson, readTextFile } from './json-file.ts';
import { log } from './messages.ts';
import { readProxyCredentials } from './network/proxy.ts';
import { registerSecrets } from './secrets.ts';
import { findSecrets, listOptions } from './spec.ts';

/** A configuration, or the path of its file. */
export type ConfigurationOrPath = Readonly<Record<string, unknown>> | string;

/** How messages name a configuration that is not in a file yet. */
const NO_FILE = 'your answers';

/** What a configuration is read with: an output, or an object that replaces it. */
type ConfigurationContext = Pick<CommandContext, 'environment'> & {
  output: Pick<CommandContext['output'], 'write'>;
};

/**
 * Reads a configuration and checks it against a schema. From then on, the values that the schema marks as secret are masked, and
 * all values from the environment. It warns of names that look like a misspelt option.
 *
 * @throws ConnectorError (config_error) that names each wrong field, never its value.
 */
export async function readConfiguration<T extends z.ZodType<Record<string, unknown>>>(
  given: ConfigurationOrPath,
  schema: T,
  { output, environment }: ConfigurationContext,
): Promise<z.output<T>> {
  const isFile = typeof given === 'string';
  const path = isFile ? given : NO_FILE;
  const value = isFile ? parseJson('configuration', path, await readTextFile('configuration', path)) : given;
  const { value: written, fromEnvironment } =
    environment === undefined ? { value, fromEnvironment: [] } : resolveReferences(value, environment, path);
  // Before the check, which may fail because of a misspelt name.
  for (const warning of findMisspeltOptions(written, path, schema)) await output.write(log('WARN', warning));
  const configuration = checkJson('configuration', path, written, schema);
  const { username } = configuration;
  // As it was written: options that the schema drops may be secrets as well.
  const proxies = readProxyCredentials();
  const secrets = [...findSecrets(written, schema), ...fromEnvironment, ...proxies.passwords];
  const usernames = typeof username === 'string' ? [username, ...proxies.usernames] : proxies.usernames;
  registerSecrets(secrets, usernames);
  return configuration;
}

/** Other unknown names are allowed, as platforms add keys of their own to a configuration. */
function findMisspeltOptions(written: unknown, path: string, schema: z.ZodType): string[] {
  if (!isJsonObject(written)) return [];
  const options = listOptions(schema);
  return Object.keys(written).flatMap((name) => {
    const near = options.includes(name) ? undefined : suggestName(name, options);
    if (near === undefined) return [];
    return `The configuration in ${path} has "${name}", which is not an option of this connector and is ignored. Did you mean "${near}"?`;
  });
}
