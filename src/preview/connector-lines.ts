import { PassThrough } from 'node:stream';
import { lineBatches } from '../protocol/lines.ts';
import { MessageOutput } from '../protocol/output.ts';

/**
 * Runs a command of a connector in this process.
 *
 * @param take is given each line that the command would print, and is done with its bytes when it returns.
 */
export async function withLinesOf(
  command: (output: MessageOutput) => Promise<unknown>,
  take: (line: Buffer) => void,
): Promise<void> {
  const stream = new PassThrough();
  const running = command(new MessageOutput(stream)).finally(() => stream.end());
  // Its failure is told once all its lines are taken.
  running.catch(() => {});
  for await (const { bytes, start, ends } of lineBatches(stream)) {
    let from = start;
    for (const end of ends) {
      take(bytes.subarray(from, end));
      from = end + 1;
    }
  }
  await running;
}
