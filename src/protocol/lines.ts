const LINE_FEED = 0x0a;

/**
 * Splits a stream of bytes into lines and yields those of each chunk together. Lines come as bytes, without their line
 * feed, so that what is echoed is exactly what came in. The last line needs no line feed.
 *
 * node:readline is not used: it takes U+2028 for a line end, which is legal inside JSON, and costs a callback a line.
 */
export async function* lineBatches(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = [];
  for await (const bytes of source) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      const line = chunk.subarray(start, end);
      lines.push(rest.length === 0 ? line : Buffer.concat([...rest, line]));
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [Buffer.concat(rest)];
}
