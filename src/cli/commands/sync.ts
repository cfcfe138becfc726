import { asConnectorError } from '../../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../../runner/exit-codes.ts';
import { JsonReporter } from '../../sync/report/json-reporter.ts';
import { PlainProgress, ProgressBar } from '../../sync/report/progress-bar.ts';
import type { Reporter } from '../../sync/report/reporter.ts';
import { TextReporter } from '../../sync/report/text-reporter.ts';
import { type SyncOptions, sync } from '../../sync/sync.ts';
import { describeJsonFile, interactiveParser, rowLimit } from '../arguments.ts';
import { SigtermListener } from '../signals.ts';

const USAGE = `$0 --source FILE --destination FILE --state FILE

Sends new rows from ClickHouse to Batch, and saves progress in the state file.`;

const EPILOGUE = `Exit codes:
    0  every row was accepted
    1  the run failed
    2  wrong arguments or configuration
    3  the run completed, but some rows were rejected
  130  stopped by Ctrl-C (143: by SIGTERM, 129: by SIGHUP)

A configuration can contain \${NAME} for the environment variable NAME, to keep secrets out of the file.`;

/**
 * Runs `sync`. It is for people and scripts, not for a platform: it prints no messages of the protocol, and an error is a
 * sentence on stderr.
 *
 * The first signal asks it to finish what it has begun, a second one ends it now. The process then ends by that signal.
 *
 * @param launcher the name of the launcher.
 * @param args the arguments after `sync`.
 */
export async function runSync(launcher: string, args: readonly string[]): Promise<void> {
  // A reader that is gone, such as `head`, is no reason to stop in the middle.
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
  // The exit code of an error says more than the signal.
  const hasFailed = process.exitCode === EXIT_CODES.failed || process.exitCode === EXIT_CODES.misconfigured;
  if (!hasFailed) signals.endIfReceived();
}

/** Resolves when a stream has written everything, or its reader is gone. */
function waitUntilFlushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** @throws ConnectorError (config_error) when the arguments are wrong. Undefined after --help. */
async function parse(name: string, args: readonly string[]): Promise<SyncOptions | undefined> {
  const parsed = await interactiveParser(name, args, USAGE, {
    source: describeJsonFile('the configuration of the source'),
    destination: describeJsonFile('the configuration of the destination'),
    state: describeJsonFile('the progress; created by the first run'),
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
      describe: 'read all rows, including rows already sent; neither reads nor changes the state',
    },
    every: {
      type: 'string',
      requiresArg: true,
      describe: 'keep running: one run every 30s, 5m, 2h, 1d …',
    },
    cron: {
      type: 'string',
      requiresArg: true,
      describe: 'keep running: one run at each time of a cron pattern ("0 3 * * *" is 3:00 every night)',
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
  return { ...parsed, ...streams, limit: parsed.limit, every: parsed.every, cron: parsed.cron };
}

/** A progress bar needs an interactive terminal. */
function createReporter(isJson: boolean): Reporter {
  const toStdout = (text: string): boolean => process.stdout.write(text);
  if (isJson) return new JsonReporter(toStdout, Date.now);
  const isInteractive = process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb';
  const display = isInteractive
    ? new ProgressBar(process.stderr)
    : new PlainProgress((text) => process.stderr.write(text));
  return new TextReporter(display, toStdout, Date.now);
}
