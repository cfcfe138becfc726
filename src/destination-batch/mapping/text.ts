import { BACKSLASH, DELETE, QUOTE, SPACE } from '../../shared/ascii.ts';

/** Longer strings are rare, and the engine's own functions are faster on them. */
const MAX_CHARACTERS = 300;

const LINE_END = /[\r\n]/;

/** A character that UTF-16 encodes in two units, such as an emoji. */
const OF_TWO_UNITS = /[\u{10000}-\u{10FFFF}]/u;

/**
 * Whether a string is printable ASCII that JSON does not escape: it is then well-formed, on one line, and its JSON is the
 * string in quotes. Most strings of most tables are, and one loop is faster than each of these checks.
 */
export function isPlainAscii(text: string): boolean {
  const { length } = text;
  if (length > MAX_CHARACTERS) return false;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < SPACE || code >= DELETE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

/** Whether a string is empty or white space. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return !(first > SPACE && first < DELETE) && text.trim() === '';
}

export function hasLineEnd(text: string): boolean {
  return LINE_END.test(text);
}

/**
 * The length of a string, for a message. Our limits count UTF-16 units, as Batch's SDKs for Android and the Web do; the one
 * for iOS counts the characters that people see. Where these can differ, the message says what was counted.
 */
export function describeLength(text: string): string {
  const length = `${text.length} characters`;
  return OF_TWO_UNITS.test(text) ? `${length} in UTF-16 (an emoji is two or more)` : length;
}
