import { CLOSING_BRACE, COLON, COMMA, QUOTE, startsWithAt } from '../../../shared/ascii.ts';
import { BytePattern } from '../../../shared/byte-pattern.ts';
import { isJsonObject } from '../../../shared/exact-json.ts';
import { NO_END, skipNumber, skipUnescapedAscii } from './json-bytes.ts';

const ROW_KEY = '"data":{';

/**
 * The keys of a RECORD message that the destination reads. If a message repeats one of them after the row, the later value is the
 * valid one, so the message has to be parsed.
 */
const READ_KEYS = ['type', 'record', 'stream', 'data'].map((key) => Buffer.from(`"${key}":`));

/** The maximum number of cached keys. */
const MAX_UNREAD_KEYS = 10;

/**
 * Returns the part of a message before the first key of its row, or an empty string if it is not certain that this part
 * begins a record of `stream`.
 */
export function findEnvelope(line: string, stream: string): string {
  const at = line.indexOf(ROW_KEY);
  if (at === -1) return '';
  const envelope = line.slice(0, at + ROW_KEY.length);
  try {
    // Parsing shows whether this "data" is the row of the record, and not a nested object.
    const message: unknown = JSON.parse(`${envelope}}}}`);
    if (!isJsonObject(message) || message.type !== 'RECORD' || !isJsonObject(message.record)) return '';
    return message.record.stream === stream && isJsonObject(message.record.data) ? envelope : '';
  } catch {
    return '';
  }
}

/** Checks the ends of messages: the bytes after their row. */
export class MessageEnd {
  /** Keys that followed a row and are not in READ_KEYS, with their colons. */
  readonly #unreadKeys: BytePattern[] = [];

  /**
   * Checks whether the message ends at `end` and has none of READ_KEYS after its row, which ends at `offset`. The record may
   * have more keys after the row (such as emitted_at), and the message may have more keys after the record (such as row_hash).
   */
  isValid(bytes: Buffer, view: DataView, offset: number, end: number): boolean {
    let rest = offset;
    for (let level = 0; level < 2; level += 1) {
      if (bytes[rest] !== CLOSING_BRACE) return false;
      rest += 1;
      while (bytes[rest] === COMMA) {
        rest = this.#skipUnreadMember(bytes, view, rest + 1, end);
        if (rest === NO_END) return false;
      }
    }
    return bytes[rest] === CLOSING_BRACE && rest + 1 === end;
  }

  /**
   * Skips the key and value at `offset`. Returns NO_END if the key is in READ_KEYS or the value is neither a number nor unescaped
   * ASCII.
   */
  #skipUnreadMember(bytes: Buffer, view: DataView, offset: number, messageEnd: number): number {
    const value = this.#skipUnreadKey(bytes, view, offset, messageEnd);
    if (value === NO_END) return NO_END;
    if (bytes[value] === QUOTE) {
      const end = skipUnescapedAscii(bytes, view, value + 1, messageEnd);
      return bytes[end] === QUOTE ? end + 1 : NO_END;
    }
    return skipNumber(bytes, value);
  }

  #skipUnreadKey(bytes: Buffer, view: DataView, offset: number, messageEnd: number): number {
    for (const key of this.#unreadKeys) if (key.matches(view, offset, messageEnd)) return offset + key.length;
    if (bytes[offset] !== QUOTE || READ_KEYS.some((key) => startsWithAt(bytes, key, offset))) return NO_END;
    const end = skipUnescapedAscii(bytes, view, offset + 1, messageEnd) + 2;
    if (bytes[end - 2] !== QUOTE || bytes[end - 1] !== COLON) return NO_END;
    if (this.#unreadKeys.length < MAX_UNREAD_KEYS)
      this.#unreadKeys.push(new BytePattern(bytes.toString('latin1', offset, end)));
    return end;
  }
}
