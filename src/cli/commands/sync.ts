import { asConnectorError } from '../../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../../runner/exit-codes.ts';
import { JsonReporter } from '../../sync/report/json-reporter.ts';
import { PlainProgress, ProgressBar } from '../../sync/report/progress-bar.ts';
import type { Reporter } from '../../sync/report/reporter.ts';
import { TextReporter } from '../../sync/report/text-reporter.ts';
import { type SyncOptions, sync } from '../../sync/sync.ts';
import { describeJsonFile, interactiveParser, rowLimit } from '../arguments.ts';
import { StopSignals } from '../signals.ts';

const USAGE = `$0 --source FILE --destination FILE --state FILE

Brings the new rows of ClickHouse to Batch, and keeps in the state file how far it is.`;

const EPILOGUE = `Exit codes:
    0  every row was accepted
    1  the run failed
    2  wrong arguments, or a configuration that has to be corrected
    3  the run ended well, but some rows were rejected
  130  stopped by Ctrl-C (143: by SIGTERM, 129: by SIGHUP)

A configuration may hold \${NAME} for the environment variable NAME, so that no secret need stand in a file.`;

/**
 * Runs `sync` as its arguments say. It is made for a person or a script, and not for a platform: what it prints are no
 * messages of the protocol, and a failure is a sentence on stderr.
 *
 * The first signal asks it to finish what it has begun, a second one ends it now; the process then ends by that signal.
 *
 * @param launcher the name that it is started by.
 * @param args those behind the word sync.
 */
export async function runSync(launcher: string, args: readonly string[]): Promise<void> {
  // A reader that has gone, such as `head`, is no reason to stop in the middle.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const reporter = createReporter(args.some((arg) => /^--json(=true)?$/.test(arg)));
  const signals = new StopSignals({ onSecond: () => reporter.log('WARN', 'sync', 'A second signal: it ends now.') });
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
  // A failure says more than that it was stopped, too.
  const hasFailed = process.exitCode === EXIT_CODES.failed || process.exitCode === EXIT_CODES.misconfigured;
  if (!hasFailed) signals.endIfReceived();
}

/** Resolves when a stream has taken all that was written, or its reader has gone. */
function waitUntilFlushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** @throws ConnectorError (config_error) when the arguments are wrong. Undefined when help was asked for, and given. */
async function parse(name: string, args: readonly string[]): Promise<SyncOptions | undefined> {
  const parsed = await interactiveParser(name, args, USAGE, {
    source: describeJsonFile('the configuration of the source'),
    destination: describeJsonFile('the configuration of the destination'),
    state: describeJsonFile('how far it is; the first run makes it'),
    stream: {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'a table or view to sync, or several; needed when the source finds several',
    },
    'all-streams': {
      type: 'boolean',
      describe: 'sync every table and view that the source finds, also those that are added later',
    },
    limit: rowLimit,
    'full-refresh': {
      type: 'boolean',
      default: false,
      describe: 'read all rows, also those that were sent before; neither reads nor changes the state',
    },
    every: {
      type: 'string',
      requiresArg: true,
      describe: 'go on, with a run each 30s, 5m, 2h, 1d …',
    },
    cron: {
      type: 'string',
      requiresArg: true,
      describe: 'go on, with a run at the times of a cron pattern: "0 3 * * *" is 3:00 each night',
    },
    json: {
      type: 'boolean',
      default: false,
      describe: 'write JSON lines to stdout, for machines, instead of words and a bar',
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

/** A bar needs a terminal that somebody looks at. */
function createReporter(isForMachines: boolean): Reporter {
  const toStdout = (text: string): boolean => process.stdout.write(text);
  if (isForMachines) return new JsonReporter(toStdout, Date.now);
  const isForEyes = process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb';
  const display = isForEyes ? new ProgressBar(process.stderr) : new PlainProgress((text) => process.stderr.write(text));
  return new TextReporter(display, toStdout, Date.now);
}
