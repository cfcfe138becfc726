import { CLOSING_BRACE, CLOSING_BRACKET, DELETE, OPENING_BRACE, OPENING_BRACKET, SPACE } from '../../shared/ascii.ts';
import { isJsonObject, parseExact } from '../../shared/exact-json.ts';
import type { AttributeError } from '../codes.ts';
import { BEYOND_64_BITS, TOO_LARGE } from './attribute-errors.ts';

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** An integer with fewer digits always fits in 64 bits. */
const DIGITS_OF_INT64 = 19;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isJsonNumber(text: string): boolean {
  return JSON_NUMBER.test(text);
}

/** Converts a number to JSON, with its original digits. Returns an error if the number is out of range. */
export function convertNumber(digits: string): string | AttributeError {
  if (/^-?\d+$/.test(digits)) {
    if (digits.length >= DIGITS_OF_INT64) {
      const integer = BigInt(digits);
      if (integer > MAX_INT64 || integer < MIN_INT64) return BEYOND_64_BITS;
    }
    return digits;
  }
  return Number.isFinite(Number(digits)) ? digits : TOO_LARGE;
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
