import yargs, { type Argv, type InferredOptionTypes, type Options } from 'yargs';
import type { CommandContext } from '../protocol/command-context.ts';
import { type ConnectorError, protocolError } from '../protocol/errors.ts';
import { suggestName } from '../shared/suggest.ts';

export type Role = 'source' | 'destination';

/** The name of the launcher, and the connector that it starts; the launcher `connector` starts both. */
export type Launcher = { name: string; role: Role | undefined };

/** A command of the connectors; `role` when only one of them has it. */
export type ConnectorCommand = {
  name: string;
  role?: Role;
  /** Registers the command with yargs, and what it runs. */
  addTo: (parser: Argv, launcher: Launcher, context: CommandContext) => void;
};

/** 1 to 15 digits, which a number keeps exactly. */
const ROW_COUNT = /^[1-9]\d{0,14}$/;

/** The option --limit, of `read` and of what runs it. */
export const rowLimit = {
  type: 'string',
  requiresArg: true,
  describe: 'read so many rows at the most, of all streams together; the next run goes on behind them',
  coerce: (text: unknown) => parseRowCount('--limit', text),
} as const;

/**
 * A number of rows as it was typed; undefined when it was not.
 *
 * @throws Error that is the mistake in words, when the text is no whole number of rows.
 */
export function parseRowCount(option: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (typeof text === 'string' && ROW_COUNT.test(text)) return Number(text);
  throw new Error(`${option} takes one whole number of rows, from 1 on.`);
}

/** An option that names a file. @param what is in it. */
export function describeJsonFile(what: string): {
  type: 'string';
  demandOption: true;
  requiresArg: true;
  describe: string;
} {
  return { type: 'string', demandOption: true, requiresArg: true, describe: `the JSON file with ${what}` };
}

/** The options of the commands that read a configuration. */
export function addConfigOptions(parser: Argv) {
  return parser.option('config', describeJsonFile('the configuration')).option('env-references', {
    type: 'boolean',
    default: false,
    describe: 'replace each ${NAME} in the configuration by the environment variable of that name',
  });
}

/** The context with the environment variables, if the configuration refers to some. */
export function resolveEnvironment(context: CommandContext, args: { envReferences: boolean }): CommandContext {
  return args.envReferences ? { ...context, environment: process.env } : context;
}

/**
 * Explains wrong arguments.
 *
 * @param command whose help leads on.
 * @param problem in the words of yargs.
 */
export function explainWrongArguments(command: string, problem: string): ConnectorError {
  return protocolError(
    'command_invalid',
    `${problem.replace(/[.?]?$/, (end) => end || '.')} Run \`${command} --help\`.`,
  );
}

/** What may be given several times, and what is given without a name. */
const LISTS: ReadonlySet<string> = new Set(['stream', '_']);

/** What yargs gives beside the options. */
const NAMES_OF_YARGS = ['_', '$0', 'help'];

/** What is on or off. yargs takes every other word for off. */
const WORDS_OF_SWITCHES: ReadonlySet<string> = new Set(['true', 'false']);

/**
 * What the commands for a person have in common on the command line.
 *
 * @param name as it is typed, with that of the launcher.
 * @param args those behind it.
 * @param usage how it is used and what it does, beginning with `$0` for its name.
 * @throws ConnectorError (command_invalid), from parseAsync, when the arguments are wrong. Help that is asked for is printed.
 */
export function interactiveParser<Given extends Record<string, Options>>(
  name: string,
  args: readonly string[],
  usage: string,
  options: Given,
): Argv<InferredOptionTypes<Given>> {
  return yargs([...args])
    .scriptName(name)
    .usage(usage)
    .strict()
    .version(false)
    .exitProcess(false)
    .options(options)
    .middleware((given) => {
      // Before yargs looks for what is missing: that may be the option that is misspelt.
      const problem = findUnknownOption(Object.keys(given), Object.keys(options)) ?? findOddSwitch(args, options);
      if (problem !== undefined) throw explainWrongArguments(name, problem);
    }, true)
    .check((given) => {
      // yargs makes a list of what is given twice.
      const twice = Object.entries(given).find(([name, value]) => Array.isArray(value) && !LISTS.has(name));
      if (twice !== undefined) throw new Error(`--${twice[0]} is given twice.`);
      // As of a variable of the shell that is not set. Taken for a path, it is the working folder.
      const empty = Object.entries(given).find(([, value]) => [value].flat().includes(''));
      if (empty !== undefined) throw new Error(`--${empty[0]} is empty.`);
      return true;
    })
    .fail((message, error) => {
      throw explainWrongArguments(name, message ?? error.message);
    });
}

/** @param given the names of yargs, which has those of two words in two forms. */
function findUnknownOption(given: readonly string[], options: readonly string[]): string | undefined {
  const known = new Set([...options, ...options.map(toCamelCase), ...NAMES_OF_YARGS]);
  const unknown = given.find((each) => !known.has(each));
  if (unknown === undefined) return undefined;
  const near = suggestName(unknown, options);
  return `There is no option --${unknown}.${near === undefined ? '' : ` It may be misspelt: there is --${near}.`}`;
}

function toCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function findOddSwitch(args: readonly string[], options: Readonly<Record<string, Options>>): string | undefined {
  const switches = Object.keys(options).filter((name) => options[name]?.type === 'boolean');
  const odd = switches.find((name) =>
    args.some((arg) => arg.startsWith(`--${name}=`) && !WORDS_OF_SWITCHES.has(arg.slice(name.length + 3))),
  );
  return odd === undefined ? undefined : `--${odd} takes no value, or true or false.`;
}
