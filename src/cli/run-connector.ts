import type { CommandContext } from '../protocol/command-context.ts';
import { asConnectorError, type ConnectorError, describeSystemError, protocolError } from '../protocol/errors.ts';
import { errorTrace, formatErrorWithStack, log } from '../protocol/messages.ts';
import { MessageOutput, OutputClosedError } from '../protocol/output.ts';
import { redactMessage } from '../protocol/secrets.ts';
import { printableLines } from '../shared/printable.ts';
import { SigtermListener } from './signals.ts';

/** SIGHUP ends a connector at once. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs a command to its end, with messages on stdout. An error is a TRACE, and the exit code is 1. Only wrong arguments in a
 * terminal are printed as text.
 *
 * The first SIGTERM or SIGINT asks the command to finish what it has begun. The process then ends by the same signal, by which
 * platforms recognise a requested end (exit code 143). A second signal ends it at once. A closed stdout ends the command as
 * well. Nothing calls process.exit, which would drop what stdout has not written yet.
 */
export async function runConnector(command: (context: CommandContext) => Promise<void>): Promise<void> {
  const output = new MessageOutput(process.stdout);
  const signals = new SigtermListener({
    signals: STOP_SIGNALS,
    onFirst: (signal) => {
      const advice = 'A second signal, such as Ctrl-C, ends it at once; rows since the last state are then sent again.';
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
    // Wrong arguments in a terminal come from a person, who reads text and not messages.
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
    // stderr mostly goes elsewhere.
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
