import { hash } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import { PLATFORM_PREFIX } from './mapping.ts';

/** 128 bits: of 10^15 rows, two that differ have the same id with a chance of one in a billion. */
const ID_CHARACTERS = 32;

/**
 * An id of a row, the same whenever the row is read again. It tells rows apart that differ in any column, be it sent or
 * not; what a platform adds differs at each reading and does not count, nor does NULL, which a new column brings.
 */
export function rowId(stream: string, row: Record<string, unknown>): string {
  const own = Object.keys(row).filter((column) => !column.startsWith(PLATFORM_PREFIX) && row[column] !== null);
  return hash('sha256', `${JSON.stringify(stream)}${canonicalObject(row, own)}`, 'hex').slice(0, ID_CHARACTERS);
}

/** JSON in which keys stand in one order and numbers have the digits that came. */
function canonical(value: unknown): string {
  if (value instanceof LosslessNumber) return value.value;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === 'object' && value !== null) {
    const object: Record<string, unknown> = Object(value);
    return canonicalObject(object, Object.keys(object));
  }
  return JSON.stringify(value) ?? 'null';
}

function canonicalObject(object: Record<string, unknown>, keys: string[]): string {
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`)
    .join()}}`;
}
