import type { CommandContext } from '../../protocol/command-context.ts';
import { ConnectorError, isUnexpectedError } from '../../protocol/errors.ts';
import { connectionFailed } from '../../protocol/messages.ts';
import { addConfigOptions, type ConnectorCommand, type Role, resolveEnvironment } from '../arguments.ts';

export const checkCommand: ConnectorCommand = {
  name: 'check',
  addTo: (parser, { role }, context) =>
    parser.command('check', 'test the configuration', addConfigOptions, (args) =>
      check(resolveEnvironment(context, args), role, args.config),
    ),
};

/**
 * Writes whether a configuration works. A configuration that doesn't work is a result of this command, not an error; so is a
 * server that can't do what it is asked. Only an unexpected error makes the command fail.
 */
export async function check(context: CommandContext, role: Role | undefined, config: string): Promise<void> {
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
