import { isLosslessNumber, type LosslessNumber, parse, stringify } from 'lossless-json';

/** A JSON value. A number that a double can't represent exactly keeps its original digits. */
export type Json = null | boolean | number | string | LosslessNumber | readonly Json[] | JsonObject;

export type JsonObject = { readonly [key: string]: Json };

export type ParsedJson = {
  readonly value: Json;
  /** Writes the value, or a part of it, with its original digits. */
  readonly print: (part: Json) => string;
};

/**
 * Matches a number that a double may not represent exactly: many digits, or an exponent. It looks only after characters
 * that a number can follow. A match inside a string only means that the slower parser is used.
 */
const riskyNumber = /[:,[]\s*-?(?:[\d.]{16,}|[\d.]+[eE])/;

/**
 * Parses JSON without changing the value of a number. A short number may change its form (`1.0` is stored as `1`).
 *
 * @throws {SyntaxError} if the text is not JSON.
 */
export function parseJson(text: string): ParsedJson {
  if (!riskyNumber.test(text)) return { value: JSON.parse(text) as Json, print: JSON.stringify };
  // JSON.parse keeps the last of two equal keys; this parser would throw.
  const value = parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue }) as Json;
  return { value, print: printJson };
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
