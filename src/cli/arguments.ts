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
  describe: 'read at most N rows across all streams; the next run continues after them',
  coerce: (text: unknown) => parseRowCount('--limit', text),
} as const;

/**
 * Parses the number of rows of an option; undefined when the option is not given.
 *
 * @throws Error that explains the mistake, when it isn't a whole number of rows.
 */
export function parseRowCount(option: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (typeof text === 'string' && ROW_COUNT.test(text)) return Number(text);
  throw new Error(`${option} must be one whole number of rows, 1 or more.`);
}

/** An option that names a file. @param what the file contains. */
export function describeJsonFile(what: string): {
  type: 'string';
  demandOption: true;
  requiresArg: true;
  describe: string;
} {
  return { type: 'string', demandOption: true, requiresArg: true, describe: `JSON file with ${what}` };
}

/** The options of the commands that read a configuration. */
export function addConfigOptions(parser: Argv) {
  return parser.option('config', describeJsonFile('the configuration')).option('env-references', {
    type: 'boolean',
    default: false,
    describe: 'replace each ${NAME} in the configuration with the environment variable NAME',
  });
}

/** The context with the environment variables, if the configuration refers to some. */
export function resolveEnvironment(context: CommandContext, args: { envReferences: boolean }): CommandContext {
  return args.envReferences ? { ...context, environment: process.env } : context;
}

/**
 * Explains wrong arguments.
 *
 * @param command the command whose help is suggested.
 * @param problem a message of yargs.
 */
export function explainWrongArguments(command: string, problem: string): ConnectorError {
  return protocolError(
    'command_invalid',
    `${problem.replace(/[.?]?$/, (end) => end || '.')} Run \`${command} --help\`.`,
  );
}

/** The options that can be repeated, and the arguments without a name. */
const LISTS: ReadonlySet<string> = new Set(['stream', '_']);

/** The names that yargs adds to the options. */
const NAMES_OF_YARGS = ['_', '$0', 'help'];

/** The values of a boolean option. yargs reads every other value as false. */
const WORDS_OF_SWITCHES: ReadonlySet<string> = new Set(['true', 'false']);

/**
 * Creates the parser of a command for people.
 *
 * @param name the command with its launcher, as the user types them.
 * @param args the arguments after the command.
 * @param usage the usage and what the command does, beginning with `$0` for its name.
 * @throws ConnectorError (command_invalid), from parseAsync, when the arguments are wrong. It prints the help for --help.
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
      // Before yargs looks for missing options: a misspelt one is missing, too.
      const problem = findUnknownOption(Object.keys(given), Object.keys(options)) ?? findInvalidSwitch(args, options);
      if (problem !== undefined) throw explainWrongArguments(name, problem);
    }, true)
    .check((given) => {
      // yargs makes a list of an option that is given twice.
      const twice = Object.entries(given).find(([name, value]) => Array.isArray(value) && !LISTS.has(name));
      if (twice !== undefined) throw new Error(`--${twice[0]} is given twice.`);
      // For example from an unset shell variable. As a path it would be the working folder.
      const empty = Object.entries(given).find(([, value]) => [value].flat().includes(''));
      if (empty !== undefined) throw new Error(`--${empty[0]} is empty.`);
      return true;
    })
    .fail((message, error) => {
      throw explainWrongArguments(name, message ?? error.message);
    });
}

/** @param given the names that yargs parsed; it has names of two words in two forms. */
function findUnknownOption(given: readonly string[], options: readonly string[]): string | undefined {
  const known = new Set([...options, ...options.map(toCamelCase), ...NAMES_OF_YARGS]);
  const unknown = given.find((each) => !known.has(each));
  if (unknown === undefined) return undefined;
  const near = suggestName(unknown, options);
  return `Unknown option --${unknown}.${near === undefined ? '' : ` Did you mean --${near}?`}`;
}

function toCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function findInvalidSwitch(args: readonly string[], options: Readonly<Record<string, Options>>): string | undefined {
  const switches = Object.keys(options).filter((name) => options[name]?.type === 'boolean');
  const invalid = switches.find((name) =>
    args.some((arg) => arg.startsWith(`--${name}=`) && !WORDS_OF_SWITCHES.has(arg.slice(name.length + 3))),
  );
  return invalid === undefined ? undefined : `--${invalid} accepts only true or false, or no value.`;
}
