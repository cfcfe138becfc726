import { hash } from 'node:crypto';
import { LosslessNumber } from 'lossless-json';
import { isJsonObject } from '../../shared/exact-json.ts';
import { PLATFORM_PREFIX } from '../config/mapping.ts';

/**
 * The length of a row id, in hexadecimal digits. With 128 bits, the chance of two equal ids among 10^15 different rows is
 * one in a billion.
 */
const ID_CHARACTERS = 32;

/**
 * Returns the id of a row, which is the same each time the row is read. The id depends on all columns, including columns
 * that are not sent. Columns that a platform adds don't count, because they change with each read. NULLs don't count
 * either, so that a new column does not change the ids of existing rows.
 */
export function computeRowId(stream: string, row: Record<string, unknown>): string {
  const own = Object.keys(row).filter((column) => !column.startsWith(PLATFORM_PREFIX) && row[column] !== null);
  return hash('sha256', `${JSON.stringify(stream)}${writeCanonicalJson(row, own)}`, 'hex').slice(0, ID_CHARACTERS);
}

/**
 * Writes JSON with sorted keys and the original digits of numbers. The function is not recursive, because a row may be
 * nested too deeply for the call stack.
 */
function writeCanonicalJson(object: Record<string, unknown>, keys: string[]): string {
  /** A stack of the parts that remain to be written. The last part is written next. */
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
