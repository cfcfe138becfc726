import { LosslessNumber } from 'lossless-json';

/** What JSON calls the type of a value; one that keeps its digits is a number. */
export type JsonType = 'text' | 'number' | 'boolean' | 'array' | 'object' | 'null';

export function detectJsonType(value: unknown): JsonType {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof LosslessNumber) return 'number';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'object';
    default:
      return 'number';
  }
}
