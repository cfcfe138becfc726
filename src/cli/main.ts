import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { type ConnectorCommand, explainWrongArguments, type Launcher } from './arguments.ts';
import { checkCommand } from './commands/check.ts';
import { discoverCommand } from './commands/discover.ts';
import { explainCommand } from './commands/explain.ts';
import { readCommand } from './commands/read.ts';
import { specCommand } from './commands/spec.ts';
import { writeCommand } from './commands/write.ts';
import { runConnector } from './run-connector.ts';

/** The interactive commands, in the order of --help. Each one parses its own arguments, and is loaded only when it is called. */
const INTERACTIVE_COMMANDS = [
  {
    name: 'init',
    describe: 'ask for your settings, test them, and write the configuration files',
    load: async () => (await import('./commands/init.ts')).runInit,
  },
  {
    name: 'preview',
    describe: 'show what a sync would send, without sending it',
    load: async () => (await import('./commands/preview.ts')).runPreview,
  },
  {
    name: 'sync',
    describe: 'send new rows to Batch and save progress in a state file',
    load: async () => (await import('./commands/sync.ts')).runSync,
  },
  {
    name: 'status',
    describe: 'show how the last run of a sync ended, and the cursor of each stream',
    load: async () => (await import('./commands/status.ts')).runStatus,
  },
  {
    name: 'retry',
    describe: 'send rejected rows again',
    load: async () => (await import('./commands/retry.ts')).runRetry,
  },
] as const;

const CONNECTOR_COMMANDS: readonly ConnectorCommand[] = [
  explainCommand,
  specCommand,
  checkCommand,
  discoverCommand,
  readCommand,
  writeCommand,
];

/** Runs the command named in process.argv. */
export async function runCommandLine(launcher: Launcher): Promise<void> {
  const { name, role } = launcher;
  const args = hideBin(process.argv);
  const interactive = role === undefined ? INTERACTIVE_COMMANDS : [];
  const commands = CONNECTOR_COMMANDS.filter((command) => !role || !command.role || command.role === role);
  const called = interactive.find((command) => command.name === args[0]);
  if (called !== undefined) return (await called.load())(name, args.slice(1));

  await runConnector(async (context) => {
    const parser = yargs(args)
      .scriptName(name)
      .strict()
      .recommendCommands()
      .updateStrings({ 'Did you mean %s?': 'Unknown command. Did you mean %s?' })
      .version(false)
      .exitProcess(false)
      .demandCommand(1, 'Missing command.')
      .fail((message, error) => {
        const command = commands.find((each) => each.name === args[0]);
        throw explainWrongArguments(command === undefined ? name : `${name} ${command.name}`, message ?? error.message);
      })
      .epilogue(`Run ${name} COMMAND --help for the options of a command.`);
    for (const command of interactive) parser.command(command.name, command.describe);
    for (const command of commands) command.addTo(parser, launcher, context);
    await parser.parseAsync();
  });
}
