import { LosslessNumber } from 'lossless-json';
import { CLOSING_BRACE, CLOSING_BRACKET, DELETE, OPENING_BRACE, OPENING_BRACKET, SPACE } from '../../shared/ascii.ts';
import { isJsonObject, parseExact } from '../../shared/exact-json.ts';
import type { AttributeError } from '../codes.ts';
import {
  attributeError,
  BEYOND_64_BITS,
  BLANK,
  MALFORMED,
  NO_DATE,
  NO_URL,
  NOT_INTEGER,
  TOO_LARGE,
} from './attribute-errors.ts';
import { describeLength, isBlank, isUnescapedAscii } from './text.ts';

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** An integer with fewer digits always fits in 64 bits. */
const DIGITS_OF_INT64 = 19;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const PARTS_OF_NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** `scheme://authority…`, the form of a URL that Batch's SDKs require. */
const URL_SHAPE = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+\S*$/i;

/** Matches most URLs. They are printable ASCII that JSON does not escape, so they need no further check. */
const COMMON_URL = /^https?:\/\/[a-z0-9][!#-[\]-~]*$/;

export function isJsonNumber(text: string): boolean {
  return JSON_NUMBER.test(text);
}

/** Returns the digits of a number, as they were written; undefined for any other value. */
export function readDigits(value: unknown): string | undefined {
  if (value instanceof LosslessNumber) return value.value;
  return typeof value === 'number' ? writeNumber(value) : undefined;
}

/** Writes a number that `parseExact` returned, as it was written in JSON. */
export function writeNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Converts a number to JSON, with its original digits. Returns an error if the number is out of range. */
export function convertNumber(digits: string): string | AttributeError {
  if (!/^-?\d+$/.test(digits)) return Number.isFinite(Number(digits)) ? digits : TOO_LARGE;
  if (digits.length < DIGITS_OF_INT64) return digits;
  const integer = BigInt(digits);
  return integer > MAX_INT64 || integer < MIN_INT64 ? BEYOND_64_BITS : digits;
}

/**
 * Converts the number of a column of floats. It always gets a point, because Batch distinguishes integers and floats by how they
 * are written (docs/batch-api.md, section 2.4): 23 becomes 23.0, and 1e21 becomes 1.0e21.
 */
export function convertFloat(digits: string): string | AttributeError {
  if (!Number.isFinite(Number(digits))) return TOO_LARGE;
  return digits.includes('.') ? digits : digits.replace(/^-?\d+/, '$&.0');
}

/** Converts the number of a column of integers, which is sent without a point and an exponent: 23.0 becomes 23. */
export function convertInteger(digits: string): string | AttributeError {
  const [, sign = '', whole = '', fraction = '', exponent = ''] = PARTS_OF_NUMBER.exec(digits) ?? [];
  if (fraction === '' && exponent === '') return convertNumber(digits);
  const all = whole + fraction;
  if (/^0*$/.test(all)) return '0';
  const shift = Number(exponent) - fraction.length;
  if (shift > DIGITS_OF_INT64) return BEYOND_64_BITS;
  if (shift >= 0) return convertNumber(`${sign}${BigInt(all)}${'0'.repeat(shift)}`);
  return /[^0]/.test(all.slice(shift)) ? NOT_INTEGER : convertNumber(`${sign}${BigInt(all.slice(0, shift))}`);
}

/** Converts a date. @param read returns the timestamp to send, or undefined for a string that is not a date. */
export function convertDate(value: unknown, read: (text: string) => string | undefined): string | AttributeError {
  if (typeof value !== 'string') return NO_DATE;
  const stamp = read(value);
  if (stamp !== undefined) return `"${stamp}"`;
  return isBlank(value) ? BLANK : NO_DATE;
}

/** Converts a URL of at most `max` characters. */
export function convertUrl(value: unknown, max: number): string | AttributeError {
  if (typeof value !== 'string') return NO_URL;
  if (value.length <= max && COMMON_URL.test(value)) return `"${value}"`;
  if (!URL_SHAPE.test(value)) return isBlank(value) ? BLANK : NO_URL;
  if (!value.isWellFormed()) return MALFORMED;
  if (value.length > max)
    return attributeError('url_too_long', `has ${describeLength(value)}, but Batch accepts at most ${max} in a URL`);
  return isUnescapedAscii(value) ? `"${value}"` : JSON.stringify(value);
}

/** Parses a string that contains a JSON array or object. Returns undefined for any other string. */
export function parseStructure(text: string): unknown[] | Record<string, unknown> | undefined {
  const code = text.charCodeAt(0);
  // Most strings begin with neither a bracket nor white space, so they can't contain an array or object.
  if (code > SPACE && code < DELETE && code !== OPENING_BRACKET && code !== OPENING_BRACE) return undefined;
  const trimmed = text.trim();
  const first = trimmed.charCodeAt(0);
  const last = trimmed.charCodeAt(trimmed.length - 1);
  const isCandidate =
    (first === OPENING_BRACKET && last === CLOSING_BRACKET) || (first === OPENING_BRACE && last === CLOSING_BRACE);
  if (!isCandidate) return undefined;
  try {
    const value = parseExact(trimmed);
    return Array.isArray(value) || isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
