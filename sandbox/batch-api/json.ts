import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';

/** A JSON value. A number that JavaScript would write with other digits keeps its own. */
export type Json = null | boolean | number | string | LosslessNumber | readonly Json[] | JsonObject;

export type JsonObject = { readonly [key: string]: Json };

export type ParsedJson = {
  readonly value: Json;
  /** Writes the value, or a part of it, with its original digits. */
  readonly print: (part: Json) => string;
};

/**
 * Matches a number that JavaScript may write differently: many digits, an exponent, a fraction that ends in zero or begins with
 * many zeros, and -0. It looks only after characters that a number can follow. A match inside a string only means that the
 * slower parser is used.
 */
const riskyNumber = /[:,[]\s*(?:-0(?![\d.])|-?(?:[\d.]{16,}|[\d.]+[eE]|\d+\.(?:0{6}|\d*0(?!\d))))/;

/**
 * Parses JSON without changing a number: `1.0`, which is a float for Batch, stays `1.0`.
 *
 * @throws {SyntaxError} if the text is not JSON.
 */
export function parseJson(text: string): ParsedJson {
  if (!riskyNumber.test(text)) return { value: JSON.parse(text) as Json, print: JSON.stringify };
  // JSON.parse keeps the last of two equal keys; this parser would throw.
  const value = parse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) as Json;
  return { value, print: printJson };
}

/** A LosslessNumber needs more memory than a number. Large integers stay one, because their range is checked by their digits. */
function parseNumber(digits: string): number | LosslessNumber {
  const number = Number(digits);
  const isSmall = Number.isSafeInteger(number) || !Number.isInteger(number);
  return isSmall && String(number) === digits ? number : new LosslessNumber(digits);
}

/** Writes a value with its original digits. */
export function printJson(value: Json): string {
  return stringify(value) ?? 'null';
}

/** Whether a value is an object in JSON. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
