import { PassThrough } from 'node:stream';
import type { CommandContext } from '../protocol/command-context.ts';
import { asConnectorError } from '../protocol/errors.ts';
import { MessageOutput } from '../protocol/output.ts';
import { redactMessage } from '../protocol/secrets.ts';
import { exitCodeOfError } from '../runner/exit-codes.ts';
import { layOutError } from '../runner/terminal/message-layout.ts';
import { describeTerminal } from '../runner/terminal/terminal.ts';
import { resolveLauncher } from './command.ts';
import { SigtermListener } from './signals.ts';

/**
 * Runs an interactive command. It prints no protocol messages. Errors are printed as text to stderr, with a stack trace if they
 * are unexpected. The first signal asks the command to stop. When the command has returned, the process kills itself with that
 * signal, so that its parent process knows why it ended. A second signal ends the process immediately.
 *
 * @param command resolves to the exit code.
 */
export async function runInteractive(command: (context: CommandContext) => Promise<number>): Promise<void> {
  // Ignore errors such as EPIPE: a reader such as `head` may close the pipe early.
  process.stdout.on('error', () => {});
  const signals = new SigtermListener();
  // The connector commands require an output, but nothing reads this one.
  const output = new MessageOutput(new PassThrough().resume());
  try {
    process.exitCode = await command({ output, stop: signals.stop, now: Date.now, environment: process.env });
  } catch (error) {
    const connectorError = asConnectorError(error);
    process.exitCode = exitCodeOfError(connectorError);
    if (!signals.stop.aborted) {
      const text = layOutError(connectorError, describeTerminal(process.stderr), resolveLauncher());
      process.stderr.write(`${redactMessage(text)}\n`);
    }
  } finally {
    signals.close();
  }
  signals.endIfReceived();
}
