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
  SLASH,
  SPACE,
} from '../../../shared/ascii.ts';
import { parseExact } from '../../../shared/exact-json.ts';
import { isPlainAscii } from '../text.ts';

/** These functions find where JSON values end in a buffer, without parsing the values. */

/** Returned if there is no value, or if the value is not complete. */
export const NO_END = -1;

/** A table by character code: 1 for printable ASCII that JSON does not escape. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, code) => Number(isPlainAscii(String.fromCharCode(code))));

/** A table by character code: 1 for the characters of numbers. */
const IS_IN_NUMBER = Uint8Array.from({ length: 256 }, (_, code) =>
  Number((code >= DIGIT_0 && code <= DIGIT_9) || '+-.eE'.includes(String.fromCharCode(code))),
);

/** The maximum length of a number that can be copied. A 64-bit float preserves all numbers of up to 15 characters. */
const MAX_PLAIN_NUMBER_CHARACTERS = 15;

/**
 * Returns the end of the plain characters at `offset`. Plain characters are printable ASCII that JSON does not escape,
 * and escaped slashes (`\/`), which ClickHouse writes by default.
 */
export function skipPlain(bytes: Buffer, offset: number): number {
  let end = offset;
  for (;;) {
    while (IS_PLAIN[bytes[end] ?? 0] === 1) end += 1;
    if (bytes[end] !== BACKSLASH || bytes[end + 1] !== SLASH) return end;
    end += 2;
  }
}

/** Decodes a string that consists of plain characters. */
function readPlainText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  return text.includes('\\') ? text.replaceAll('\\', '') : text;
}

/** Returns the end of a string. `offset` may be anywhere in it, but not between the two characters of an escape. */
export function skipString(bytes: Buffer, offset: number): number {
  let end = offset;
  for (;;) {
    const code = bytes[end];
    // A JSON string can't contain a bare control character, such as a line feed.
    if (code === undefined || code < SPACE) return NO_END;
    if (code === QUOTE) return end + 1;
    end += code === BACKSLASH ? 2 : 1;
  }
}

/** Returns the end of an array or object, found by counting brackets. Its content is not checked. */
export function skipStructure(bytes: Buffer, offset: number): number {
  let depth = 0;
  let end = offset;
  for (;;) {
    const code = bytes[end];
    if (code === undefined || code < SPACE) return NO_END;
    if (code === QUOTE) {
      end = skipString(bytes, end + 1);
      if (end === NO_END) return NO_END;
      continue;
    }
    end += 1;
    if (code === OPENING_BRACE || code === OPENING_BRACKET) depth += 1;
    else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) {
      depth -= 1;
      if (depth === 0) return end;
    }
  }
}

/** Returns the end of the characters of a number. Their order is not checked, so they may not be valid JSON. */
export function skipNumber(bytes: Buffer, offset: number): number {
  let end = offset;
  while (IS_IN_NUMBER[bytes[end] ?? 0] === 1) end += 1;
  return end === offset ? NO_END : end;
}

/**
 * Checks whether a number can be copied. It must be valid JSON that is exact as a 64-bit float, have no exponent, and
 * not begin with -0.
 */
export function isPlainNumber(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > MAX_PLAIN_NUMBER_CHARACTERS) return false;
  const digitsFrom = bytes[start] === HYPHEN ? start + 1 : start;
  const wholeTo = skipDigits(bytes, digitsFrom);
  const whole = wholeTo - digitsFrom;
  if (whole === 0 || (bytes[digitsFrom] === DIGIT_0 && (whole > 1 || digitsFrom > start))) return false;
  if (wholeTo === end) return true;
  return bytes[wholeTo] === POINT && end > wholeTo + 1 && skipDigits(bytes, wholeTo + 1) === end;
}

function skipDigits(bytes: Buffer, offset: number): number {
  let end = offset;
  for (let code = bytes[end] ?? 0; code >= DIGIT_0 && code <= DIGIT_9; code = bytes[end] ?? 0) end += 1;
  return end;
}

/** Parses a value. Returns undefined if it is not valid JSON. */
export function parseValue(bytes: Buffer, start: number, end: number, isPlain: boolean): unknown {
  if (isPlain && bytes[start] === QUOTE) return readPlainText(bytes, start + 1, end - 1);
  try {
    // Wrapped in an array, because parseExact finds a number only after a bracket, a comma or a colon.
    const list = parseExact(`[${bytes.toString('utf8', start, end)}]`);
    return Array.isArray(list) ? list[0] : undefined;
  } catch {
    return undefined;
  }
}
