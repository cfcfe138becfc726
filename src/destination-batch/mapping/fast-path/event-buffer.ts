import { BACKSLASH, CLOSING_BRACE } from '../../../shared/ascii.ts';
import type { EventHead } from '../rules.ts';

/** Bytes reserved for the attributes of an event. This is more than Batch accepts by default. */
const MAX_BYTES = 64 * 1024;

/** Bytes reserved before the attributes for the event's name and time, which are written last. */
const HEAD_BYTES = 256;

/** JSON in UTF-8. */
export type EncodedJson = { bytes: Uint8Array; isAscii: boolean };

/** Builds the bytes of one event. The methods that append return false if there is not enough room. */
export class EventBuffer {
  /** The head ends at HEAD_BYTES, where the attributes begin. */
  readonly #bytes = Buffer.allocUnsafe(HEAD_BYTES + MAX_BYTES);
  #start = HEAD_BYTES;
  #end = HEAD_BYTES;
  #isAscii = true;

  /** The size of the event in bytes, after `finish`. */
  get byteLength(): number {
    return this.#end - this.#start;
  }

  clear(): void {
    this.#start = HEAD_BYTES;
    this.#end = HEAD_BYTES;
    this.#isAscii = true;
  }

  /** Appends the key of an attribute. Its leading comma is skipped for the first attribute. */
  appendKey(jsonKey: Uint8Array): boolean {
    return this.appendPlain(jsonKey, this.#end === HEAD_BYTES ? 1 : 0, jsonKey.length);
  }

  /** Appends plain characters (see `skipPlain`), and removes the backslashes before slashes. */
  appendPlain(source: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes;
    let to = this.#end;
    if (to + end - start > bytes.length) return false;
    // Most values are so short that a loop is faster than Buffer.copy.
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

  /** Completes the event and returns its JSON, or undefined if there is not enough room. */
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
