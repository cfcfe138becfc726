import { PassThrough } from 'node:stream';
import { asConnectorError } from '../protocol/errors.ts';
import { splitLines } from '../protocol/lines.ts';
import { errorTrace } from '../protocol/messages.ts';
import { MessageOutput } from '../protocol/output.ts';
import { startsWithAt } from '../shared/ascii.ts';
import { type ConnectorMessage, parseMessage } from './messages.ts';

type Takers = {
  /** Given the line of each row; its bytes are used again when this returns. */
  row?: (line: Buffer) => void;
  message?: (message: ConnectorMessage) => void;
};

const RECORD_START = Buffer.from('{"type":"RECORD"');

/**
 * Runs a command of a connector in this process, and hands on what it would print.
 *
 * @throws ConnectorError when the command fails, with the secrets of its configuration masked, as they are in all that it
 * prints.
 */
export async function runInProcess(
  command: (output: MessageOutput) => Promise<unknown>,
  { row, message: take }: Takers,
): Promise<void> {
  const stream = new PassThrough();
  const output = new MessageOutput(stream);
  const running = command(output)
    .catch((error: unknown) => output.write(errorTrace(asConnectorError(error), 0)))
    .finally(() => stream.end());
  // Awaited at the end, unless something goes wrong here before.
  running.catch(() => {});
  for await (const { bytes, start, ends } of splitLines(stream)) {
    let from = start;
    for (const end of ends) {
      if (startsWithAt(bytes, RECORD_START, from)) row?.(bytes.subarray(from, end));
      else {
        const message = parseMessage(bytes.toString('utf8', from, end));
        if (message.kind === 'error') throw message.error;
        take?.(message);
      }
      from = end + 1;
    }
  }
  await running;
}
