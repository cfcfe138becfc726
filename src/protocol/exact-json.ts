import { LosslessNumber, type ParseOptions, parse, stringify } from 'lossless-json';

/** A number of so many characters or more may hold digits that a double does not keep. */
const LONG_DIGITS = 16;

/**
 * A number that a double may change: a long one, or one with an exponent. Numbers follow a colon, a comma or a bracket,
 * so digits in texts are passed over.
 */
const RISKY_NUMBER = /[:,[]\s*-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/** What every exponent has, and hardly any other text: it is found three times as fast. */
const EXPONENT = /\d[eE][-+\d]/;

const EXACT: ParseOptions = {
  parseNumber: (digits) =>
    digits.length < LONG_DIGITS && !/e/i.test(digits) ? Number(digits) : new LosslessNumber(digits),
  // As JSON.parse does: of two equal keys the last one counts.
  onDuplicateKey: ({ newValue }) => newValue,
};

/**
 * JSON.parse, but numbers that a double may change keep their digits as LosslessNumber. Exactness costs ten times the
 * time, so it is paid on texts that hold such a number alone.
 *
 * @throws SyntaxError when the text is not JSON.
 */
export function parseExact(text: string): unknown {
  const mayBeRisky = hasLongDigits(text) || EXPONENT.test(text);
  return mayBeRisky && RISKY_NUMBER.test(text) ? parse(text, null, EXACT) : JSON.parse(text);
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

const QUOTE = 0x22;

function isDigitOrPoint(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e;
}

/** What JSON.stringify makes of a LosslessNumber. */
const LOSSLESS_MARK = '"isLosslessNumber":true';

/** JSON text with the digits of each LosslessNumber as they came. */
export function stringifyExact(value: object): string {
  const json = JSON.stringify(value);
  return json.includes(LOSSLESS_MARK) ? (stringify(value) ?? json) : json;
}

/** Whether a parsed value is an object of JSON: no list, no null, and no number that kept its digits. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
