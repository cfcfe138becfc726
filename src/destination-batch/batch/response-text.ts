import { promisify } from 'node:util';
import { brotliDecompress, inflate, unzip } from 'node:zlib';

/** How long an answer may be when it is not compressed any more, in bytes. Batch's have some 100 bytes for each update. */
const MOST_BYTES = 32 * 1024 * 1024;

type Decoder = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', promisify(unzip)],
  ['x-gzip', promisify(unzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/**
 * The text of an answer. A proxy may compress it though that was not asked for (RFC 9110, 12.5.3), and the partial errors
 * in it must not be lost.
 */
export async function decodeBody(body: Uint8Array, contentEncoding: string | string[] | undefined): Promise<string> {
  const encoding = String(contentEncoding ?? 'identity').toLowerCase();
  if (encoding === 'identity') return Buffer.from(body).toString();
  const decode = DECODERS.get(encoding);
  const text = await decode?.(body, { maxOutputLength: MOST_BYTES }).catch(() => undefined);
  return text?.toString() ?? `(an answer that is compressed by ${encoding} and can't be read)`;
}
