import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import type { ConnectorCall } from './process.ts';

/** The environment variable that contains an inline configuration. Other users of the machine can't read it. */
const VARIABLE = 'CONNECTOR_CONFIGURATION';

/**
 * Builds the call of a connector command with a configuration. An inline configuration is passed in an environment variable. The
 * connector itself replaces the references in it, such as `${TOKEN}`. The configuration isn't passed in a file, because it may
 * contain secrets, and the file would remain if this process was killed.
 *
 * @param command the name of the command.
 * @param more further arguments.
 */
export function callWithConfiguration(
  command: string,
  given: GivenConfiguration,
  more: readonly string[],
): ConnectorCall {
  const options = ['--env-references', ...more];
  if (typeof given === 'string') return { args: [command, '--config', given, ...options] };
  return {
    args: [command, '--config', given.name, '--config-variable', VARIABLE, ...options],
    variables: { [VARIABLE]: JSON.stringify(given.value) },
    folder: given.folder,
  };
}
