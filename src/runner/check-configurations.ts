import type { z } from 'zod';
import {
  type GivenConfiguration,
  readConfiguration,
  readWrittenConfiguration,
} from '../protocol/configuration/configuration.ts';
import type { Environment } from '../protocol/configuration/references.ts';
import { ConnectorError } from '../protocol/errors.ts';
import type { Message } from '../protocol/messages.ts';
import { isJsonObject } from '../shared/exact-json.ts';
import { syncError } from './errors.ts';

/** The connector that a configuration is for. */
export type Role = 'source' | 'destination';

type CheckContext = {
  environment: Environment | undefined;
  /** Receives the warnings of a connector about its configuration, if that configuration is invalid. */
  warn: (role: Role, message: string) => void;
};

/** Options that only one of the connectors has. They show which connector a configuration is for. */
const OWN_OPTIONS: Readonly<Record<Role, readonly string[]>> = {
  source: ['host'],
  destination: ['project_key', 'rest_api_key'],
};

/**
 * Checks both configurations before anything runs, as a platform does. The problems of both are reported together.
 *
 * @throws ConnectorError (config_error) that names each invalid option, but no secret.
 */
export async function checkConfigurations(
  given: Readonly<Record<Role, GivenConfiguration>>,
  context: CheckContext,
): Promise<void> {
  const [first, second] = [
    ...(await findProblem('source', given.source, context)),
    ...(await findProblem('destination', given.destination, context)),
  ];
  if (first === undefined) return;
  // Both are reported, so that one correction is enough. The code is that of the first error; the second error nearly always has
  // the same one.
  throw second === undefined ? first : new ConnectorError(first, `${first.message} ${second.message}`);
}

async function findProblem(role: Role, given: GivenConfiguration, context: CheckContext): Promise<ConnectorError[]> {
  try {
    await checkConfiguration(role, given, context);
    return [];
  } catch (error) {
    if (error instanceof ConnectorError) return [error];
    throw error;
  }
}

/**
 * Checks a configuration against the specification that its connector prints. If the configuration is invalid, the connector's
 * own parser explains why, so that every command reports a mistake in the same words. A configuration of the destination is
 * always parsed, because the specification can't express all its rules. For the source, this isn't necessary here: each of its
 * commands parses the configuration before the first query.
 *
 * @throws ConnectorError (config_error) that names each invalid option, but no secret.
 */
export async function checkConfiguration(role: Role, given: GivenConfiguration, context: CheckContext): Promise<void> {
  const { path, value } = await readWrittenConfiguration(given, context.environment);
  if (isForOther(role, value)) throw explainSwapped(role, path);
  const { validateSource, validateDestination } = await import('./validators.ts');
  const fits = role === 'source' ? validateSource(value) : validateDestination(value);
  if (fits && role === 'source') return;
  await parseConfiguration(role, given, context);
  if (!fits) throw new Error(`The specification of the ${role} refuses a configuration that the ${role} accepts.`);
}

/**
 * Parses a configuration as the connector does. Passes the connector's warnings on only if the configuration is invalid.
 * Otherwise the connector logs them itself when one of its commands runs.
 */
async function parseConfiguration(
  role: Role,
  given: GivenConfiguration,
  { environment, warn }: CheckContext,
): Promise<void> {
  const warnings: string[] = [];
  const output = {
    write: async (message: Message): Promise<void> => {
      if (message.type === 'LOG') warnings.push(message.log.message);
    },
  };
  try {
    await readConfiguration(
      given,
      await loadSchema(role),
      environment === undefined ? { output } : { output, environment },
    );
  } catch (error) {
    for (const message of warnings) warn(role, message);
    throw error;
  }
}

export async function loadSchema(role: Role): Promise<z.ZodType<Record<string, unknown>>> {
  return role === 'source'
    ? (await import('../source-clickhouse/config/schema.ts')).sourceConfigurationSchema
    : (await import('../destination-batch/config/schema.ts')).destinationConfigurationSchema;
}

function isForOther(role: Role, value: unknown): boolean {
  const has = (options: readonly string[]): boolean =>
    isJsonObject(value) && options.some((option) => Object.hasOwn(value, option));
  return has(OWN_OPTIONS[otherThan(role)]) && !has(OWN_OPTIONS[role]);
}

function explainSwapped(role: Role, path: string): ConnectorError {
  const options = OWN_OPTIONS[role].map((option) => `"${option}"`).join(' and ');
  return syncError(
    'configuration_invalid',
    `${path} is the configuration of a ${otherThan(role)}. --${role} needs the configuration of a ${role}, with ${options}. Pass this file to --${otherThan(role)}.`,
  );
}

function otherThan(role: Role): Role {
  return role === 'source' ? 'destination' : 'source';
}
