import { PassThrough } from 'node:stream';
import { asConnectorError } from '../protocol/errors.ts';
import { splitLines } from '../protocol/lines.ts';
import { errorTrace } from '../protocol/messages.ts';
import { MessageOutput } from '../protocol/output.ts';
import { startsWithAt } from '../shared/ascii.ts';
import { type ConnectorMessage, parseMessage, RECORD_START } from './messages.ts';

type Handlers = {
  /** Called with the line of each RECORD message. The memory of the line is reused after the call. */
  row?: (line: Buffer) => void;
  message?: (message: ConnectorMessage) => void;
};

/**
 * Runs a connector command in this process, and passes its messages to the handlers instead of printing them. Returns the result
 * of the command.
 *
 * @throws ConnectorError if the command fails. The error masks secrets from the configuration, as all output of the command does.
 */
export async function runInProcess<Result>(
  command: (output: MessageOutput) => Promise<Result>,
  { row, message: take }: Handlers,
): Promise<Result> {
  const stream = new PassThrough();
  const output = new MessageOutput(stream);
  const result = command(output);
  const running = result
    .then(
      () => {},
      (error: unknown) => output.write(errorTrace(asConnectorError(error), 0)),
    )
    .finally(() => stream.end());
  // `running` is awaited at the end. If an error ends the loop before that, a rejection of `running` must not count as unhandled.
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
  return result;
}
