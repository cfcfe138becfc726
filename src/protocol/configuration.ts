import type { z } from 'zod';
import { isJsonObject } from '../shared/exact-json.ts';
import { suggestName } from '../shared/suggest.ts';
import type { CommandContext } from './command-context.ts';
import { checkJson, parseJson, readTextFile } from './json-file.ts';
import { log } from './messages.ts';
import { readProxyCredentials } from './network/proxy.ts';
import { type Environment, resolveReferences } from './references.ts';
import { registerSecrets } from './secrets.ts';
import { findSecrets, listOptions } from './spec.ts';

/** A configuration that is not a file of its own. */
type InlineConfiguration = {
  /** Used in messages instead of the path of a file. */
  name: string;
  value: unknown;
  /** The folder at which relative paths in it start. Defaults to the working folder. */
  folder?: string;
};

/** The path of a configuration's file, or the configuration itself. */
export type GivenConfiguration = string | InlineConfiguration;

/** A configuration as the user wrote it, after its references were replaced. `path` is used in messages. */
type WrittenConfiguration = { path: string; value: unknown; fromReferences: string[] };

/**
 * Reads a configuration as it is written, and replaces its references if there is an environment.
 *
 * @throws ConnectorError (config_error) if the file can't be read, is not JSON, or refers to something that is missing.
 */
export async function readWrittenConfiguration(
  given: GivenConfiguration,
  environment: Environment | undefined,
): Promise<WrittenConfiguration> {
  const { name: path, value } = typeof given === 'string' ? await readFileOf(given) : given;
  return {
    path,
    ...(environment === undefined ? { value, fromReferences: [] } : resolveReferences(value, environment, path)),
  };
}

async function readFileOf(path: string): Promise<InlineConfiguration> {
  return { name: path, value: parseJson('configuration', path, await readTextFile('configuration', path)) };
}

/** The context for reading a configuration. The output only needs to accept log messages. */
type ConfigurationContext = Pick<CommandContext, 'environment'> & {
  output: Pick<CommandContext['output'], 'write'>;
};

/**
 * Reads a configuration and checks it against a schema. It logs a warning for each name that looks like a misspelt option. All
 * later output masks the values that the schema marks as secret, values from environment variables and files, and proxy passwords.
 *
 * @throws ConnectorError (config_error) that names each invalid field, but never its value.
 */
export async function readConfiguration<T extends z.ZodType<Record<string, unknown>>>(
  given: GivenConfiguration,
  schema: T,
  { output, environment }: ConfigurationContext,
): Promise<z.output<T>> {
  const { path, value: written, fromReferences } = await readWrittenConfiguration(given, environment);
  // The warnings are logged before the check: if a misspelt name makes the check fail, the user then knows why.
  for (const warning of findMisspeltOptions(written, path, schema)) await output.write(log('WARN', warning));
  const configuration = checkJson('configuration', path, written, schema);
  const { username } = configuration;
  // The secrets are taken from the configuration as written, because options that the schema drops may also be secrets.
  const proxies = readProxyCredentials();
  const secrets = [...findSecrets(written, schema), ...fromReferences, ...proxies.passwords];
  const usernames = typeof username === 'string' ? [username, ...proxies.usernames] : proxies.usernames;
  registerSecrets(secrets, usernames);
  return configuration;
}

/**
 * Returns a warning for each unknown name that is similar to an option. Other unknown names cause no warning, because platforms
 * add their own keys.
 */
function findMisspeltOptions(written: unknown, path: string, schema: z.ZodType): string[] {
  if (!isJsonObject(written)) return [];
  const options = listOptions(schema);
  return Object.keys(written).flatMap((name) => {
    const near = options.includes(name) ? undefined : suggestName(name, options);
    if (near === undefined) return [];
    return `The configuration in ${path} has "${name}", which is not an option of this connector and is ignored. Did you mean "${near}"?`;
  });
}
