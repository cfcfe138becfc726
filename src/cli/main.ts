import yargs, { type ArgumentsCamelCase, type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import type { CommandContext } from '../protocol/command-context.ts';
import { protocolError } from '../protocol/errors.ts';
import { check, discover, type Role, spec } from './commands/connector.ts';
import { jsonFile } from './json-file-option.ts';
import { rowLimit } from './row-limit.ts';
import { runConnector } from './run-connector.ts';
import { explainWrongArguments } from './wrong-arguments.ts';

/** The name of the launcher, and the connector it stands for; the one launcher for both finds the role itself. */
export type Launcher = { name: string; role: Role | undefined };

type Configured = { config: string; 'env-references': boolean };

/** Runs the command that the arguments of this process name. */
export async function runCommandLine(launcher: Launcher): Promise<void> {
  const [first, ...others] = hideBin(process.argv);
  if (launcher.role === undefined) {
    // These speak to a person, and are loaded for that alone.
    switch (first) {
      case 'sync': {
        const { runSync } = await import('./commands/sync.ts');
        return runSync(launcher.name, others);
      }
      case 'preview': {
        const { runPreview } = await import('./commands/preview.ts');
        return runPreview(launcher.name, others);
      }
      case 'init': {
        const { runInit } = await import('./commands/init.ts');
        return runInit(launcher.name, others);
      }
    }
  }
  let command: ((context: CommandContext) => Promise<boolean>) | undefined;
  const choose =
    <T>(body: (context: CommandContext, args: ArgumentsCamelCase<T>) => Promise<boolean>) =>
    (args: ArgumentsCamelCase<T>): void => {
      const surroundings = args.envReferences === true ? { environment: process.env } : {};
      command = (context) => body({ ...context, ...surroundings }, args);
    };
  const findRole = async (config: string): Promise<Role> => {
    if (launcher.role !== undefined) return launcher.role;
    // Loaded here alone, as what it loads would double the time that `spec` takes.
    const { readRole } = await import('./connector-role.ts');
    return readRole(config);
  };

  const parser = yargs(hideBin(process.argv))
    .scriptName(launcher.name)
    .strict()
    .version(false)
    .exitProcess(false)
    .demandCommand(1, 'Name a command.')
    .fail((message, error) => {
      throw explainWrongArguments(launcher, message ?? error.message, first, process.stdout.isTTY);
    })
    .epilogue(`${launcher.name} COMMAND --help tells its options.`);

  if (launcher.role === undefined) {
    // Told here, and first, as they are what a person needs; each has its own help.
    parser
      .command('init', 'ask for source and destination, try them, and write their configurations')
      .command('preview', 'show what a sync would send, and send nothing')
      .command('sync', 'bring the new rows to Batch, and keep in a file how far it is');
  }
  parser
    .command(
      'explain [code]',
      'say what the code in a message means, or list all codes',
      (args) => args.positional('code', { type: 'string', describe: 'the code, or the link to its page' }),
      choose<{ code: string | undefined }>(async (context, { code }) => {
        const { explain } = await import('./commands/explain.ts');
        return explain(context, code);
      }),
    )
    .command(
      'spec',
      'print the form of the configuration',
      (args) =>
        launcher.role === undefined
          ? args.option('role', { choices: ['source', 'destination'] as const })
          : args.option('role', { hidden: true, choices: [launcher.role] }),
      choose((context, args) => spec(context, args.role ?? launcher.role ?? readRoleFromEnvironment(launcher.name))),
    )
    .command(
      'check',
      'try the configuration',
      addConfigOptions,
      choose<Configured>(async (context, { config }) => check(context, await findRole(config), config)),
    )
    .command(
      'discover',
      'list what can be read or written',
      addConfigOptions,
      choose<Configured>(async (context, { config }) => discover(context, await findRole(config), config)),
    );

  if (launcher.role !== 'destination') {
    parser.command(
      'read',
      'write the rows to stdout, as Airbyte messages',
      (args) =>
        addConfigOptions(args)
          .option('catalog', jsonFile('the streams, as a configured catalog'))
          .option('state', { ...jsonFile('the state of the last run'), demandOption: false })
          .option('limit', rowLimit),
      choose<Configured & { catalog: string; state: string | undefined; limit: number | undefined }>(
        async (context, { config, catalog, state, limit }) => {
          const source = await import('../source-clickhouse/commands.ts');
          return source.read(context, { config, catalog, state }, limit);
        },
      ),
    );
  }
  if (launcher.role !== 'source') {
    parser.command(
      'write',
      'send the rows that come on stdin, as Airbyte messages, to Batch',
      (args) => addConfigOptions(args).option('catalog', jsonFile('the streams, as a configured catalog')),
      choose<Configured & { catalog: string }>(async (context, { config, catalog }) => {
        const destination = await import('../destination-batch/commands.ts');
        return destination.write(context, { config, catalog }, process.stdin);
      }),
    );
  }

  await runConnector(async (context) => {
    await parser.parseAsync();
    return command === undefined ? true : command(context);
  });
}

function addConfigOptions(args: Argv): Argv<Configured> {
  return args.option('config', jsonFile('the configuration')).option('env-references', {
    type: 'boolean',
    default: false,
    describe: 'replace each ${NAME} in the configuration by the environment variable of that name',
  });
}

function readRoleFromEnvironment(launcher: string): Role {
  const role = process.env.CONNECTOR_ROLE;
  if (role === 'source' || role === 'destination') return role;
  throw protocolError(
    'command_invalid',
    `${launcher} holds a source and a destination, and ${role === undefined ? 'neither was asked for' : `"${role}" is neither`}. Give --role source or --role destination, or set the variable CONNECTOR_ROLE.`,
  );
}
