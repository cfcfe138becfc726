import { isUtf8 } from 'node:buffer';
import { LosslessNumber } from 'lossless-json';
import type { StreamDescriptor } from '../../protocol/messages.ts';
import { CLOSING_BRACE, DIGIT_0, DIGIT_9, QUOTE, startsWithAt } from '../../shared/ascii.ts';
import { isJsonObject, parseExact, tryParseJson } from '../../shared/exact-json.ts';
import { sourceError } from '../errors/codes.ts';
import { quoteString } from '../sql.ts';

/**
 * The parts of the line that the query makes the server write for each row:
 *
 *     {"type":"RECORD","record":{"stream":"events",…,"data":{…}},"row_hash":"123"}
 *
 * If the table has columns that are not in the row hash, a hash of all columns precedes the row hash:
 *
 *     …,"full_hash":"45","row_hash":"123"}
 */
const LINE_START = '{"type":"RECORD","record":{';
const FULL_HASH_KEY = ',"full_hash":"';
const ROW_HASH_KEY = ',"row_hash":"';
const LINE_END = '"}';

const LINE_START_BYTES = Buffer.from(LINE_START);
const FULL_HASH_KEY_BYTES = Buffer.from(FULL_HASH_KEY);
const ROW_HASH_KEY_BYTES = Buffer.from(ROW_HASH_KEY);
const MAX_TAIL_BYTES = ROW_HASH_KEY.length + '18446744073709551615'.length + LINE_END.length;

/** The character that decoding substitutes for bytes that are not UTF-8. */
const REPLACEMENT_CHARACTER = '\ufffd';

/** Builds the start of each line of a stream, up to the first column. */
export function buildLineStart({ name, namespace }: StreamDescriptor, emittedAt: number): string {
  const members = { stream: name, namespace, emitted_at: emittedAt };
  return `${LINE_START}${JSON.stringify(members).slice(1, -1)},"data":{`;
}

/**
 * Returns the SQL for the end of a line, from the closing brace of the record's data on, as operands for concat.
 *
 * @param hash the SQL of the row hash.
 * @param fullHash the SQL of the hash of all columns, if there is one.
 */
export function lineEndSql(hash: string, fullHash: string | undefined): string[] {
  const hashes = fullHash === undefined ? [] : [quoteString(`}${FULL_HASH_KEY}`), `toString(${fullHash})`];
  const key = fullHash === undefined ? `}${ROW_HASH_KEY}` : `"${ROW_HASH_KEY}`;
  return [...hashes, quoteString(key), `toString(${hash})`, quoteString(LINE_END)];
}

/**
 * Whether the bytes from `start` to `end` begin and end like a row. They must end with a row hash, because a row that was cut
 * off may be followed by other JSON in the same line.
 */
export function isRow(bytes: Buffer, start: number, end: number): boolean {
  if (end - start <= LINE_START_BYTES.length || bytes[end - 1] !== CLOSING_BRACE || bytes[end - 2] !== QUOTE) {
    return false;
  }
  let hashStart = end - 2;
  while (isDigit(bytes[hashStart - 1])) hashStart -= 1;
  return (
    hashStart < end - 2 &&
    startsWithAt(bytes, ROW_HASH_KEY_BYTES, hashStart - ROW_HASH_KEY_BYTES.length) &&
    startsWithAt(bytes, LINE_START_BYTES, start)
  );
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;
}

/** Whether a string starts like a row. If it is shorter than the start of a row, only its characters are compared. */
export function startsAsRow(text: string): boolean {
  return LINE_START.startsWith(text.slice(0, LINE_START.length));
}

/** Returns the row hash at the end of a line, in decimal, or "" if there is none. */
export function readRowHash(line: Buffer): string {
  return readHashAfter(ROW_HASH_KEY_BYTES, line.subarray(Math.max(0, line.length - MAX_TAIL_BYTES)));
}

/** Returns the hash of all columns in a line, in decimal, or "" if there is none. */
export function readFullHash(line: Buffer): string {
  const end = line.lastIndexOf(ROW_HASH_KEY_BYTES);
  return end === -1
    ? ''
    : readHashAfter(FULL_HASH_KEY_BYTES, line.subarray(Math.max(0, end - MAX_TAIL_BYTES), end + 1));
}

/** @param tail bytes that end two characters after the hash. */
function readHashAfter(key: Buffer, tail: Buffer): string {
  const start = tail.lastIndexOf(key);
  return start === -1 ? '' : tail.toString('latin1', start + key.length, tail.length - 2);
}

/**
 * Returns the value of the cursor column in a line, as a string. A number keeps every digit.
 *
 * @param line a complete line, exactly as the server sent it. If the cursor is a time, bytes of other columns may be replaced.
 * @throws ConnectorError (config_error) when a state can't store the cursor exactly.
 */
export function readCursor(line: Buffer, cursorColumn: string): string {
  let cursor = parseRow(line, JSON.parse)[cursorColumn];
  // A cursor that is a number is an integer. JSON.parse rounds a large integer, so the line is parsed again without rounding. The
  // exact parser takes twice as long, so it is used only then.
  if (typeof cursor === 'number' && !Number.isSafeInteger(cursor)) cursor = parseRow(line, parseExact)[cursorColumn];
  if (typeof cursor === 'string') {
    if (cursor.includes(REPLACEMENT_CHARACTER) && !isUtf8(line)) {
      throw sourceError(
        'cursor_unusable',
        `A row has a ${cursorColumn} that is not valid UTF-8. A state can't store it exactly, so rows after it would be lost or sent twice. Use a time, a number or hex(${cursorColumn}) as the cursor; create a view if needed.`,
      );
    }
    return cursor;
  }
  if (typeof cursor === 'number') return String(cursor);
  if (cursor instanceof LosslessNumber) return cursor.value;
  throw new Error(`The row has no usable ${cursorColumn}.`);
}

/** Parses a line, and returns the record's data. The parser's own message isn't shown, because it quotes the line. */
function parseRow(line: Buffer, parse: (text: string) => unknown): Record<string, unknown> {
  const message = tryParseJson(line.toString('utf8'), parse);
  if (isJsonObject(message) && isJsonObject(message.record) && isJsonObject(message.record.data)) {
    return message.record.data;
  }
  throw sourceError(
    'unexpected_fault',
    `Unexpected error in the connector: a row of ${line.length} bytes is not a RECORD message.`,
  );
}
