import { splitLines } from '../protocol/lines.ts';
import type { MessageOutput } from '../protocol/output.ts';
import { RECORD_START } from '../runner/messages.ts';
import { startsWithAt } from '../shared/ascii.ts';

/** Yields the lines of a connector's output as strings. */
export async function* readTextLines(output: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const { bytes, start, ends } of splitLines(output)) {
    let from = start;
    for (const end of ends) {
      yield bytes.toString('utf8', from, end);
      from = end + 1;
    }
  }
}

/** The content of a part of the source's output: the number of rows, and the lines that are neither rows nor states. */
export type SourceLines = { rows: number; others: string[] };

const STATE_START = Buffer.from('{"type":"STATE"');

/**
 * Passes the source's output to the destination unchanged, with backpressure, and yields a summary of each part. Rows and states
 * are recognised by how their lines begin. Rows are only counted, and states are left to the destination.
 *
 * @throws OutputClosedError when the destination has closed its stdin.
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
