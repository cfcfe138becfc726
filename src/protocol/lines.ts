import { LINE_FEED } from '../shared/ascii.ts';
import { viewOf } from '../shared/byte-pattern.ts';

/** The lines in a chunk of bytes. */
export type LineBatch = {
  bytes: Buffer;
  /** A view of the same bytes. */
  view: DataView;
  /** The offset at which the first line begins. */
  start: number;
  /** The offset at which each line ends, before its line feed. The next line begins after the line feed. */
  ends: number[];
};

/**
 * Splits a stream of bytes into lines. The lines of a chunk are yielded together, except for a line that began in an earlier
 * chunk: that line is yielded by itself, before the others. The lines are not decoded, so that the destination can echo them
 * unchanged. The last line may lack a line feed. `source` may reuse the memory of a chunk once the next chunk is requested, so
 * lines are valid only until then.
 *
 * node:readline is not used: it also splits at U+2028, which is legal inside JSON, and it is slower, because it calls a function
 * for each line.
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
    if (ends.length > 0) yield { bytes, view: viewOf(bytes), start, ends };
    if (next < bytes.length) rest.push(Buffer.from(bytes.subarray(next)));
  }
  if (rest.length > 0) yield lineOf(rest);
}

function lineOf(parts: Buffer[]): LineBatch {
  const bytes = Buffer.concat(parts);
  return { bytes, view: viewOf(bytes), start: 0, ends: [bytes.length] };
}
