import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EXIT_CODES } from '../runner/exit-codes.ts';
import { VERSION } from '../shared/package.ts';
import { suggestName } from '../shared/suggest.ts';
import { explainWrongArguments, type Launcher } from './command.ts';
import { COMPLETION, listCommands } from './command-list.ts';
import { runConnector } from './run-connector.ts';

/** The arguments that make a launcher print its help or its version. */
const OF_THE_LAUNCHER = ['--help', '-h', 'help', '--version', '-v', '-V'];

/** With this argument, the completion script of a shell asks for completions. */
const COMPLETIONS = '--get-yargs-completions';

/** Runs the command named in process.argv. */
export async function runCommandLine(launcher: Launcher): Promise<void> {
  const args = hideBin(process.argv);
  const [first, ...others] = args;
  if (first === undefined) {
    process.stderr.write(`${await describeLauncher(launcher, ['--help']).getHelp()}\n`);
    process.exitCode = EXIT_CODES.misconfigured;
    return;
  }
  const called = listCommands(launcher).find(({ name }) => name === first);
  if (called !== undefined) return (await called.load()).run(launcher, others);
  if (first === COMPLETION.name || first === COMPLETIONS) {
    return (await import('./completion.ts')).complete(launcher, args);
  }

  await runConnector(async () => {
    if (!OF_THE_LAUNCHER.includes(first)) throw explainUnknownCommand(launcher, first);
    await describeLauncher(launcher, args).parseAsync();
  });
}

/** Creates the parser that prints the help and the version of a launcher. */
function describeLauncher(launcher: Launcher, args: readonly string[]): Argv {
  const { name } = launcher;
  const parser = yargs([...args])
    // Otherwise the help would repeat the name of the launcher before each command.
    .scriptName('')
    .usage(`${name} COMMAND\n\nSends rows from ClickHouse to Batch profiles, as events or as attributes.`)
    .usageConfiguration({ 'hide-types': true })
    .alias('help', 'h')
    .version(VERSION)
    .alias('version', ['v', 'V'])
    .exitProcess(false)
    .epilogue(`Run ${name} COMMAND --help for the options, examples and exit codes of a command.`);
  for (const { name: command, positional, describe } of listCommands(launcher)) {
    parser.command(positional === undefined ? command : `${command} [${positional}]`, describe);
  }
  return parser.command(COMPLETION.name, COMPLETION.describe);
}

function explainUnknownCommand(launcher: Launcher, given: string): Error {
  const near = suggestName(
    given,
    listCommands(launcher).map(({ name }) => name),
  );
  const kind = given.startsWith('-') ? 'option' : 'command';
  return explainWrongArguments(
    launcher.name,
    `Unknown ${kind} ${given}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
  );
}
