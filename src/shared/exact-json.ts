import { randomUUID } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import { BACKSLASH, DIGIT_0, DIGIT_9, POINT, QUOTE } from './ascii.ts';
import { viewOf } from './byte-pattern.ts';
import { skipWords } from './byte-words.ts';

/** A number with at least this many digits, including its point, may have more digits than a double can represent. */
const LONG_DIGITS = 16;

/** JavaScript writes a number with at least this many zeros after `0.` with an exponent, such as 1e-7. */
const MANY_ZEROS = 6;

const LETTER_E = 0x65;
/** The bit that a lower-case letter has in addition to the upper-case letter. */
const LOWER_CASE = 0x20;

/**
 * Matches a string, or a number outside strings. It matches only part of an invalid number, so the JSON remains invalid
 * when that part is replaced.
 */
const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** Matches the tokens that need no further check: strings and short integers. */
const SURELY_EXACT = /^(?:"|-?\d{1,15}$)/;

/** The prefix of a string that replaces a number. It is random, so no string in the input begins with it. */
const NUMBER_MARK = randomUUID();

/**
 * Parses JSON like JSON.parse, except for numbers that JavaScript may write differently, such as 9007199254740993, 1.0 and 1e5:
 * each of them becomes a LosslessNumber, which keeps its digits. This takes several times as long as JSON.parse, so JSON without
 * such numbers is passed directly to JSON.parse. The parser of lossless-json is not used: it is recursive, so a deeply nested row
 * would overflow the stack and crash the process.
 *
 * @param hasInexact the result of `hasInexactNumber`. A caller that already has the bytes of the text can compute it faster.
 * @throws SyntaxError if the text is not JSON.
 */
export function parseExact(text: string, hasInexact = hasInexactNumber(Buffer.from(text))): unknown {
  if (!hasInexact) return JSON.parse(text);
  return withNumbers(
    JSON.parse(
      text.replace(TEXT_OR_NUMBER, (token) =>
        SURELY_EXACT.test(token) || !hasInexactNumber(Buffer.from(token)) ? token : `"${NUMBER_MARK}${token}"`,
      ),
    ),
  );
}

/** Checks whether JSON in UTF-8 has a number outside strings that JavaScript may write differently. */
export function hasInexactNumber(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
  givenView: DataView | undefined = undefined,
): boolean {
  let view = givenView;
  let at = start;
  while (at < end) {
    const code = bytes[at] ?? 0;
    at += 1;
    if (code === QUOTE) {
      view ??= viewOf(bytes);
      at = skipText(bytes, view, at, end);
    } else if (isDigit(code)) {
      const wholeEnd = skipDigits(bytes, at, end);
      const numberEnd = bytes[wholeEnd] === POINT ? skipDigits(bytes, wholeEnd + 1, end) : wholeEnd;
      if (numberEnd - at + 1 >= LONG_DIGITS || isUnusualFraction(bytes, wholeEnd + 1, numberEnd)) return true;
      if (numberEnd < end && ((bytes[numberEnd] ?? 0) | LOWER_CASE) === LETTER_E) return true;
      at = numberEnd;
    }
  }
  return false;
}

/** Returns the offset after the closing quote of a string. `offset` is the offset after its opening quote. */
function skipText(bytes: Uint8Array, view: DataView, offset: number, end: number): number {
  let at = offset;
  while (at < end) {
    at = skipWords(view, at, end);
    const code = bytes[at];
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
  return end;
}

function skipDigits(bytes: Uint8Array, offset: number, end: number): number {
  let at = offset;
  while (at < end && isDigit(bytes[at] ?? 0)) at += 1;
  return at;
}

/** Checks whether a fraction ends in zero, or begins with many zeros. */
function isUnusualFraction(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start) return false;
  if (bytes[end - 1] === DIGIT_0) return true;
  let zeros = 0;
  while (bytes[start + zeros] === DIGIT_0) zeros += 1;
  return zeros >= MANY_ZEROS;
}

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}

/** Parses JSON; returns undefined if the text is not JSON. @param parse the parser; parseExact keeps the digits of numbers. */
export function tryParseJson(text: string, parse: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
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

/** Checks whether a parsed value is a JSON object, and not an array, null or a LosslessNumber. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
