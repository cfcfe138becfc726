import { Writable } from 'node:stream';
import type { CommandContext } from '../../src/protocol/command-context.ts';
import { asConnectorError } from '../../src/protocol/errors.ts';
import { errorTrace } from '../../src/protocol/messages.ts';
import { MessageOutput } from '../../src/protocol/output.ts';

/**
 * How a command ended that ran in this process. Starting a separate process would take most of the time.
 * `failureType` is that of the last error in the output.
 */
export type Ended = { isDone: boolean; failureType: string | undefined; text: string; lines: string[] };

/** Runs a command as a launcher does, and keeps its output. */
export async function runCommand(command: (context: CommandContext) => Promise<unknown>): Promise<Ended> {
  const chunks: string[] = [];
  const stdout = new Writable({
    write: (chunk: Buffer, _, callback) => {
      chunks.push(chunk.toString());
      callback();
    },
  });
  const output = new MessageOutput(stdout);
  let isDone = false;
  try {
    isDone = (await command({ output, stop: new AbortController().signal, now: Date.now })) !== false;
  } catch (error) {
    await output.write(errorTrace(asConnectorError(error), Date.now()));
  }
  const text = chunks.join('');
  const failureTypes = [...text.matchAll(/"failure_type":"(\w+)"/g)].map(([, type]) => type);
  return { isDone, failureType: failureTypes.at(-1), text, lines: text.split('\n').filter((line) => line !== '') };
}
