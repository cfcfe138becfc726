import type { CommandContext } from '../../protocol/command-context.ts';
import type { GivenConfiguration } from '../../protocol/configuration/configuration.ts';
import { ConnectorError, isUnexpectedError } from '../../protocol/errors.ts';
import { connectionFailed } from '../../protocol/messages.ts';
import { checkOptions, configOptions, readConfigOption, resolveEnvironment } from '../arguments.ts';
import { type Command, type CommandHelp, commandParser, type Launcher, type Role } from '../command.ts';
import { runConnector } from '../run-connector.ts';

const HELP: CommandHelp = {
  usage: `$0 --config FILE

Tests a configuration: whether the server can be reached, whether it accepts the login or the key, and whether it has what a sync needs. It prints the result as an Airbyte message.`,
  examples: ['$0 --config source.json'],
};

/** Matches the options that only people use. */
const OPTION_FOR_PEOPLE = /^(?:--(?:source|destination)(?:=.*)?|--help|-h)$/;

export const checkCommand: Command = {
  options: (launcher) => (launcher.role === undefined ? checkOptions(launcher) : configOptions(launcher)),
  run: async (launcher, args) => {
    if (!isForPerson(launcher, args)) return runForPlatform(launcher, args);
    return (await import('./check-for-person.ts')).runForPerson(launcher, args);
  },
};

/**
 * Whether a person reads the result. CONNECTOR_ROLE is set when a platform, not a person, starts a launcher that has no role of
 * its own.
 */
function isForPerson({ role }: Launcher, args: readonly string[]): boolean {
  if (role !== undefined) return false;
  const isTerminal = process.stdout.isTTY && process.env.CONNECTOR_ROLE === undefined;
  return isTerminal || args.some((arg) => OPTION_FOR_PEOPLE.test(arg));
}

async function runForPlatform(launcher: Launcher, args: readonly string[]): Promise<void> {
  await runConnector(async (context) => {
    const parsed = await commandParser(launcher.name, 'check', args, HELP, configOptions(launcher)).parseAsync();
    if (parsed.help === true) return;
    await check(resolveEnvironment(context, parsed), launcher.role, readConfigOption(parsed));
  });
}

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
