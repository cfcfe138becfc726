import { PassThrough } from 'node:stream';
import type { CommandContext } from '../protocol/command-context.ts';
import { asConnectorError } from '../protocol/errors.ts';
import { formatErrorWithStack } from '../protocol/messages.ts';
import { MessageOutput } from '../protocol/output.ts';
import { redactMessage } from '../protocol/secrets.ts';
import { exitCodeOfError } from '../runner/exit-codes.ts';
import { printableLines } from '../shared/printable.ts';
import { SigtermListener } from './signals.ts';

/**
 * Runs a command for people: it prints no messages of the protocol, and an error is a sentence on stderr, with the stack if
 * it is unexpected. A signal asks it to end, and the process then ends by that signal; a second one ends it at once.
 *
 * @param command resolves to the exit code.
 */
export async function runInteractive(command: (context: CommandContext) => Promise<number>): Promise<void> {
  // A reader that is gone, such as `head`, has seen enough.
  process.stdout.on('error', () => {});
  const signals = new SigtermListener();
  // Nothing reads this output; the commands of the connectors need one.
  const output = new MessageOutput(new PassThrough().resume());
  try {
    process.exitCode = await command({ output, stop: signals.stop, now: Date.now, environment: process.env });
  } catch (error) {
    const connectorError = asConnectorError(error);
    process.exitCode = exitCodeOfError(connectorError);
    if (!signals.stop.aborted)
      process.stderr.write(`${printableLines(redactMessage(formatErrorWithStack(connectorError)))}\n`);
  } finally {
    signals.close();
  }
  signals.endIfReceived();
}
