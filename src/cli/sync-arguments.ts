import { resolve } from 'node:path';
import type { InferredOptionTypes } from 'yargs';
import type { ConnectorError } from '../protocol/errors.ts';
import { plural } from '../shared/format.ts';
import type { AlertArguments } from '../sync/alerts/options.ts';
import type { FileOptions } from '../sync/config-file/read.ts';
import type { SyncOptions } from '../sync/sync.ts';
import {
  describeJsonFile,
  REFERENCES_NOTE,
  REQUEST_LOG_OPTIONS,
  readRequestLogOptions,
  rowLimit,
} from './arguments.ts';
import { type CommandHelp, commandParser, explainWrongArguments } from './command.ts';

const HELP: CommandHelp = {
  usage: `$0 --source FILE --destination FILE --state STATE
       $0 --config FILE

Sends new rows from ClickHouse to Batch, and saves progress in the state.`,
  examples: [
    '$0 --config sync.json',
    '$0 --source source.json \\\n      --destination destination.json --state state.json --limit 10',
    '$0 --source source.json \\\n      --destination destination.json --state state.json --every 5m',
  ],
  notes: REFERENCES_NOTE,
};

export const SYNC_OPTIONS = {
  source: { ...describeJsonFile('the configuration of the source'), demandOption: false },
  destination: { ...describeJsonFile('the configuration of the destination'), demandOption: false },
  state: { ...describeJsonFile('the progress, created by the first run, or s3://BUCKET/KEY'), demandOption: false },
  config: {
    ...describeJsonFile('most of these options; those on the command line take precedence'),
    demandOption: false,
  },
  stream: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'one or more streams to sync (tables, views or queries); required if the source has several',
  },
  'all-streams': {
    type: 'boolean',
    describe: 'sync every stream of the source, including ones added later',
  },
  limit: rowLimit,
  'full-refresh': {
    type: 'boolean',
    default: false,
    describe: 'read all rows, including rows already sent, without reading or changing the state',
  },
  every: {
    type: 'string',
    requiresArg: true,
    describe: 'keep running, with one run per interval, such as 30s, 5m, 2h or 1d',
  },
  cron: {
    type: 'string',
    requiresArg: true,
    describe: 'keep running, with one run whenever a cron pattern matches ("0 3 * * *" is 3:00 every night)',
  },
  'alert-url': {
    type: 'string',
    requiresArg: true,
    describe:
      'URL to POST an alert to when the status changes: a run failed, or the sync recovered; may contain ${NAME}',
  },
  'alert-header': {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'one or more headers of an alert, such as "Authorization: Bearer ${TOKEN}"',
  },
  'alert-rejected': {
    type: 'string',
    requiresArg: true,
    describe: 'also alert when a run rejects more than this: 1% of its rows, or a number of rows',
  },
  'stale-after': {
    type: 'string',
    requiresArg: true,
    describe:
      'also alert, and answer 503 at /readyz, when the newest row sent is older than this, such as 90s, 30m or 2h',
  },
  'metrics-port': {
    type: 'string',
    requiresArg: true,
    describe: 'with --every or --cron: serve metrics for Prometheus and health checks on this port',
  },
  'metrics-host': {
    type: 'string',
    requiresArg: true,
    describe: 'listen on this address instead of loopback; 0.0.0.0 for every address',
  },
  'metrics-file': {
    type: 'string',
    requiresArg: true,
    describe: 'write metrics after each run to FILE.prom, for the textfile collector of node_exporter',
  },
  ...REQUEST_LOG_OPTIONS,
  json: {
    type: 'boolean',
    default: false,
    describe: 'write JSON lines to stdout instead of text and a progress bar',
  },
} as const;

type ParsedArguments = InferredOptionTypes<typeof SYNC_OPTIONS>;

/**
 * Parses the arguments of `sync`, and adds the options in the file that --config names. Returns undefined after --help.
 *
 * @param launcher its name, as the user types it.
 * @throws ConnectorError (config_error) if the arguments or the file are invalid.
 */
