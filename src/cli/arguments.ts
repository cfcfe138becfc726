import yargs, { type Argv, type InferredOptionTypes, type Options } from 'yargs';
import type { RequestLogOptions } from '../destination-batch/batch/request-log.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import type { GivenConfiguration } from '../protocol/configuration.ts';
import { type ConnectorError, protocolError } from '../protocol/errors.ts';
import { suggestName } from '../shared/suggest.ts';

export type Role = 'source' | 'destination';

/** A program in bin/ that starts the connector with this role. The program `connector` has no role, because it starts both. */
export type Launcher = { name: string; role: Role | undefined };

/** A connector command. `role` is set if only one of the two connectors has the command. */
export type ConnectorCommand = {
  name: string;
  role?: Role;
  /** Registers the command and its handler with yargs. */
  addTo: (parser: Argv, launcher: Launcher, context: CommandContext) => void;
};

/** Matches a whole number from 1 up, with at most 15 digits: a JavaScript number represents these exactly. */
const ROW_COUNT = /^[1-9]\d{0,14}$/;

/** The option --limit of `read` and `sync`. */
export const rowLimit = {
  type: 'string',
  requiresArg: true,
  describe: 'read at most N rows across all streams; the next run continues after them',
  coerce: (text: unknown) => parseRowCount('--limit', text),
} as const;

/**
 * Parses an option whose value is a number of rows; returns undefined if the option is not given.
 *
 * @throws Error that explains the mistake, if the value is not a whole number of rows.
 */
export function parseRowCount(option: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (typeof text === 'string' && ROW_COUNT.test(text)) return Number(text);
  throw new Error(`${option} must be one whole number of rows, 1 or more.`);
}

/** Defines an option whose value is the path of a JSON file. @param what the content of the file, for the help. */
export function describeJsonFile(what: string): {
  type: 'string';
  demandOption: true;
  requiresArg: true;
  describe: string;
} {
  return { type: 'string', demandOption: true, requiresArg: true, describe: `JSON file with ${what}` };
}

/**
 * Adds the options of the commands that read a configuration. `connector` is for people, so it replaces references by default. A
 * platform replaces nothing unless asked to: whoever fills in its form must not be able to read its environment and its files.
 */
export function addConfigOptions(parser: Argv, { role }: Launcher) {
  return parser
    .option('config', describeJsonFile('the configuration'))
    .option('config-variable', {
      type: 'string',
      hidden: true,
      describe: 'the environment variable with the configuration, which is then in no file',
    })
    .option('env-references', {
      type: 'boolean',
      // A platform that starts `connector` sets CONNECTOR_ROLE, because `spec` needs it.
      default: role === undefined && process.env.CONNECTOR_ROLE === undefined,
      describe:
        'replace each ${NAME} in the configuration with the environment variable NAME, and each ${file:PATH} with the content of a file',
    });
}

/** Returns the configuration that --config names, or that `sync` passes in --config-variable. Its name is then in --config. */
export function readConfigOption(args: { config: string; configVariable: string | undefined }): GivenConfiguration {
  if (args.configVariable === undefined) return args.config;
  return { name: args.config, value: JSON.parse(process.env[args.configVariable] ?? 'null') };
}

/** The option --report-metrics of `read` and `write`, which `sync` passes. */
export const reportMetrics = {
  type: 'boolean',
  default: false,
  hidden: true,
  describe: 'write metrics as ANALYTICS messages',
} as const;

/** The options of the request log, of `write` and `sync`. */
export const REQUEST_LOG_OPTIONS = {
  'request-log': {
    type: 'string',
    requiresArg: true,
    describe: 'append requests to Batch and their responses to FILE, as JSON lines; they contain rows, but not the key',
  },
  'request-log-mode': {
    type: 'string',
    requiresArg: true,
    describe: 'which requests to log: errors (the default), first:N or all',
  },
} as const;

/**
 * Reads the options of the request log. Returns undefined without --request-log.
 *
 * @param command the command whose help is suggested.
 * @throws ConnectorError (config_error) if an option is invalid or has no effect.
 */
export function readRequestLogOptions(
  command: string,
  { requestLog, requestLogMode }: { requestLog?: string | undefined; requestLogMode?: string | undefined },
): RequestLogOptions | undefined {
  if (requestLog === undefined) {
    if (requestLogMode === undefined) return undefined;
    throw explainWrongArguments(command, '--request-log-mode has no effect without --request-log.');
  }
  const [, count] = /^first:([1-9]\d{0,8})$/.exec(requestLogMode ?? '') ?? [];
  if (count !== undefined) return { path: requestLog, mode: { kind: 'first', requests: Number(count) } };
  if (requestLogMode === undefined || requestLogMode === 'errors')
    return { path: requestLog, mode: { kind: 'errors' } };
  if (requestLogMode === 'all') return { path: requestLog, mode: { kind: 'all' } };
  throw explainWrongArguments(command, '--request-log-mode must be errors, all or first:N, such as first:10.');
}

/** Adds the environment variables to the context if --env-references is given. */
export function resolveEnvironment(context: CommandContext, args: { envReferences: boolean }): CommandContext {
  return args.envReferences ? { ...context, environment: process.env } : context;
}

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

/** The options that can be repeated. `_` contains the arguments without a name. */
const LISTS: ReadonlySet<string> = new Set(['stream', 'alert-header', 'alertHeader', '_']);

/** The names that yargs adds to the parsed options. */
const NAMES_OF_YARGS = ['_', '$0', 'help'];

/** The valid values of a boolean option. yargs treats every other value as false. */
const WORDS_OF_SWITCHES: ReadonlySet<string> = new Set(['true', 'false']);

/**
 * Creates the argument parser of an interactive command. For --help, the parser prints the help.
 *
 * @param name the launcher and the command, as the user types them.
 * @param args the arguments after the command.
 * @param usage the usage line, with `$0` in place of the name, and a description of the command.
 * @throws ConnectorError (command_invalid) from parseAsync, if the arguments are invalid.
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
      // This runs before yargs checks for missing options, because yargs would only report a misspelt option as missing.
      const problem = findUnknownOption(Object.keys(given), Object.keys(options)) ?? findInvalidSwitch(args, options);
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
      throw explainWrongArguments(name, message ?? error.message);
    });
}

/** @param given the names that yargs parsed. For an option with a hyphen, they also include its camelCase form. */
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
