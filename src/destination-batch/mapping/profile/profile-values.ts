import { isJsonObject } from '../../../shared/exact-json.ts';
import { attributeError } from '../attribute-errors.ts';
import type { AttributeWriter, Converted, ValueKind } from '../attribute-value.ts';
import { parseStructure } from '../json-value.ts';
import { isBlank } from '../text.ts';

const ONLY_STRINGS = attributeError(
  'array_of_unsupported_items',
  'is an array of values other than strings, but an array of a profile contains only strings. Convert its items in a view, for example with arrayMap(x -> toString(x), c)',
);
const NOT_OBJECT = attributeError(
  'type_unsupported',
  'is an object, but an attribute of a profile is never one. In a view, select its parts as columns. Only edits of an array are accepted: {"$add": ["x"]}, {"$remove": ["x"]}',
);

/** The edits of an array (docs/batch-api.md, section 2.2). */
const EDITS = ['$add', '$remove'];

/** The kinds of values that may be arrays, or strings that contain the JSON of an array. */
const MAY_BE_ARRAY: ReadonlySet<ValueKind> = new Set(['untyped', 'float', 'integer']);

/** Checks whether a row has no value for an attribute: NULL, a blank string, or an empty array. */
export function isWithoutValue(value: unknown, kind: ValueKind): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === 'string' && isBlank(value)) return true;
  if (!MAY_BE_ARRAY.has(kind)) return false;
  const structure = typeof value === 'string' ? parseStructure(value) : value;
  return Array.isArray(structure) && structure.length === 0;
}

/**
 * Converts a value of an attribute of a profile. An array contains only strings, and an object can only be an edit of an array.
 * Other values follow the rules for events.
 *
 * @returns undefined for an edit that changes nothing.
 */
export function convertProfileValue(
  writer: AttributeWriter,
  value: unknown,
  kind: ValueKind,
  column: string,
): Converted {
  if (!MAY_BE_ARRAY.has(kind)) return writer.convert(value, kind, column);
  const structure = typeof value === 'string' ? parseStructure(value) : value;
  if (Array.isArray(structure)) return convertStrings(writer, structure, column);
  if (isJsonObject(structure)) return convertEdits(writer, structure, column);
  return writer.convert(value, kind, column);
}

function convertStrings(writer: AttributeWriter, values: readonly unknown[], column: string): Converted {
  return values.every((value) => typeof value === 'string') ? writer.convert(values, 'text', column) : ONLY_STRINGS;
}

function convertEdits(writer: AttributeWriter, edits: Record<string, unknown>, column: string): Converted {
  let json = '';
  for (const [edit, values] of Object.entries(edits)) {
    if (!EDITS.includes(edit) || !Array.isArray(values)) return NOT_OBJECT;
    if (values.length === 0) continue;
    const converted = convertStrings(writer, values, column);
    if (typeof converted !== 'string') return converted;
    json += `${json === '' ? '{' : ','}"${edit}":${converted}`;
  }
  return json === '' ? undefined : `${json}}`;
}