export async function parseSyncArguments(launcher: string, args: readonly string[]): Promise<SyncOptions | undefined> {
  const name = `${launcher} sync`;
  const parsed = await commandParser(launcher, 'sync', args, HELP, SYNC_OPTIONS)
    .conflicts('every', 'cron')
    .conflicts('stream', 'all-streams')
    .parseAsync();
  if (parsed.help === true) return undefined;
  const { config, limit, fullRefresh } = parsed;
  const given = groupArguments(parsed);
  const options = config === undefined ? given : await addFileOptions(given, config);
  const { source, destination, state, streams, schedule, ...others } = options;
  if (source === undefined || destination === undefined || state === undefined) {
    throw explainMissingOptions(name, { source, destination, state }, config);
  }
  const { stream = [], allStreams = false } = streams;
  return {
    ...others,
    ...schedule,
    source,
    destination,
    state,
    streams: stream,
    allStreams,
    limit,
    fullRefresh,
    requestLogArguments: listRequestLogArguments(name, parsed),
  };
}

/** Returns the arguments that `write` gets for its request log. */
function listRequestLogArguments(
  name: string,
  parsed: { requestLog: string | undefined; requestLogMode: string | undefined },
): string[] {
  const options = readRequestLogOptions(name, parsed);
  if (options === undefined) return [];
  const { requestLogMode: mode } = parsed;
  // The path is made absolute, because `write` may run in another folder: that of the file that --config names.
  return ['--request-log', resolve(options.path), ...(mode === undefined ? [] : ['--request-log-mode', mode])];
}

function groupArguments(parsed: ParsedArguments): FileOptions {
  const { source, destination, state, stream, 'all-streams': allStreams, every, cron } = parsed;
  const { 'stale-after': staleAfter, 'alert-url': alertUrl, 'alert-header': alertHeaders } = parsed;
  const { 'alert-rejected': alertRejected, 'metrics-port': metricsPort } = parsed;
  const { 'metrics-host': metricsHost, 'metrics-file': metricsFile } = parsed;
  return {
    ...{ source, destination, state, staleAfter },
    streams: { stream, allStreams },
    schedule: { every, cron },
    alert: { alertUrl, alertHeaders, alertRejected },
    metrics: { metricsPort, metricsHost, metricsFile },
  };
}

/**
 * Adds the options in a file. Options on the command line take precedence. They also replace the options in the file that they
 * exclude: --every replaces a cron pattern.
 */
async function addFileOptions(given: FileOptions, path: string): Promise<FileOptions> {
  const { readSyncFile } = await import('../sync/config-file/read.ts');
  const file = await readSyncFile(path, process.env);
  return {
    source: given.source ?? file.source,
    destination: given.destination ?? file.destination,
    state: given.state ?? file.state,
    staleAfter: given.staleAfter ?? file.staleAfter,
    streams: isEmpty(given.streams) ? file.streams : given.streams,
    schedule: isEmpty(given.schedule) ? file.schedule : given.schedule,
    alert: addAlertOptions(given.alert, file.alert),
    metrics: {
      metricsPort: given.metrics.metricsPort ?? file.metrics.metricsPort,
      metricsHost: given.metrics.metricsHost ?? file.metrics.metricsHost,
      metricsFile: given.metrics.metricsFile ?? file.metrics.metricsFile,
    },
  };
}

function isEmpty(options: object): boolean {
  return Object.values(options).every((value) => value === undefined);
}

function addAlertOptions(given: AlertArguments, file: AlertArguments): AlertArguments {
  // The alert headers in the file may contain a token for the alert URL in the file. No other server must get this token.
  const { alertHeaders } = given.alertUrl === undefined ? file : {};
  return {
    alertUrl: given.alertUrl ?? file.alertUrl,
    alertHeaders: given.alertHeaders ?? alertHeaders,
    alertRejected: given.alertRejected ?? file.alertRejected,
  };
}

/** @param config the path of the file with options, if there is one. */
function explainMissingOptions(
  name: string,
  required: Readonly<Record<string, unknown>>,
  config: string | undefined,
): ConnectorError {
  const missing = Object.keys(required).filter((option) => required[option] === undefined);
  const place = config === undefined ? '' : ` Add ${missing.length === 1 ? 'it' : 'them'} to ${config}.`;
  return explainWrongArguments(
    name,
    `Missing required ${plural(missing.length, 'argument')}: ${missing.join(', ')}.${place}`,
  );
}
