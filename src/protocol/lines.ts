import { LINE_FEED } from '../shared/ascii.ts';

/** Lines in the bytes of a chunk: from `start`, and after each line feed, up to the next of `ends`. */
export type LineBatch = { bytes: Buffer; start: number; ends: number[] };

/**
 * Splits a stream of bytes into lines and yields the lines of each chunk together. Lines stay bytes, so that the destination can
 * echo them unchanged. The last line needs no line feed.
 *
 * node:readline would treat U+2028, which is legal inside JSON, as the end of a line, and costs a callback per line.
 */
export async function* splitLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<LineBatch> {
  let rest: Buffer[] = [];
  for await (const { buffer, byteOffset, byteLength } of source) {
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    let start = 0;
    let end = bytes.indexOf(LINE_FEED);
    if (end !== -1 && rest.length > 0) {
      yield lineOf([...rest, bytes.subarray(0, end)]);
      rest = [];
      start = end + 1;
      end = bytes.indexOf(LINE_FEED, start);
    }
    const ends: number[] = [];
    let next = start;
    for (; end !== -1; end = bytes.indexOf(LINE_FEED, next)) {
      ends.push(end);
      next = end + 1;
    }
    if (ends.length > 0) yield { bytes, start, ends };
    if (next < bytes.length) rest.push(bytes.subarray(next));
  }
  if (rest.length > 0) yield lineOf(rest);
}

function lineOf(parts: Buffer[]): LineBatch {
  const bytes = Buffer.concat(parts);
  return { bytes, start: 0, ends: [bytes.length] };
}
