import type { CommandContext } from '../protocol/command-context.ts';
import type { ConfigurationOrPath } from '../protocol/configuration.ts';
import { ConnectorError, isUnexpectedError } from '../protocol/errors.ts';
import { isWarningOrWorse } from '../protocol/messages.ts';
import { runInProcess } from '../runner/in-process.ts';

/** A configuration that works, with what was found out of it, or one that does not, with the reason. */
export type Attempt<Found> = { kind: 'works'; found: Found } | { kind: 'fails'; reason: string };

/** Tries a configuration. It gets into no file for that: there are secrets in it, which are not written before it works. */
export async function tryConfiguration<Found>(attempt: () => Promise<Found>): Promise<Attempt<Found>> {
  try {
    return { kind: 'works', found: await attempt() };
  } catch (error) {
    if (!(error instanceof ConnectorError) || isUnexpectedError(error)) throw error;
    return { kind: 'fails', reason: error.message };
  }
}

type Check = (context: CommandContext, configuration: ConfigurationOrPath) => Promise<void>;

/** Runs the `check` of a connector. Gives what it warns of. */
export async function collectWarnings(
  check: Check,
  context: CommandContext,
  configuration: ConfigurationOrPath,
): Promise<string[]> {
  const warnings: string[] = [];
  await runInProcess((output) => check({ ...context, output }, configuration), {
    message: (message) => {
      if (message.kind === 'log' && isWarningOrWorse(message.level)) warnings.push(message.message);
    },
  });
  return warnings;
}
