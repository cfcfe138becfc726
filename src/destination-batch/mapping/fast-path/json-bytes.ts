import {
  BACKSLASH,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  DIGIT_0,
  DIGIT_9,
  HYPHEN,
  OPENING_BRACE,
  OPENING_BRACKET,
  POINT,
  QUOTE,
  SPACE,
} from '../../../shared/ascii.ts';
import { skipAsciiWords, skipWords } from '../../../shared/byte-words.ts';
import { hasInexactNumber, parseExact } from '../../../shared/exact-json.ts';
import { isUnescapedAsciiCode } from '../text.ts';

/** These functions find where JSON values end in a buffer, without parsing the values. */

/** Returned if there is no value, or if the value is not complete. */
export const NO_END = -1;

/** A table by character code: 1 for printable ASCII that JSON does not escape. */
export const IS_UNESCAPED_ASCII = Uint8Array.from({ length: 256 }, (_, code) => Number(isUnescapedAsciiCode(code)));

/** A table by character code: 1 for the characters of numbers. */
const IS_IN_NUMBER = Uint8Array.from({ length: 256 }, (_, code) =>
  Number((code >= DIGIT_0 && code <= DIGIT_9) || '+-.eE'.includes(String.fromCharCode(code))),
);

/** The maximum length of an integer that is copied, with its sign. An integer this short always fits in 64 bits. */
const MAX_INTEGER_CHARACTERS = 18;

/**
 * Returns the end of the printable ASCII at `offset` that JSON does not escape.
 *
 * @param end where the message ends. The byte at `end` must not be such a character, because it ends the search.
 */
export function skipUnescapedAscii(bytes: Uint8Array, view: DataView, offset: number, end: number): number {
  let at = skipAsciiWords(view, offset, end);
  while (IS_UNESCAPED_ASCII[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

/**
 * Returns the end of the quote at `offset`, or NO_END if there is none.
 *
 * @param isInString whether the JSON is inside a string, so that its quotes are escaped.
 */
export function skipQuote(bytes: Uint8Array, offset: number, isInString: boolean): number {
  if (!isInString) return bytes[offset] === QUOTE ? offset + 1 : NO_END;
  return bytes[offset] === BACKSLASH && bytes[offset + 1] === QUOTE ? offset + 2 : NO_END;
}

/**
 * Returns the end of the spaces at `offset`. Other white space is not skipped, because it is not valid inside a JSON string, and a
 * line feed ends the message.
 */
export function skipSpaces(bytes: Uint8Array, offset: number): number {
  let end = offset;
  while (bytes[end] === SPACE) end += 1;
  return end;
}

/**
 * Returns the end of the value at `offset`, or NO_END. Only its quotes and brackets are checked.
 *
 * @param end where the message ends.
 */
export function skipValue(bytes: Uint8Array, view: DataView, offset: number, end: number): number {
  switch (bytes[offset]) {
    case QUOTE:
      return skipString(bytes, view, offset + 1, end);
    case OPENING_BRACE:
    case OPENING_BRACKET:
      return skipStructure(bytes, view, offset, end);
    default:
      return skipLiteral(bytes, offset);
  }
}

/** Returns the end of the value at `offset`, or NO_END if the value is not valid JSON. */
export function skipValidValue(bytes: Buffer, view: DataView, offset: number, end: number): number {
  if (bytes[offset] === QUOTE) {
    const asciiEnd = skipUnescapedAscii(bytes, view, offset + 1, end);
    if (bytes[asciiEnd] === QUOTE) return asciiEnd + 1;
  }
  const valueEnd = skipValue(bytes, view, offset, end);
  return valueEnd === NO_END || parseValue(bytes, offset, valueEnd) === undefined ? NO_END : valueEnd;
}

/** Returns the end of a string. `offset` may be anywhere in it, but not between the two characters of an escape. */
function skipString(bytes: Uint8Array, view: DataView, offset: number, end: number): number {
  let at = offset;
  for (;;) {
    at = skipWords(view, at, end);
    const code = bytes[at];
    // A JSON string can't contain a bare control character, such as a line feed.
    if (code === undefined || code < SPACE) return NO_END;
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
}

/** Returns the end of an array or object, found by counting brackets. Its content is not checked. */
function skipStructure(bytes: Uint8Array, view: DataView, offset: number, end: number): number {
  let depth = 0;
  let at = offset;
  for (;;) {
    const code = bytes[at];
    if (code === undefined || code < SPACE) return NO_END;
    if (code === QUOTE) {
      at = skipString(bytes, view, at + 1, end);
      if (at === NO_END) return NO_END;
      continue;
    }
    at += 1;
    if (code === OPENING_BRACE || code === OPENING_BRACKET) depth += 1;
    else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
}

/** Returns the end of the letters and digits of a number, true, false or null. Their order is not checked. */
function skipLiteral(bytes: Uint8Array, offset: number): number {
  let end = offset;
  for (;;) {
    const code = bytes[end] ?? 0;
    // The letters of the literals are lower case.
    if (IS_IN_NUMBER[code] !== 1 && (code < 0x61 || code > 0x7a)) break;
    end += 1;
  }
  return end === offset ? NO_END : end;
}

/**
 * Returns the end of the integer at `offset`, or NO_END if there is no valid one that is short enough to be copied. The integer may
 * be the part of a number before its point.
 */
export function skipInteger(bytes: Uint8Array, offset: number): number {
  const digitsStart = bytes[offset] === HYPHEN ? offset + 1 : offset;
  const end = skipDigits(bytes, digitsStart);
  if (end === digitsStart || end - offset > MAX_INTEGER_CHARACTERS) return NO_END;
  return bytes[digitsStart] === DIGIT_0 && end > digitsStart + 1 ? NO_END : end;
}

/**
 * Returns the end of a number whose integer part ends at `offset`. If the number has no fraction, this is `offset`. Returns NO_END
 * if the number is not valid or has an exponent.
 */
export function skipFraction(bytes: Uint8Array, offset: number): number {
  let end = offset;
  if (bytes[offset] === POINT) {
    end = skipDigits(bytes, offset + 1);
    if (end === offset + 1) return NO_END;
  }
  return IS_IN_NUMBER[bytes[end] ?? 0] === 1 ? NO_END : end;
}

/** Returns the end of the number at `offset`, or NO_END if it can't be copied as it is. */
export function skipNumber(bytes: Uint8Array, offset: number): number {
  const end = skipInteger(bytes, offset);
  return end === NO_END ? NO_END : skipFraction(bytes, end);
}

function skipDigits(bytes: Uint8Array, offset: number): number {
  let end = offset;
  for (let code = bytes[end] ?? 0; code >= DIGIT_0 && code <= DIGIT_9; code = bytes[end] ?? 0) end += 1;
  return end;
}

/** Parses a value. Returns undefined if it is not valid JSON. */
export function parseValue(bytes: Buffer, start: number, end: number): unknown {
  try {
    return parseExact(bytes.toString('utf8', start, end), hasInexactNumber(bytes, start, end));
  } catch {
    return undefined;
  }
}
