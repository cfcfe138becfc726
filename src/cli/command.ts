import { basename, delimiter, dirname, relative, sep } from 'node:path';
import yargs, { type Argv, type InferredOptionTypes, type Options } from 'yargs';
import { type ConnectorError, protocolError } from '../protocol/errors.ts';
import { suggestName } from '../shared/suggest.ts';
import { type CommandName, describeExitCodes } from './exit-code-help.ts';

declare module 'yargs' {
  interface Argv<T> {
    /** yargs 18 has this method, but @types/yargs lacks it. */
    usageConfiguration(configuration: { 'hide-types': boolean }): Argv<T>;
  }
}

export type Role = 'source' | 'destination';

/** A program in bin/ that starts the connector with this role. A program for people has no role, because it starts both. */
export type Launcher = { name: string; role: Role | undefined };

/**
 * Returns the launcher of this process as the user can type it: with npx if npx started it, its name if its folder is on the PATH,
 * otherwise its path.
 */
export function resolveLauncher(): string {
  const path = process.argv[1] ?? '';
  const name = basename(path);
  // With npx, the program's folder is on the PATH of this process, but not on the user's PATH.
  if (process.env.npm_command === 'exec' && path.includes(`${sep}node_modules${sep}`)) return `npx ${name}`;
  if ((process.env.PATH ?? '').split(delimiter).includes(dirname(path))) return name;
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

export type CommandOptions = Readonly<Record<string, Options>>;

/** A command of a launcher. It parses its own arguments. */
export type Command = {
  /** Returns the options of the command, for the completion in a shell. */
  options: (launcher: Launcher) => CommandOptions;
  /** Returns the possible values of its positional argument, for the completion in a shell. */
  values?: () => Promise<readonly string[]>;
  /** Runs the command. @param args the arguments after the name of the command. */
  run: (launcher: Launcher, args: readonly string[]) => Promise<void>;
};

/** What the help of a command shows in addition to its options. */
export type CommandHelp = {
  /**
   * The usage line and a description. The usage line begins with `$0`, as the examples do. Each paragraph is one line, because
   * yargs wraps it.
   */
  usage: string;
  /** Examples, one per line. `$0` is replaced with the launcher and the command. */
  examples: readonly string[];
  /** More paragraphs for the end of the help. */
  notes?: string;
};

/**
 * Explains invalid arguments.
 *
 * @param command the command whose help is suggested.
 * @param problem what is wrong, such as a message from yargs.
 */
export function explainWrongArguments(command: string, problem: string): ConnectorError {
  return protocolError(
    'command_invalid',
    `${problem.replace(/[.?]?$/, (end) => end || '.')} Run \`${command} --help\`.`,
  );
}

/** The options that can be repeated. `_` contains the positional arguments. */
const LISTS: ReadonlySet<string> = new Set(['stream', 'alert-header', 'alertHeader', '_']);

/** The names that yargs adds to the parsed options. */
const NAMES_OF_YARGS = ['_', '$0', 'help', 'h'];

/** The valid values of a boolean option. yargs treats every other value as false. */
const WORDS_OF_SWITCHES: ReadonlySet<string> = new Set(['true', 'false']);

/**
 * Creates the argument parser of a command. For --help, the parser prints the help.
 *
 * @param launcher its name, as the user types it.
 * @param args the arguments after the command.
 * @throws ConnectorError (command_invalid) from parseAsync, if the arguments are invalid.
 */
export function commandParser<Given extends CommandOptions>(
  launcher: string,
  command: CommandName,
  args: readonly string[],
  help: CommandHelp,
  options: Given,
): Argv<InferredOptionTypes<Given>> {
  const name = `${launcher} ${command}`;
  return yargs([...args])
    .scriptName(name)
    .usage(help.usage)
    .usageConfiguration({ 'hide-types': true })
    .alias('help', 'h')
    .strict()
    .version(false)
    .exitProcess(false)
    .options(options)
    .epilogue(describeMore(command, help))
    .middleware((given) => {
      // This runs before yargs checks for missing options, because yargs would only report a misspelt option as missing.
      const problem = findUnknownOption(Object.keys(given), options) ?? findInvalidSwitch(args, options);
      if (problem !== undefined) throw explainWrongArguments(name, problem);
    }, true)
    .check((given) => {
      // yargs returns an array for an option that is given twice.
      const twice = Object.entries(given).find(([name, value]) => Array.isArray(value) && !LISTS.has(name));
      if (twice !== undefined) throw new Error(`--${twice[0]} is given twice.`);
      // An empty value may come from an unset shell variable. As a path, it would mean the working folder.
      const empty = Object.entries(given).find(([, value]) => [value].flat().includes(''));
      if (empty !== undefined) throw new Error(`--${empty[0]} is empty.`);
      return true;
    })
    .fail((message, error) => {
      throw explainWrongArguments(name, describeProblem(message ?? error.message));
    });
}

/** Rewrites a message in which yargs names the options without hyphens. */
function describeProblem(problem: string): string {
  return problem.replace(/^Arguments (\S+) and (\S+) are mutually exclusive$/, 'Use either --$1 or --$2, not both.');
}

/** Builds the part of the help that follows the options. */
function describeMore(command: CommandName, { examples, notes }: CommandHelp): string {
  const shown = examples.map((example) => `  ${example}`).join('\n');
  return [`Examples:\n${shown}`, describeExitCodes(command), ...(notes === undefined ? [] : [notes])].join('\n\n');
}

/** @param given the names that yargs parsed. For an option with a hyphen, they also include its camelCase form. */
function findUnknownOption(given: readonly string[], options: CommandOptions): string | undefined {
  const names = Object.keys(options);
  const known = new Set([...names, ...names.map(toCamelCase), ...NAMES_OF_YARGS]);
  const unknown = given.find((each) => !known.has(each));
  if (unknown === undefined) return undefined;
  const near = suggestName(
    unknown,
    names.filter((name) => options[name]?.hidden !== true),
  );
  return `Unknown option --${unknown}.${near === undefined ? '' : ` Did you mean --${near}?`}`;
}

function toCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function findInvalidSwitch(args: readonly string[], options: CommandOptions): string | undefined {
  const switches = Object.keys(options).filter((name) => options[name]?.type === 'boolean');
  const invalid = switches.find((name) =>
    args.some((arg) => arg.startsWith(`--${name}=`) && !WORDS_OF_SWITCHES.has(arg.slice(name.length + 3))),
  );
  return invalid === undefined ? undefined : `--${invalid} accepts only true or false, or no value.`;
}
