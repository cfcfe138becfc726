import { splitLines } from '../protocol/lines.ts';
import type { MessageOutput } from '../protocol/output.ts';
import { startsWithAt } from '../shared/ascii.ts';

/** The lines of a connector's output, as texts. */
export async function* readTextLines(output: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const { bytes, start, ends } of splitLines(output)) {
    let from = start;
    for (const end of ends) {
      yield bytes.toString('utf8', from, end);
      from = end + 1;
    }
  }
}

/** What a look at the source's output found: so many rows, or a line that is worth reading. */
export type SourceLines = { rows: number; others: string[] };

const RECORD_START = Buffer.from('{"type":"RECORD"');
const STATE_START = Buffer.from('{"type":"STATE"');

/**
 * Passes the source's output on, untouched and no quicker than it is taken, and looks at it meanwhile: rows are counted by
 * how their lines begin. States are for the destination; the other lines are given as texts.
 *
 * @throws OutputClosedError when nobody takes it any more.
 */
export async function* relayLines(
  source: AsyncIterable<Uint8Array>,
  input: MessageOutput,
): AsyncGenerator<SourceLines> {
  for await (const { bytes, start, ends } of splitLines(writeThrough(source, input))) {
    const others: string[] = [];
    let rows = 0;
    let from = start;
    for (const end of ends) {
      if (startsWithAt(bytes, RECORD_START, from)) rows += 1;
      else if (!startsWithAt(bytes, STATE_START, from)) others.push(bytes.toString('utf8', from, end));
      from = end + 1;
    }
    yield { rows, others };
  }
}

async function* writeThrough(source: AsyncIterable<Uint8Array>, input: MessageOutput): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    await input.writeBytes(chunk);
    yield chunk;
  }
}
