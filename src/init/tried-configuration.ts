import type { CommandContext } from '../protocol/command-context.ts';
import type { ConfigurationOrPath } from '../protocol/configuration.ts';
import { ConnectorError, isOurs } from '../protocol/errors.ts';
import { isToBeHeard } from '../protocol/messages.ts';
import { withOutputOf } from '../runner/in-process.ts';

/** A configuration that works, with what was found out of it, or one that does not, with the reason. */
export type Tried<Found> = { kind: 'works'; found: Found } | { kind: 'fails'; reason: string };

/** Tries a configuration. It gets into no file for that: there are secrets in it, which are not written before it works. */
export async function tried<Found>(attempt: () => Promise<Found>): Promise<Tried<Found>> {
  try {
    return { kind: 'works', found: await attempt() };
  } catch (error) {
    if (!(error instanceof ConnectorError) || isOurs(error)) throw error;
    return { kind: 'fails', reason: error.message };
  }
}

type Check = (context: CommandContext, configuration: ConfigurationOrPath) => Promise<void>;

/** Runs the `check` of a connector. Gives what it warns of. */
export async function warningsOf(
  check: Check,
  context: CommandContext,
  configuration: ConfigurationOrPath,
): Promise<string[]> {
  const warnings: string[] = [];
  await withOutputOf((output) => check({ ...context, output }, configuration), {
    message: (message) => {
      if (message.kind === 'log' && isToBeHeard(message.level)) warnings.push(message.message);
    },
  });
  return warnings;
}
