import type { CommandContext } from '../protocol/command-context.ts';
import { asConnectorError, type ConnectorError, describeSystemError, protocolError } from '../protocol/errors.ts';
import { errorTrace, formatErrorWithStack, log } from '../protocol/messages.ts';
import { MessageOutput, OutputClosedError } from '../protocol/output.ts';
import { redactMessage } from '../protocol/secrets.ts';
import { printableLines } from '../shared/printable.ts';
import { StopSignals } from './signals.ts';

/** SIGHUP ends a connector at once. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs a command to its end: messages to stdout, a failure as a TRACE and an exit code of 1. Only wrong arguments in a
 * terminal are told in words.
 *
 * The first SIGTERM or SIGINT asks the command to finish what it has begun; the process then ends by that same signal,
 * which is how platforms know an end that was asked for (exit code 143). A second signal ends it at once. Nothing
 * calls process.exit: it would cut off what stdout has not yet taken. A closed stdout ends the command in the same way.
 */
export async function runConnector(command: (context: CommandContext) => Promise<void>): Promise<void> {
  const output = new MessageOutput(process.stdout);
  const signals = new StopSignals({
    signals: STOP_SIGNALS,
    onFirst: (signal) => {
      const advice = 'A second signal, such as Ctrl-C, ends at once; rows without a state behind them then come again.';
      output.write(log('INFO', `${signal}: finishing what has begun. ${advice}`)).catch(() => {});
    },
  });
  // Our reader is gone, so stop waiting for the server.
  const stop = AbortSignal.any([signals.stop, output.readerGone]);

  try {
    await command({ output, stop, now: Date.now });
  } catch (error) {
    process.exitCode = 1;
    const connectorError = asConnectorError(error);
    // Who types a command wrongly in a terminal is a person, and reads no messages.
    if (connectorError.code === 'command_invalid' && process.stdout.isTTY) {
      process.stderr.write(`${printableLines(redactMessage(formatErrorWithStack(connectorError)))}\n`);
    } else if (!(error instanceof OutputClosedError)) {
      await output.write(errorTrace(connectorError, Date.now())).catch(() => {});
    }
  }
  await output.flushed();
  signals.close();
  if (output.error !== undefined) {
    process.exitCode = 1;
    // stderr goes elsewhere, mostly.
    process.stderr.write(`${redactMessage(formatErrorWithStack(explainOutputError(output.error)))}\n`);
  }
  signals.endIfReceived();
}

function explainOutputError(cause: unknown): ConnectorError {
  return protocolError(
    'output_unwritable',
    `Can't write the output of this command: ${describeSystemError(cause)}. The disk may be full. Free some space and run again; the next run continues from the last complete state.`,
    { cause },
  );
}
