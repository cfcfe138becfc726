import { z } from 'zod';
import { type GivenConfiguration, readWrittenConfiguration } from '../protocol/configuration/configuration.ts';
import { checkJson } from '../protocol/configuration/json-file.ts';
import { protocolError } from '../protocol/errors.ts';
import type { Role } from './command.ts';

type Connector = typeof import('../source-clickhouse/commands.ts') | typeof import('../destination-batch/commands.ts');

/**
 * Loads the connector with the given role. Without a role, it loads the connector that the configuration is for.
 *
 * @throws ConnectorError (config_error) if the configuration could be for both connectors, or for neither.
 */
export async function loadConnector(role: Role | undefined, config: GivenConfiguration): Promise<Connector> {
  return (role ?? (await detectRole(config))) === 'source'
    ? import('../source-clickhouse/commands.ts')
    : import('../destination-batch/commands.ts');
}

/** Detects which connector a configuration is for, from the options that only one connector has. */
export async function detectRole(config: GivenConfiguration): Promise<Role> {
  const { path, value } = await readWrittenConfiguration(config, undefined);
  const configuration = checkJson('configuration', path, value, z.looseObject({}));
  const isDestination = 'project_key' in configuration || 'rest_api_key' in configuration;
  const isSource = 'host' in configuration;
  if (isSource !== isDestination) return isSource ? 'source' : 'destination';
  throw protocolError(
    'configuration_invalid',
    `The configuration ${path} is for ${isSource ? 'both connectors' : 'neither connector'}: a source has "host", a destination has "project_key" and "rest_api_key". Use one file for each.`,
  );
}
