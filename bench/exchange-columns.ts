import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Pairs of columns that are next to each other in the table, with their values. */
const PAIRS = [/("item":"[^"]*"),("quantity":[^,]*)/, /("custom_id":"[^"]*"),("event_name":"[^"]*")/];

/**
 * Copies a file of messages, and exchanges two columns in each row: those of each pair in turn. Then no row has its columns in
 * the same order as the row before, so the destination parses all rows instead of copying their bytes.
 */
export async function exchangeColumns(from: string, to: string): Promise<void> {
  await pipeline(Readable.from(exchangeInTurn(from)), createWriteStream(to));
}

async function* exchangeInTurn(path: string): AsyncGenerator<string> {
  let row = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // The destination learns the order of the first row, so no other row may have it.
    const isFirst = row === 0 && line.startsWith('{"type":"RECORD"');
    const pair = PAIRS[row % PAIRS.length];
    if (line.startsWith('{"type":"RECORD"')) row += 1;
    yield `${isFirst || pair === undefined ? line : line.replace(pair, '$2,$1')}\n`;
  }
}
