import { z } from 'zod';
import { protocolError } from '../protocol/errors.ts';
import { readJsonFile } from '../protocol/json-file.ts';
import type { Role } from './commands/connector.ts';

/** Which of the two connectors a configuration is for, by the keys that only one of them has. */
export async function readRole(path: string): Promise<Role> {
  const configuration = await readJsonFile('configuration', path, z.looseObject({}));
  const isDestination = 'project_key' in configuration || 'rest_api_key' in configuration;
  const isSource = 'host' in configuration;
  if (isSource !== isDestination) return isSource ? 'source' : 'destination';
  throw protocolError(
    'configuration_invalid',
    `The configuration ${path} is for ${isSource ? 'both connectors at once' : 'neither connector'}: a source has "host", a destination "project_key" and "rest_api_key". Use one file for each.`,
  );
}
