import { randomUUID } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import { DIGIT_0, DIGIT_9, POINT, QUOTE } from './ascii.ts';

/** A number of so many characters or more may hold digits that a double does not keep. */
const LONG_DIGITS = 16;

/**
 * A number that a double may change: a long one, or one with an exponent. Numbers follow a colon, a comma or a bracket,
 * so digits in texts are passed over.
 */
const RISKY_NUMBER = /[:,[]\s*-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/** What every exponent has, and hardly any other text: it is found three times as fast. */
const EXPONENT = /\d[eE][-+\d]/;

/** A text, or a number outside of texts. What is left over of a number that is none makes the whole no JSON. */
const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** With what a text begins that stands for a number: no text that comes in can begin so but by guessing it. */
const NUMBER_MARK = randomUUID();

/**
 * JSON.parse, but numbers that a double may change keep their digits as LosslessNumber. Exactness costs several times
 * the time, so it is paid on texts that hold such a number alone. Depth costs nothing but memory: the parser of
 * lossless-json calls itself, and a row that is nested deep enough would end the process.
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

/** A value in which numbers stand again where marked texts stood for them. */
function withNumbers(value: unknown): unknown {
  const whole: Record<string, unknown> = { value };
  const left: object[] = [whole];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    for (const [key, item] of Object.entries(holder)) {
      // A number for a key is no JSON.
      if (key.startsWith(NUMBER_MARK)) throw new SyntaxError('A key of an object has to be a text.');
      if (typeof item === 'object' && item !== null) left.push(item);
      else if (typeof item === 'string' && item.startsWith(NUMBER_MARK)) {
        Reflect.set(holder, key, new LosslessNumber(item.slice(NUMBER_MARK.length)));
      }
    }
  }
  return whole.value;
}

/**
 * Whether so many digits or points stand in a row that they may be a long number, and no text begins with them. A row of
 * that length covers every sixteenth place, so only those are looked at: less work than any regular expression.
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

/** Whether a parsed value is an object of JSON: no list, no null, and no number that kept its digits. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
