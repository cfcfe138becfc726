import { asConnectorError } from '../../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../../runner/exit-codes.ts';
import { JsonReporter } from '../../sync/report/json-reporter.ts';
import { PlainProgress, ProgressBar } from '../../sync/report/progress-bar.ts';
import type { Reporter } from '../../sync/report/reporter.ts';
import { TextReporter } from '../../sync/report/text-reporter.ts';
import { type SyncOptions, sync } from '../../sync/sync.ts';
import { describeJsonFile, interactiveParser, rowLimit } from '../arguments.ts';
import { SigtermListener } from '../signals.ts';

const USAGE = `$0 --source FILE --destination FILE --state FILE|s3://BUCKET/KEY

Sends new rows from ClickHouse to Batch, and saves progress in the state.`;

const EPILOGUE = `Exit codes:
    0  every row was accepted
    1  the run failed
    2  wrong arguments or configuration
    3  the run completed, but some rows were rejected
  130  stopped by Ctrl-C (143: by SIGTERM, 129: by SIGHUP)

To keep secrets out of a configuration, use \${NAME} for an environment variable or \${file:/PATH} for the content of a file.`;

/**
 * Runs `sync`. It is for users and scripts, not for a platform, so it prints no protocol messages. Errors are printed as text to
 * stderr or, with --json, as JSON to stdout.
 *
 * After the first signal, `sync` stops reading, but still sends the rows already read. A second signal stops it immediately. In
 * both cases, the process finally kills itself with the signal, so that its parent process knows why it ended. If the run failed,
 * the process exits with the exit code of the error instead.
 *
 * @param launcher the name of the launcher.
 * @param args the arguments after `sync`.
 */
export async function runSync(launcher: string, args: readonly string[]): Promise<void> {
  // Ignore errors such as EPIPE: a sync must not stop halfway because a reader such as `head` has closed the pipe.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const reporter = createReporter(args.some((arg) => /^--json(=true)?$/.test(arg)));
  const signals = new SigtermListener({ onSecond: () => reporter.log('WARN', 'sync', 'Second signal: stopping now.') });
  const { stop, stopAtOnce } = signals;
  try {
    const options = await parse(`${launcher} sync`, args);
    const [program = process.execPath, path = ''] = process.argv;
    if (options !== undefined) {
      process.exitCode = await sync(options, { program: [program, path], reporter, stop, stopAtOnce, now: Date.now });
    }
  } catch (error) {
    const connectorError = asConnectorError(error);
    reporter.failed(connectorError);
    process.exitCode = exitCodeOfError(connectorError);
  } finally {
    signals.close();
  }
  for (const stream of [process.stdout, process.stderr]) await waitUntilFlushed(stream);
  // If the run failed, the process exits with the exit code of the error, which says more than the signal.
  const hasFailed = process.exitCode === EXIT_CODES.failed || process.exitCode === EXIT_CODES.misconfigured;
  if (!hasFailed) signals.endIfReceived();
}

/** Resolves when a stream has written everything, or its reader has closed the pipe. */
function waitUntilFlushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** Parses the arguments; returns undefined after --help. @throws ConnectorError (config_error) if they are invalid. */
async function parse(name: string, args: readonly string[]): Promise<SyncOptions | undefined> {
  const parsed = await interactiveParser(name, args, USAGE, {
    source: describeJsonFile('the configuration of the source'),
    destination: describeJsonFile('the configuration of the destination'),
    state: describeJsonFile('the progress, created by the first run, or s3://BUCKET/KEY'),
    stream: {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'one or more tables or views to sync; required if the source has several',
    },
    'all-streams': {
      type: 'boolean',
      describe: 'sync every table and view of the source, including ones added later',
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
      describe: 'keep running, with one run at each time of a cron pattern ("0 3 * * *" is 3:00 every night)',
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
      describe: 'also alert, and fail at /readyz, when the newest row sent is older than this, such as 90s, 30m or 2h',
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
    json: {
      type: 'boolean',
      default: false,
      describe: 'write JSON lines to stdout instead of text and a progress bar',
    },
  })
    .conflicts('every', 'cron')
    .conflicts('stream', 'all-streams')
    .epilogue(EPILOGUE)
    .parseAsync();
  if (parsed.help === true) return undefined;
  const streams = { streams: parsed.stream ?? [], allStreams: parsed.allStreams ?? false };
  const { limit, every, cron, alertUrl, alertHeader, alertRejected, staleAfter } = parsed;
  const { metricsPort, metricsHost, metricsFile } = parsed;
  const alert = { alertUrl, alertHeaders: alertHeader, alertRejected };
  const metrics = { metricsPort, metricsHost, metricsFile };
  return { ...parsed, ...streams, limit, every, cron, staleAfter, alert, metrics };
}

/** Creates the reporter for the given output format. A progress bar is shown only in an interactive terminal. */
function createReporter(isJson: boolean): Reporter {
  const toStdout = (text: string): boolean => process.stdout.write(text);
  if (isJson) return new JsonReporter(toStdout, Date.now);
  const isInteractive = process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb';
  const display = isInteractive
    ? new ProgressBar(process.stderr)
    : new PlainProgress((text) => process.stderr.write(text));
  return new TextReporter(display, toStdout, Date.now);
}
