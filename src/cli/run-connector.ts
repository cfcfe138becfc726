import type { CommandContext } from '../protocol/command-context.ts';
import { asConnectorError, type ConnectorError, describeSystemError, protocolError } from '../protocol/errors.ts';
import { errorTrace, formatErrorWithStack, log } from '../protocol/messages.ts';
import { MessageOutput, OutputClosedError } from '../protocol/output.ts';
import { redactMessage } from '../protocol/secrets.ts';
import { EXIT_CODES } from '../runner/exit-codes.ts';
import { abortWithAny } from '../shared/abort.ts';
import { SigtermListener } from './signals.ts';

/** The signals that ask a command to stop. SIGHUP is not among them, so it ends the process immediately. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs a connector command and writes its messages to stdout. An error is reported as a TRACE message, and the exit code is 1, or
 * 2 if the arguments are invalid. If stdout is a terminal, invalid arguments are reported as plain text instead.
 *
 * The first SIGTERM or SIGINT asks the command to finish the work in progress. The process then kills itself with the same
 * signal, so that platforms can see that the stop was requested: the exit code is 143 for SIGTERM and 130 for SIGINT. A second
 * signal ends the process immediately. The command also stops when stdout is closed. Nothing calls process.exit, because that
 * would discard output that stdout has not written yet.
 */
export async function runConnector(command: (context: CommandContext) => Promise<void>): Promise<void> {
  const output = new MessageOutput(process.stdout);
  const signals = new SigtermListener({
    signals: STOP_SIGNALS,
    onFirst: (signal) => {
      const advice =
        'A second signal, such as Ctrl-C, ends the process immediately; the next run then repeats the rows after the last state.';
      output.write(log('INFO', `${signal}: stopping after the work in progress. ${advice}`)).catch(() => {});
    },
  });
  // The command also stops when the reader of its output is gone, even if it is waiting for a server at that time.
  const stop = abortWithAny(signals.stop, output.readerGone);

  try {
    await command({ output, stop, now: Date.now });
  } catch (error) {
    const connectorError = asConnectorError(error);
    const hasWrongArguments = connectorError.code === 'command_invalid';
    process.exitCode = hasWrongArguments ? EXIT_CODES.misconfigured : EXIT_CODES.failed;
    // In a terminal, invalid arguments come from a person, who expects text and not a protocol message.
    if (hasWrongArguments && process.stdout.isTTY) {
      process.stderr.write(`${redactMessage(await layOutForPerson(connectorError))}\n`);
    } else if (!(error instanceof OutputClosedError)) {
      await output.write(errorTrace(connectorError, Date.now())).catch(() => {});
    }
  }
  await output.flushed();
  signals.close();
  if (output.error !== undefined) {
    process.exitCode = EXIT_CODES.failed;
    // stdout can't be written to. stderr usually goes to another place, so this error may still be seen.
    process.stderr.write(`${redactMessage(formatErrorWithStack(explainOutputError(output.error)))}\n`);
  }
  signals.endIfReceived();
}

/** The code for terminals is loaded only now, so that a platform's commands start faster. */
async function layOutForPerson(error: ConnectorError): Promise<string> {
  const { layOutError } = await import('../runner/terminal/message-layout.ts');
  const { describeTerminal } = await import('../runner/terminal/terminal.ts');
  const { resolveLauncher } = await import('./command.ts');
  return layOutError(error, describeTerminal(process.stderr), resolveLauncher());
}

function explainOutputError(cause: unknown): ConnectorError {
  return protocolError(
    'output_unwritable',
    `Can't write the output of this command: ${describeSystemError(cause)}. The disk may be full. Free some space and run again; the next run continues from the last complete state.`,
    { cause },
  );
}
