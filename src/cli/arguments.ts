import type { RequestLogOptions } from '../destination-batch/batch/request-log.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import { explainWrongArguments, type Launcher } from './command.ts';

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

/** The last paragraph in the help of each command for people that reads a configuration. */
export const REFERENCES_NOTE =
  'To keep secrets out of a configuration, use ${NAME} for an environment variable or ${file:/PATH} for the content of a file.';

/**
 * The option --debug of the protocol's commands. Airbyte's own connectors have this option, so scripts that call them may pass
 * it. These connectors have no debug messages.
 */
export const debugSwitch = { type: 'boolean', hidden: true, describe: 'has no effect' } as const;

/**
 * The options of the commands that read a configuration. A launcher for people replaces references by default. Under a platform,
 * they are replaced only if --env-references is given: a person who fills in the platform's form must not be able to read the
 * platform's environment and files.
 */
export function configOptions({ role }: Launcher) {
  return {
    config: describeJsonFile('the configuration'),
    debug: debugSwitch,
    'config-variable': {
      type: 'string',
      hidden: true,
      describe: 'the environment variable that contains the configuration, instead of a file',
    },
    'env-references': {
      type: 'boolean',
      // A platform that starts `connector` sets CONNECTOR_ROLE, because `spec` needs it.
      default: role === undefined && process.env.CONNECTOR_ROLE === undefined,
      describe:
        'replace each ${NAME} in the configuration with the environment variable NAME, and each ${file:PATH} with the content of a file',
    },
  } as const;
}

/** The options of `check` in a launcher for people. With these options, `check` tests one configuration or both. */
export function checkOptions(launcher: Launcher) {
  return {
    source: { ...describeJsonFile('the configuration of the source'), demandOption: false },
    destination: { ...describeJsonFile('the configuration of the destination'), demandOption: false },
    ...configOptions(launcher),
    config: { ...describeJsonFile('the configuration of the source or of the destination'), demandOption: false },
  } as const;
}

/**
 * Returns the path in --config or, if `sync` passed --config-variable, the configuration in that environment variable. In the
 * second case, --config is only the name that messages use for the configuration.
 */
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

/** The options of `write` and `sync` for the request log. */
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
