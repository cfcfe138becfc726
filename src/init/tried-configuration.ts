import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withOutputOf } from '../preview/connector-lines.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { ConnectorError } from '../protocol/failure.ts';
import { isToBeHeard } from '../sync/connector-message.ts';
import { privateFolder } from '../sync/private-folder.ts';

/** A configuration that is not written yet, or that did not work, with the reason. */
export type Tried<Found> = { kind: 'works'; found: Found } | { kind: 'fails'; reason: string };

/**
 * Tries a configuration that no file holds yet; for as long as that takes one does, which nobody else can read.
 *
 * @param attempt is given the path of that file.
 */
export async function tried<Found>(
  configuration: Record<string, unknown>,
  attempt: (path: string) => Promise<Found>,
): Promise<Tried<Found>> {
  const folder = await privateFolder();
  try {
    const path = join(folder.path, 'configuration.json');
    await writeFile(path, JSON.stringify(configuration), { mode: 0o600 });
    return { kind: 'works', found: await attempt(path) };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return { kind: 'fails', reason: error.message };
  } finally {
    folder.remove();
  }
}

type Check = (context: CommandContext, path: string) => Promise<void>;

/** Runs the `check` of a connector. Gives what it warns of. */
export async function warningsOf(check: Check, context: CommandContext, path: string): Promise<string[]> {
  const warnings: string[] = [];
  await withOutputOf((output) => check({ ...context, output }, path), {
    message: (message) => {
      if (message.kind === 'log' && isToBeHeard(message.level)) warnings.push(message.message);
    },
  });
  return warnings;
}
