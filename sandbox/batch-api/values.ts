import { isLosslessNumber, type LosslessNumber } from 'lossless-json';
import type { Json } from './json.ts';
import type { Limits } from './limits.ts';
import { readUtcTimestamp } from './timestamp.ts';

/** Why a value is refused; undefined if it is not. */
export type Problem = string | undefined;

/** The type that a key sets: `date(x)`, `url(x)`, or none. */
export type KeyType = 'date' | 'url' | 'plain';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

// The SDKs require a scheme and an authority; the rest of a URL is not checked.
const urlShape = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+\S*$/i;

/**
 * The type that a key gives its value, or undefined if the key is not allowed [reported: sources MM and SDKDOC in
 * docs/batch-api.md].
 */
export function typeOfKey(key: string, limits: Limits): KeyType | undefined {
  if (!limits.keyPattern.test(key)) return undefined;
  if (!key.endsWith(')')) return 'plain';
  return key.startsWith('date(') ? 'date' : 'url';
}

/**
 * Checks that a string is not blank and not too long [reported: source MM]. Characters are counted as UTF-16 units, as in
 * the Web and Android SDKs; no other way of counting gives a larger number.
 */
function checkText(value: Json, max: number, limits: Limits): Problem {
  if (typeof value !== 'string') return 'not a string';
  if (value.length > max) return `a string of ${value.length} characters, at most ${max} are allowed`;
  if (value.trim() === '') return 'a blank string';
  if (limits.malformedText === 'refuse' && !value.isWellFormed()) return 'a string with half of a surrogate pair';
  return undefined;
}

/** Checks the string of an attribute or an array item. */
export function checkPlainText(value: Json, limits: Limits): Problem {
  return limits.multilineText === 'refuse'
    ? checkLine(value, limits.stringMax, limits)
    : checkText(value, limits.stringMax, limits);
}

/** Checks a string that must also be a single line, such as a label or a tag [sdk: sources WEBSDK, ANDSDK, IOSSDK]. */
export function checkLine(value: Json, max: number, limits: Limits): Problem {
  const problem = checkText(value, max, limits);
  if (problem !== undefined) return problem;
  return /[\r\n]/.test(String(value)) ? 'a string of several lines' : undefined;
}

/** Checks a value that is not a list or object: of the type of its key, otherwise a string, a number or a boolean. */
export function checkScalar(type: KeyType, value: Json, limits: Limits): Problem {
  if (type === 'date') return checkDate(value);
  if (type === 'url') return checkUrl(value, limits);
  if (isLosslessNumber(value)) return checkLongNumber(value);
  // A number that is not a LosslessNumber is short, so it is in range.
  return typeof value === 'string' ? checkPlainText(value, limits) : undefined;
}

function checkDate(value: Json): Problem {
  const isDate = typeof value === 'string' && readUtcTimestamp(value) !== undefined;
  return isDate ? undefined : 'not an RFC 3339 date in UTC such as 2026-04-17T04:25:00Z';
}

function checkUrl(value: Json, limits: Limits): Problem {
  const problem = checkText(value, limits.urlMax, limits);
  if (problem !== undefined) return problem;
  return urlShape.test(String(value)) ? undefined : 'not a URL with a scheme and an authority';
}

/** 64-bit signed integers and finite doubles only [inferred from the source SDKDOC, the old page for iOS]. */
function checkLongNumber({ value: digits }: LosslessNumber): Problem {
  if (/^-?\d+$/.test(digits)) {
    const integer = BigInt(digits);
    return integer < INT64_MIN || integer > INT64_MAX ? 'an integer beyond 64 bits' : undefined;
  }
  return Number.isFinite(Number(digits)) ? undefined : 'a number beyond a double';
}
