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

/** A configuration, or the path of the file that holds it. */
export type ConfigurationOrPath = Readonly<Record<string, unknown>> | string;

/** How messages name a configuration that no file holds yet. */
const NO_FILE = 'the answers';

/** What a configuration is read with: an output, or something that takes the place of one. */
type ConfigurationContext = Pick<CommandContext, 'environment'> & {
  output: Pick<CommandContext['output'], 'write'>;
};

/**
 * Reads a configuration in the form of `schema`. From then on what the schema marks as secret is masked, and
 * whatever came from the environment. Names that look like a misspelt option are warned of.
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
  // Before it is looked at: a misspelt name may be why it is not usable.
  for (const warning of findMisspeltOptions(written, path, schema)) await output.write(log('WARN', warning));
  const configuration = checkJson('configuration', path, written, schema);
  const { username } = configuration;
  // In the form as written: what the schema does not keep may be a secret all the same.
  const proxies = readProxyCredentials();
  const secrets = [...findSecrets(written, schema), ...fromEnvironment, ...proxies.passwords];
  const usernames = typeof username === 'string' ? [username, ...proxies.usernames] : proxies.usernames;
  registerSecrets(secrets, usernames);
  return configuration;
}

/** Others are not told of: they are allowed, as platforms put keys of their own into a configuration. */
function findMisspeltOptions(written: unknown, path: string, schema: z.ZodType): string[] {
  if (!isJsonObject(written)) return [];
  const options = listOptions(schema);
  return Object.keys(written).flatMap((name) => {
    const near = options.includes(name) ? undefined : suggestName(name, options);
    if (near === undefined) return [];
    return `The configuration in ${path} has "${name}", which is no option of this connector and does nothing. It may be misspelt: there is "${near}".`;
  });
}
