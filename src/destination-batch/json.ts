import { LosslessNumber, type ParseOptions, parse, stringify } from 'lossless-json';

/**
 * A number of sixteen characters or more: it may hold more digits than a double keeps. Numbers follow a colon, a comma
 * or a bracket, so digits in texts are passed over.
 */
const LONG_NUMBER = /[:,[]\s*-?\d[\d.]{15,}/;

/**
 * JSON.parse, but long numbers keep their digits as LosslessNumber. Exactness costs ten times the time, so it is paid
 * on texts that hold a long number alone.
 *
 * @throws SyntaxError when the text is not JSON.
 */
export function parseExact(text: string): unknown {
  return LONG_NUMBER.test(text) ? parse(text, null, EXACT) : JSON.parse(text);
}

const EXACT: ParseOptions = {
  parseNumber: (digits) => (digits.length < 16 ? Number(digits) : new LosslessNumber(digits)),
  // As JSON.parse does: of two equal keys the last one counts.
  onDuplicateKey: ({ newValue }) => newValue,
};

/** What JSON.stringify makes of a LosslessNumber. */
const LOSSLESS_MARK = '"isLosslessNumber":true';

/** JSON text with the digits of each LosslessNumber as they came. */
export function stringifyExact(value: object): string {
  const json = JSON.stringify(value);
  return json.includes(LOSSLESS_MARK) ? (stringify(value) ?? json) : json;
}
