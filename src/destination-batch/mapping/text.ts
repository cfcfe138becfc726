import { BACKSLASH, DELETE, QUOTE, SPACE } from '../../shared/ascii.ts';

/**
 * The maximum length of a string that `isUnescapedAscii` checks. For longer strings, the engine's own functions are
 * faster.
 */
const MAX_CHARACTERS = 300;

const LINE_END = /[\r\n]/;

/** Matches a character that UTF-16 encodes in two units, such as an emoji. */
const OF_TWO_UNITS = /[\u{10000}-\u{10FFFF}]/u;

/** Checks whether a character is printable ASCII that JSON does not escape. */
export function isUnescapedAsciiCode(code: number): boolean {
  return code >= SPACE && code < DELETE && code !== QUOTE && code !== BACKSLASH;
}

/**
 * Checks whether a string is printable ASCII that JSON does not escape, and is not too long for this check. If so, the
 * string is well-formed, has only one line, and its JSON is the string in quotes. This is true for most strings in most
 * tables, and one loop is faster than a check for each property.
 */
export function isUnescapedAscii(text: string): boolean {
  const { length } = text;
  if (length > MAX_CHARACTERS) return false;
  for (let index = 0; index < length; index += 1) {
    if (!isUnescapedAsciiCode(text.charCodeAt(index))) return false;
  }
  return true;
}

/** Checks whether a string is empty or consists of white space. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return !(first > SPACE && first < DELETE) && text.trim() === '';
}

export function hasLineEnd(text: string): boolean {
  return LINE_END.test(text);
}

/**
 * Describes the length of a string for a message. The limits count UTF-16 units, as Batch's SDKs for Android and the
 * Web do. The SDK for iOS counts visible characters. If the counts can differ, the description says that the length is
 * in UTF-16.
 */
export function describeLength(text: string): string {
  const length = `${text.length} characters`;
  return OF_TWO_UNITS.test(text) ? `${length} in UTF-16 (an emoji counts as two or more)` : length;
}
