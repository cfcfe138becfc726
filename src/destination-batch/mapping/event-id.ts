import { hash } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import { isJsonObject } from '../../shared/exact-json.ts';
import { PLATFORM_PREFIX } from '../config/mapping.ts';

/** 128 bits: of 10^15 rows, two that differ have the same id with a chance of one in a billion. */
const ID_CHARACTERS = 32;

/**
 * An id of a row, the same whenever the row is read again. It tells rows apart that differ in any column, be it sent or
 * not; what a platform adds differs at each reading and does not count, nor does NULL, which a new column brings.
 */
export function computeRowId(stream: string, row: Record<string, unknown>): string {
  const own = Object.keys(row).filter((column) => !column.startsWith(PLATFORM_PREFIX) && row[column] !== null);
  return hash('sha256', `${JSON.stringify(stream)}${writeCanonicalJson(row, own)}`, 'hex').slice(0, ID_CHARACTERS);
}

/**
 * JSON in which keys stand in one order and numbers have the digits that came. It does not call itself: a row may be
 * nested deeper than a stack holds.
 */
function writeCanonicalJson(object: Record<string, unknown>, keys: string[]): string {
  /** What is still to be written, the last one first. */
  const left: ({ json: string } | { value: unknown })[] = [];
  const open = (brackets: string, parts: { json: string; value: unknown }[]): void => {
    left.push({ json: brackets.slice(1) });
    for (const [index, { json, value }] of [...parts.entries()].reverse()) {
      left.push({ value }, { json: index === 0 ? json : `,${json}` });
    }
    left.push({ json: brackets.slice(0, 1) });
  };
  const openObject = (value: Record<string, unknown>, sorted: string[]): void =>
    open(
      '{}',
      sorted.map((key) => ({ json: `${JSON.stringify(key)}:`, value: value[key] })),
    );
  openObject(object, keys.sort());
  let json = '';
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if ('json' in next) json += next.json;
    else if (next.value instanceof LosslessNumber) json += next.value.value;
    else if (Array.isArray(next.value))
      open(
        '[]',
        next.value.map((value) => ({ json: '', value })),
      );
    else if (isJsonObject(next.value)) openObject(next.value, Object.keys(next.value).sort());
    else json += JSON.stringify(next.value) ?? 'null';
  }
  return json;
}
