import { randomUUID } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import {
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COLON,
  COMMA,
  DIGIT_0,
  DIGIT_9,
  HYPHEN,
  OPENING_BRACKET,
  POINT,
  QUOTE,
  SPACE,
} from './ascii.ts';

/** A number with at least this many characters may have more digits than a double can represent. */
const LONG_DIGITS = 16;

/**
 * Matches a number that JavaScript may write differently: a long number, a number with an exponent, and a fraction that ends
 * in zero or begins with many zeros. The number must follow a colon, a comma or an opening bracket. This excludes most digits
 * inside strings.
 */
const RISKY_NUMBER = /[:,[]\s*-?\d(?:[\d.]{15}|[\d.]*[eE]|\d*\.(?:0{6}|\d*0(?!\d)))/;

/** JavaScript writes a number with this many zeros after the point with an exponent, such as 1e-7. */
const MANY_ZEROS = '000000';

/** Matches the part of a number around the letter of its exponent, and also parts of hexadecimal strings, such as UUIDs. */
const EXPONENT = /\d[eE][-+\d]/g;

/**
 * Matches a string, or a number outside strings. It matches only part of an invalid number, so the JSON remains invalid
 * when that part is replaced.
 */
const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** The prefix of a string that replaces a number. It is random, so no string in the input begins with it. */
const NUMBER_MARK = randomUUID();

/**
 * Parses JSON like JSON.parse, except for numbers that JavaScript may write differently, such as 9007199254740993, 1.0 and 1e5: each
 * of them becomes a LosslessNumber, which keeps its digits. That takes several times as long, so JSON without such numbers goes directly to
 * JSON.parse. The parser of lossless-json is not used: it is recursive, so a deeply nested row would overflow the stack and crash
 * the process.
 *
 * @throws SyntaxError if the text is not JSON.
 */
export function parseExact(text: string): unknown {
  const mayBeRisky = hasLongDigits(text) || hasExponent(text) || hasUnusualFraction(text);
  if (!mayBeRisky || !RISKY_NUMBER.test(text)) return JSON.parse(text);
  return withNumbers(
    JSON.parse(text.replace(TEXT_OR_NUMBER, (token) => (isRisky(token) ? `"${NUMBER_MARK}${token}"` : token))),
  );
}

/** Parses JSON; returns undefined if the text is not JSON. @param parse the parser; parseExact keeps the digits of numbers. */
export function tryParseJson(text: string, parse: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** Checks a token the way RISKY_NUMBER does: the sign does not count toward the length. */
function isRisky(token: string): boolean {
  if (token.startsWith('"')) return false;
  const length = token.startsWith('-') ? token.length - 1 : token.length;
  return length >= LONG_DIGITS || /e/i.test(token) || /\.(?:\d*0$|0{6})/.test(token);
}

/** Replaces each marked string in a value with its number. */
function withNumbers(value: unknown): unknown {
  const whole: Record<string, unknown> = { value };
  const left: object[] = [whole];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    for (const [key, item] of Object.entries(holder)) {
      // This key was a number without quotes, which is not valid JSON.
      if (key.startsWith(NUMBER_MARK)) throw new SyntaxError('A key of an object has to be a string.');
      if (typeof item === 'object' && item !== null) left.push(item);
      else if (typeof item === 'string' && item.startsWith(NUMBER_MARK)) {
        Reflect.set(holder, key, new LosslessNumber(item.slice(NUMBER_MARK.length)));
      }
    }
  }
  return whole.value;
}

/**
 * Checks whether a string contains at least LONG_DIGITS digits and points in a row that don't follow a quote. Any 16 characters in
 * a row include one of the positions 15, 31, 47 and so on, so only these positions are checked. No regular expression is as fast.
 */
function hasLongDigits(text: string): boolean {
  for (let place = LONG_DIGITS - 1; place < text.length; place += LONG_DIGITS) {
    if (!isDigitOrPoint(text.charCodeAt(place))) continue;
    let start = place;
    while (isDigitOrPoint(text.charCodeAt(start - 1))) start -= 1;
    let end = place + 1;
    while (isDigitOrPoint(text.charCodeAt(end))) end += 1;
    if (end - start >= LONG_DIGITS && text.charCodeAt(start - 1) !== QUOTE) return true;
  }
  return false;
}

/** Checks whether a string contains a number with an exponent that begins where a value begins. RISKY_NUMBER takes three times as long. */
function hasExponent(text: string): boolean {
  EXPONENT.lastIndex = 0;
  while (EXPONENT.test(text)) {
    let start = EXPONENT.lastIndex - 3;
    while (isDigitOrPoint(text.charCodeAt(start - 1))) start -= 1;
    if (text.charCodeAt(start - 1) === HYPHEN) start -= 1;
    if (isStartOfValue(text.charCodeAt(start - 1))) return true;
  }
  return false;
}

/**
 * Checks whether a string contains a fraction that ends in zero or begins with many zeros, and that ends like a number: the fraction
 * of a time is followed by a letter or a quote. Most texts have few points, and searching for them is fast.
 */
function hasUnusualFraction(text: string): boolean {
  for (let point = text.indexOf('.'); point !== -1; point = text.indexOf('.', point + 1)) {
    let end = point + 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    // Checked first, because most points are in strings.
    if (!isEndOfNumber(text.charCodeAt(end))) continue;
    if (text.charCodeAt(end - 1) === DIGIT_0 || text.startsWith(MANY_ZEROS, point + 1)) return true;
  }
  return false;
}

function isEndOfNumber(code: number): boolean {
  return code === COMMA || code === CLOSING_BRACE || code === CLOSING_BRACKET || code <= SPACE;
}

/** Checks whether a value can follow this character. */
function isStartOfValue(code: number): boolean {
  return code === COLON || code === COMMA || code === OPENING_BRACKET || code <= SPACE;
}

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}

function isDigitOrPoint(code: number): boolean {
  return isDigit(code) || code === POINT;
}

/** Checks whether a parsed value is a JSON object, and not an array, null or a LosslessNumber. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
