import { isJsonObject, parseExact } from '../shared/exact-json.ts';

/**
 * Separates the attributes of a row. JSON can contain line breaks only between its tokens, and the destination writes none there.
 */
const SEPARATOR = '\n';

/** Matches the name of an attribute with a type, such as `date(x)`. */
const TYPED_NAME = /^(?:date|url)\((.*)\)$/;

/**
 * An attribute of a profile: its name, such as `date(x)`, and the JSON of its value. The name contains nothing that JSON escapes.
 */
export type RowAttribute = { name: string; value: string };

/**
 * Writes the attributes of a row in the form in which they wait in the arena, so that they can be merged without parsing their
 * values.
 */
export function writeAttributeRow(attributes: readonly RowAttribute[]): string {
  return writeAttributes(attributes, SEPARATOR);
}

/** Writes attributes as the members of a JSON object, without the braces. */
export function writeAttributes(attributes: readonly RowAttribute[], separator = ','): string {
  return attributes.map(({ name, value }) => `"${name}":${value}`).join(separator);
}

/** Reads the attributes that `writeAttributeRow` wrote. */
export function readAttributeRow(text: string): RowAttribute[] {
  if (text === '') return [];
  return text.split(SEPARATOR).map((attribute) => {
    // A name contains no colon.
    const colon = attribute.indexOf(':');
    return { name: attribute.slice(1, colon - 1), value: attribute.slice(colon + 1) };
  });
}

/** Parses the attributes that `writeAttributeRow` wrote into an object with their names as keys. Numbers keep all their digits. */
export function parseAttributeRow(text: string): Record<string, unknown> {
  const attributes = parseExact(`{${text.replaceAll(SEPARATOR, ',')}}`);
  return isJsonObject(attributes) ? attributes : {};
}

/** Returns the name of an attribute without its type. Batch has one attribute for `x`, `date(x)` and `url(x)`. */
export function bareName(name: string): string {
  return TYPED_NAME.exec(name)?.[1] ?? name;
}

/**
 * Checks whether a value is an edit of an array, such as `{"$add":["x"]}`. No other value of a profile's attribute is an object.
 */
export function isArrayEdit(value: string): boolean {
  return value.startsWith('{');
}
