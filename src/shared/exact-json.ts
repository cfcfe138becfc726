import { randomUUID } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import { DIGIT_0, DIGIT_9, POINT, QUOTE } from './ascii.ts';

/** A number with this many characters or more may have digits that a double doesn't keep. */
const LONG_DIGITS = 16;

/**
 * A number that a double may change: a long one, or one with an exponent. Numbers follow a colon, a comma or a bracket,
 * so digits in strings don't count.
 */
const RISKY_NUMBER = /[:,[]\s*-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/** What every exponent contains, and hardly any other text: finding it is three times as fast. */
const EXPONENT = /\d[eE][-+\d]/;

/** A string, or a number outside of strings. The rest of an invalid number makes the whole invalid JSON. */
const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** The start of a string that replaces a number. Input can't start like this except by guessing it. */
const NUMBER_MARK = randomUUID();

/**
 * JSON.parse, but numbers that a double may change keep their digits as LosslessNumber. That takes several times as long, so it
 * happens only for JSON with such a number. The parser of lossless-json is recursive, and a deeply nested row would end the
 * process; this one isn't.
 *
 * @throws SyntaxError when the text is not JSON.
 */
export function parseExact(text: string): unknown {
  const mayBeRisky = hasLongDigits(text) || EXPONENT.test(text);
  if (!mayBeRisky || !RISKY_NUMBER.test(text)) return JSON.parse(text);
  return withNumbers(
    JSON.parse(text.replace(TEXT_OR_NUMBER, (token) => (isRisky(token) ? `"${NUMBER_MARK}${token}"` : token))),
  );
}

/** The value of a JSON text; undefined when it is not JSON. @param parse parseExact keeps the digits of numbers. */
export function tryParseJson(text: string, parse: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function isRisky(token: string): boolean {
  return !token.startsWith('"') && (token.length >= LONG_DIGITS || /e/i.test(token));
}

/** Replaces the marked strings in a value by their numbers. */
function withNumbers(value: unknown): unknown {
  const whole: Record<string, unknown> = { value };
  const left: object[] = [whole];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    for (const [key, item] of Object.entries(holder)) {
      // A number is not a valid key.
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
 * Whether there is a sequence of digits and points that is long enough for a long number, and doesn't start a string. A sequence
 * of that length covers every sixteenth place, so only those are checked: less work than any regular expression.
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

function isDigitOrPoint(code: number): boolean {
  return (code >= DIGIT_0 && code <= DIGIT_9) || code === POINT;
}

/** Whether a parsed value is a JSON object: not a list, null or a LosslessNumber. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
