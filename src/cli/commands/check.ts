import type { CommandContext } from '../../protocol/command-context.ts';
import type { GivenConfiguration } from '../../protocol/configuration.ts';
import { ConnectorError, isUnexpectedError } from '../../protocol/errors.ts';
import { connectionFailed } from '../../protocol/messages.ts';
import {
  addConfigOptions,
  type ConnectorCommand,
  type Role,
  readConfigOption,
  resolveEnvironment,
} from '../arguments.ts';

export const checkCommand: ConnectorCommand = {
  name: 'check',
  addTo: (parser, launcher, context) =>
    parser.command(
      'check',
      'test the configuration',
      (args) => addConfigOptions(args, launcher),
      (args) => check(resolveEnvironment(context, args), launcher.role, readConfigOption(args)),
    ),
};

/**
 * Tests a configuration and writes the result. If the configuration doesn't work, or a server can't do what the connector needs,
 * the result is FAILED, but the command itself succeeds. Only an unexpected error makes the command fail.
 */
export async function check(
  context: CommandContext,
  role: Role | undefined,
  config: GivenConfiguration,
): Promise<void> {
  const { loadConnector } = await import('../load-connector.ts');
  const connector = await loadConnector(role, config);
  try {
    await connector.check(context, config);
    await context.output.write({ type: 'CONNECTION_STATUS', connectionStatus: { status: 'SUCCEEDED' } });
  } catch (error) {
    if (!(error instanceof ConnectorError) || isUnexpectedError(error)) throw error;
    await context.output.write(connectionFailed(error));
  }
}
