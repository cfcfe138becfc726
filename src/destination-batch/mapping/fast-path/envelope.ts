import { CLOSING_BRACE, COLON, COMMA, QUOTE, startsWithAt } from '../../../shared/ascii.ts';
import { isJsonObject } from '../../../shared/exact-json.ts';
import { isPlainNumber, NO_END, skipNumber, skipPlain } from './json-bytes.ts';

const ROW_KEY = '"data":{';

/** The keys of a RECORD message that are read. If one came again after the row, its last value would count. */
const READ_KEYS = ['type', 'record', 'stream', 'data'].map((key) => Buffer.from(`"${key}":`));

/** What comes before the row in its message; empty when that is not certain. */
export function findEnvelope(line: string, stream: string): string {
  const at = line.indexOf(ROW_KEY);
  if (at === -1) return '';
  const envelope = line.slice(0, at + ROW_KEY.length);
  try {
    // This shows that the row is the one of the record, and not a nested object.
    const message: unknown = JSON.parse(`${envelope}}}}`);
    if (!isJsonObject(message) || message.type !== 'RECORD' || !isJsonObject(message.record)) return '';
    return message.record.stream === stream && isJsonObject(message.record.data) ? envelope : '';
  } catch {
    return '';
  }
}

/** Whether the message ends at `end`, without any key that is read after its row, which ends at `offset`. */
export function isEndOfMessage(bytes: Buffer, offset: number, end: number): boolean {
  let rest = offset;
  // After the row, the record may have more keys (emitted_at), and after the record the message (row_hash).
  for (let level = 0; level < 2; level += 1) {
    if (bytes[rest] !== CLOSING_BRACE) return false;
    rest += 1;
    while (bytes[rest] === COMMA) {
      rest = skipUnreadMember(bytes, rest + 1);
      if (rest === NO_END) return false;
    }
  }
  return bytes[rest] === CLOSING_BRACE && rest + 1 === end;
}

/** Where the member of an object at `offset` ends. NO_END for a key that is read, or a value that is not plain. */
function skipUnreadMember(bytes: Buffer, offset: number): number {
  if (bytes[offset] !== QUOTE || READ_KEYS.some((key) => startsWithAt(bytes, key, offset))) return NO_END;
  const keyEnd = skipPlain(bytes, offset + 1);
  if (bytes[keyEnd] !== QUOTE || bytes[keyEnd + 1] !== COLON) return NO_END;
  const value = keyEnd + 2;
  if (bytes[value] === QUOTE) {
    const end = skipPlain(bytes, value + 1);
    return bytes[end] === QUOTE ? end + 1 : NO_END;
  }
  const end = skipNumber(bytes, value);
  return isPlainNumber(bytes, value, end) ? end : NO_END;
}
