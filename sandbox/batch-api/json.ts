import { isLosslessNumber, type LosslessNumber, parse, stringify } from 'lossless-json';

/** A JSON value whose numbers are either exact as they are, or kept as the digits that came in. */
export type Json = null | boolean | number | string | LosslessNumber | readonly Json[] | JsonObject;

export type JsonObject = { readonly [key: string]: Json };

export type ParsedJson = {
  readonly value: Json;
  /** Writes the value, or a part of it, with the digits that came in. */
  readonly print: (part: Json) => string;
};

/**
 * A number that a double may not carry: many digits, or an exponent. It looks only behind the marks that a number can
 * follow; where such a mark is inside a string, the only harm is the slower parser.
 */
const riskyNumber = /[:,[]\s*-?(?:[\d.]{16,}|[\d.]+[eE])/;

/**
 * Parses JSON so that no number changes its value. A short number may lose its form (`1.0` is stored as `1`).
 *
 * @throws {SyntaxError} if the text is not JSON.
 */
export function parseJson(text: string): ParsedJson {
  if (!riskyNumber.test(text)) return { value: JSON.parse(text) as Json, print: JSON.stringify };
  // JSON.parse lets the last of two equal keys win; this parser would throw.
  const value = parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue }) as Json;
  return { value, print: printJson };
}

/** Writes a value with the digits that came in, wherever it was parsed. */
export function printJson(value: Json): string {
  return stringify(value) ?? 'null';
}

/** An object in JSON's sense. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
