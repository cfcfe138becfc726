import type { z } from 'zod';
import { isJsonObject } from '../../shared/exact-json.ts';
import { suggestName } from '../../shared/suggest.ts';
import type { CommandContext } from '../command-context.ts';
import { log } from '../messages.ts';
import { readProxyCredentials } from '../network/proxy.ts';
import { registerSecrets } from '../secrets.ts';
import { findSecrets, listOptions } from '../spec.ts';
import { type ContentProblem, checkJson, parseJson, readTextFile } from './json-file.ts';
import { type Environment, resolveReferences } from './references.ts';

/** A configuration that is given as a value, and not as the path of a file. */
type InlineConfiguration = {
  /** Used in messages instead of the path of a file. */
  name: string;
  value: unknown;
  /** The folder that relative paths in the configuration start from. Defaults to the working folder. */
  folder?: string;
  /** The file that contains the configuration among other options, such as the file of `sync --config`. */
  file?: string;
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
 * Reads a configuration and checks it against a schema. An unknown name that looks like a misspelt option is an error. If the
 * option itself is also set, the name only causes a warning. All later output masks the values that the schema marks as secret,
 * values from environment variables and files, and proxy passwords.
 *
 * @throws ConnectorError (config_error) that names each invalid field, but no secret.
 */
export async function readConfiguration<T extends z.ZodType<Record<string, unknown>>>(
  given: GivenConfiguration,
  schema: T,
  { output, environment }: ConfigurationContext,
): Promise<z.output<T>> {
  const { path, value: written, fromReferences } = await readWrittenConfiguration(given, environment);
  const misspelt = findMisspeltOptions(written, schema);
  const problems: ContentProblem[] = [];
  for (const { name, near, isNearSet } of misspelt) {
    const problem = `has no option "${name}" (did you mean "${near}"?)`;
    if (isNearSet) await output.write(log('WARN', `The configuration in ${path} ${problem}. It is ignored.`));
    else problems.push({ place: '', problem });
  }
  const configuration = checkJson('configuration', path, written, schema, { problems, hidden: fromReferences });
  const { username } = configuration;
  // The secrets are taken from the configuration as written, because options that the schema drops may also be secrets.
  const proxies = readProxyCredentials();
  const secrets = [...findSecrets(written, schema), ...fromReferences, ...proxies.passwords];
  const usernames = typeof username === 'string' ? [username, ...proxies.usernames] : proxies.usernames;
  registerSecrets(secrets, usernames);
  return configuration;
}

/**
 * Finds the unknown names that are similar to an option. Other unknown names are ignored, because platforms add their own keys.
 */
function findMisspeltOptions(
  written: unknown,
  schema: z.ZodType,
): { name: string; near: string; isNearSet: boolean }[] {
  if (!isJsonObject(written)) return [];
  const options = listOptions(schema);
  return Object.keys(written).flatMap((name) => {
    const near = options.includes(name) ? undefined : suggestName(name, options);
    return near === undefined ? [] : [{ name, near, isNearSet: Object.hasOwn(written, near) }];
  });
}

/**
 * Describes white space at the start or end of a value as a predicate, such as "ends with a line break". The white space was
 * likely copied along with the value. Returns undefined if there is none.
 */
export function describeStrayWhiteSpace(text: string): string | undefined {
  if (/[\r\n]\s*$/.test(text)) return 'ends with a line break. Remove it';
  if (/\s$/.test(text)) return 'ends with white space. Remove it';
  return /^\s/.test(text) ? 'begins with white space. Remove it' : undefined;
}
