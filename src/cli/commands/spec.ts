import { readFile } from 'node:fs/promises';
import { protocolError } from '../../protocol/errors.ts';
import { PACKAGE_ROOT } from '../../shared/package.ts';
import type { ConnectorCommand, Role } from '../arguments.ts';

const SPEC_FILE: Record<Role, string> = { source: 'source-clickhouse.json', destination: 'destination-batch.json' };

/** Prints the generated specification. This is fast, because it doesn't load the schemas. */
export const specCommand: ConnectorCommand = {
  name: 'spec',
  addTo: (parser, launcher, { output }) =>
    parser.command(
      'spec',
      'print the JSON Schema of the configuration',
      (args) =>
        launcher.role === undefined
          ? args.option('role', { choices: ['source', 'destination'] as const })
          : args.option('role', { hidden: true, choices: [launcher.role] }),
      async (args) => {
        const role = args.role ?? launcher.role ?? readRoleFromEnvironment(launcher.name);
        const file = new URL(`spec/${SPEC_FILE[role]}`, PACKAGE_ROOT);
        await output.write({ type: 'SPEC', spec: JSON.parse(await readFile(file, 'utf8')) });
      },
    ),
};

function readRoleFromEnvironment(launcher: string): Role {
  const role = process.env.CONNECTOR_ROLE;
  if (role === 'source' || role === 'destination') return role;
  throw protocolError(
    'command_invalid',
    `${launcher} contains a source and a destination, and ${role === undefined ? 'no role was given' : `CONNECTOR_ROLE is "${role}"`}. Use --role source or --role destination, or set CONNECTOR_ROLE to one of them.`,
  );
}
