import { LINE_FEED } from '../shared/ascii.ts';

/** Lines in the bytes that they came in: from `start`, and behind each line feed, up to the next of `ends`. */
export type LineBatch = { bytes: Buffer; start: number; ends: number[] };

/**
 * Splits a stream of bytes into lines and yields those of each chunk together. Lines are left in the bytes, without
 * their line feed, so that what is echoed is exactly what came in. The last line needs no line feed.
 *
 * node:readline is not used: it takes U+2028 for a line end, which is legal inside JSON, and costs a callback a line.
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
