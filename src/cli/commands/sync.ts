import { asConnectorError } from '../../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../../runner/exit-codes.ts';
import { layOutText } from '../../runner/terminal/message-layout.ts';
import { describeTerminal } from '../../runner/terminal/terminal.ts';
import { JsonReporter } from '../../sync/report/json-reporter.ts';
import { PlainProgress, ProgressBar } from '../../sync/report/progress-bar.ts';
import type { Reporter } from '../../sync/report/reporter.ts';
import { TextReporter } from '../../sync/report/text-reporter.ts';
import { sync } from '../../sync/sync.ts';
import type { Command } from '../command.ts';
import { resolveLauncher } from '../command.ts';
import { SigtermListener } from '../signals.ts';
import { parseSyncArguments, SYNC_OPTIONS } from '../sync-arguments.ts';

export const syncCommand: Command = {
  options: () => SYNC_OPTIONS,
  run: ({ name }, args) => runSync(name, args),
};

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
async function runSync(launcher: string, args: readonly string[]): Promise<void> {
  // Ignore errors such as EPIPE: a sync must not stop halfway because a reader such as `head` has closed the pipe.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const reporter = createReporter(args.some((arg) => /^--json(=true)?$/.test(arg)));
  const signals = new SigtermListener({ onSecond: () => reporter.log('WARN', 'sync', 'Second signal: stopping now.') });
  const { stop, stopAtOnce } = signals;
  try {
    const options = await parseSyncArguments(launcher, args);
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

/** Creates the reporter for the given output format. A progress bar is shown only in an interactive terminal. */
function createReporter(isJson: boolean): Reporter {
  if (isJson) return new JsonReporter((text) => process.stdout.write(text), Date.now);
  const terminal = describeTerminal(process.stderr);
  const summaries = describeTerminal(process.stdout);
  const isInteractive = process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb';
  const display = isInteractive
    ? new ProgressBar(process.stderr, terminal.toCharset)
    : new PlainProgress((text) => process.stderr.write(text));
  const write = (text: string): boolean => process.stdout.write(layOutText(text, summaries));
  return new TextReporter({ display, terminal, write, now: Date.now, launcher: resolveLauncher() });
}
