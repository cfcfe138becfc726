import { readFile } from 'node:fs/promises';
import { protocolError } from '../../protocol/errors.ts';
import { PACKAGE_ROOT } from '../../shared/package.ts';
import { debugSwitch } from '../arguments.ts';
import { type Command, type CommandHelp, commandParser, type Launcher, type Role } from '../command.ts';
import { runConnector } from '../run-connector.ts';

const SPEC_FILE: Record<Role, string> = { source: 'source-clickhouse.json', destination: 'destination-batch.json' };

function describeHelp({ role }: Launcher): CommandHelp {
  return {
    usage: `$0${role === undefined ? ' --role ROLE' : ''}

Prints the JSON Schema of the configuration, as an Airbyte message.`,
    examples: role === undefined ? ['$0 --role source', '$0 --role destination'] : ['$0'],
  };
}

function specOptions({ role }: Launcher) {
  const choices: readonly Role[] = role === undefined ? ['source', 'destination'] : [role];
  return {
    role: { choices, hidden: role !== undefined, describe: 'the connector: source or destination' },
    // This option is accepted, so that a script can pass a configuration to every command.
    config: { type: 'string', requiresArg: true, hidden: true, describe: 'has no effect' },
    debug: debugSwitch,
  } as const;
}

/** Prints the generated specification. This is fast, because it doesn't load the schemas. */
export const specCommand: Command = {
  options: specOptions,
  run: (launcher, args) =>
    runConnector(async ({ output }) => {
      const parser = commandParser(launcher.name, 'spec', args, describeHelp(launcher), specOptions(launcher));
      const parsed = await parser.parseAsync();
      if (parsed.help === true) return;
      const role = parsed.role ?? launcher.role ?? readRoleFromEnvironment(launcher.name);
      const file = new URL(`spec/${SPEC_FILE[role]}`, PACKAGE_ROOT);
      await output.write({ type: 'SPEC', spec: JSON.parse(await readFile(file, 'utf8')) });
    }),
};

function readRoleFromEnvironment(launcher: string): Role {
  const role = process.env.CONNECTOR_ROLE;
  if (role === 'source' || role === 'destination') return role;
  throw protocolError(
    'command_invalid',
    `${launcher} contains a source and a destination, and ${role === undefined ? 'no role was given' : `CONNECTOR_ROLE is "${role}"`}. Use --role source or --role destination, or set CONNECTOR_ROLE to one of them.`,
  );
}
