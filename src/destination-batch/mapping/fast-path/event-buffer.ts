import { BACKSLASH, CLOSING_BRACE } from '../../../shared/ascii.ts';
import type { EventHead } from '../rules.ts';

/** Maximum bytes of an event that is cut: more than Batch accepts by default. */
const MAX_BYTES = 64 * 1024;

/** Bytes reserved before the attributes for the name and the time, which are known last. */
const HEAD_BYTES = 256;

/** JSON in UTF-8. */
export type EncodedJson = { bytes: Uint8Array; isAscii: boolean };

/** The bytes of one event. The methods that append return false when there is no room left. */
export class EventBuffer {
  /** The head ends, and the attributes begin, at HEAD_BYTES. */
  readonly #bytes = Buffer.allocUnsafe(HEAD_BYTES + MAX_BYTES);
  #start = HEAD_BYTES;
  #end = HEAD_BYTES;
  #isAscii = true;

  /** The bytes of the event, once it is finished. */
  get byteLength(): number {
    return this.#end - this.#start;
  }

  clear(): void {
    this.#start = HEAD_BYTES;
    this.#end = HEAD_BYTES;
    this.#isAscii = true;
  }

  /** @param jsonKey begins with a comma, which the first attribute doesn't need. */
  appendKey(jsonKey: Uint8Array): boolean {
    return this.appendPlain(jsonKey, this.#end === HEAD_BYTES ? 1 : 0, jsonKey.length);
  }

  /** Appends plain characters, without the backslash of an escaped slash. */
  appendPlain(source: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes;
    let to = this.#end;
    if (to + end - start > bytes.length) return false;
    // Most values are so short that a loop is faster than a call of Buffer.copy.
    for (let index = start; index < end; index += 1) {
      const code = source[index] ?? 0;
      if (code !== BACKSLASH) bytes[to++] = code;
    }
    this.#end = to;
    return true;
  }

  append({ bytes, isAscii }: EncodedJson): boolean {
    if (this.#end + bytes.length > this.#bytes.length) return false;
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
    if (!isAscii) this.#isAscii = false;
    return true;
  }

  /** The JSON of the whole event; undefined when there is no room left for it. */
  finish({ name, time }: EventHead): string | undefined {
    const hasAttributes = this.#end > HEAD_BYTES;
    const head = `{"name":"${name}"${time === undefined ? '' : `,"time":"${time}"`}${hasAttributes ? ',"attributes":{' : ''}`;
    const start = HEAD_BYTES - head.length;
    const bytes = this.#bytes;
    let end = this.#end;
    if (start < 0 || end + 2 > bytes.length) return undefined;
    bytes.write(head, start, 'latin1');
    if (hasAttributes) bytes[end++] = CLOSING_BRACE;
    bytes[end++] = CLOSING_BRACE;
    this.#start = start;
    this.#end = end;
    return this.#isAscii ? bytes.toString('latin1', start, end) : bytes.toString('utf8', start, end);
  }
}
