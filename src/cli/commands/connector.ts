import { readFile } from 'node:fs/promises';
import type { CommandContext } from '../../protocol/command-context.ts';
import { ConnectorError, isUnexpectedError } from '../../protocol/errors.ts';
import { connectionFailed } from '../../protocol/messages.ts';
import { PACKAGE_ROOT } from '../../shared/package.ts';

export type Role = 'source' | 'destination';

const SPEC_FILE: Record<Role, string> = { source: 'source-clickhouse.json', destination: 'destination-batch.json' };

/** Prints the generated specification; the schemas it comes from are not loaded, so that it is quick. */
export async function spec({ output }: CommandContext, role: Role): Promise<boolean> {
  const file = new URL(`spec/${SPEC_FILE[role]}`, PACKAGE_ROOT);
  await output.write({ type: 'SPEC', spec: JSON.parse(await readFile(file, 'utf8')) });
  return true;
}

/**
 * A configuration that does not work is an answer of this command, and not a failure of it; so is a server that can't do
 * what it is asked. Only a fault of ours is a failure.
 */
export async function check(context: CommandContext, role: Role, configPath: string): Promise<boolean> {
  const connector = await load(role);
  try {
    await connector.check(context, configPath);
    await context.output.write({ type: 'CONNECTION_STATUS', connectionStatus: { status: 'SUCCEEDED' } });
  } catch (error) {
    if (!(error instanceof ConnectorError) || isUnexpectedError(error)) throw error;
    await context.output.write(connectionFailed(error));
  }
  return true;
}

export async function discover(context: CommandContext, role: Role, configPath: string): Promise<boolean> {
  const connector = await load(role);
  await connector.discover(context, configPath);
  return true;
}

function load(
  role: Role,
): Promise<
  typeof import('../../source-clickhouse/commands.ts') | typeof import('../../destination-batch/commands.ts')
> {
  return role === 'source'
    ? import('../../source-clickhouse/commands.ts')
    : import('../../destination-batch/commands.ts');
}
