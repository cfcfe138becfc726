import type { CommandContext } from '../protocol/command-context.ts';
import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import { ConnectorError, isUnexpectedError } from '../protocol/errors.ts';
import { isWarningOrWorse } from '../protocol/messages.ts';
import { checkConfiguration, type Role } from './check-configurations.ts';
import { runInProcess } from './in-process.ts';

/** The result of testing a configuration: what was found, or why the configuration doesn't work. */
export type Attempt<Found> = { notes: string[]; warnings: string[] } & (
  | { kind: 'works'; found: Found }
  | { kind: 'fails'; error: ConnectorError }
);

/**
 * Tests a configuration: checks it against its specification, and runs a command of its connector in this process.
 *
 * @throws only errors that are a fault of this program.
 */
export async function tryConnector<Found>(
  context: CommandContext,
  role: Role,
  given: GivenConfiguration,
  command: (context: CommandContext, given: GivenConfiguration) => Promise<Found>,
): Promise<Attempt<Found>> {
  const notes: string[] = [];
  const warnings: string[] = [];
  try {
    const warn = (_: Role, message: string): void => void warnings.push(message);
    await checkConfiguration(role, given, { environment: context.environment, warn });
    const found = await runInProcess((output) => command({ ...context, output }, given), {
      message: (message) => {
        if (message.kind === 'log') (isWarningOrWorse(message.level) ? warnings : notes).push(message.message);
      },
    });
    return { kind: 'works', found, notes, warnings };
  } catch (error) {
    if (!(error instanceof ConnectorError) || isUnexpectedError(error)) throw error;
    return { kind: 'fails', error, notes, warnings };
  }
}
