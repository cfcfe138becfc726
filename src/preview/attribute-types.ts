import { isLosslessNumber, parse } from 'lossless-json';
import { bareName, isArrayEdit, readAttributeRow } from '../destination-batch/attribute-rows.ts';
import { isJsonObject } from '../shared/exact-json.ts';

/** The types that Batch distinguishes (docs/batch-api.md, section 2.4). */
type BatchType =
  | 'string'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'date'
  | 'URL'
  | 'object'
  | 'list of strings'
  | 'list of objects';

/** An attribute that is sent with several types. `path` has the form `items[].price`. */
export type TypeChange = { path: string; types: ReadonlyMap<BatchType, number> };

const TYPED_NAME = /^(date|url)\(/;

/** Represents the array that `{"$add": […]}` edits: a list of strings. */
const EDITED = [''];

/**
 * Counts the types with which each attribute is sent. Every value is counted, so an attribute of the objects in a list may be
 * counted several times for one row.
 */
export class AttributeTypes {
  /** The counts by top-level attribute, then by path, then by type. */
  readonly #counts = new Map<string, Map<string, Map<BatchType, number>>>();

  /** Adds the attributes of an event, which is given in JSON. */
  addEvent(json: string): void {
    const event = parse(json);
    if (isJsonObject(event)) this.#add(event.attributes);
  }

  /** Adds the attributes of a profile, in the form that `writeAttributeRow` writes. */
  addAttributeRow(text: string): void {
    const attributes = readAttributeRow(text).map(({ name, value }) => [
      name,
      isArrayEdit(value) ? EDITED : parse(value),
    ]);
    this.#add(Object.fromEntries(attributes));
  }

  /** Returns the type changes of a top-level attribute, and of the attributes inside it. */
  changesOf(name: string): TypeChange[] {
    const paths = this.#counts.get(bareName(name)) ?? new Map<string, Map<BatchType, number>>();
    return [...paths].flatMap(([path, types]) => (types.size > 1 ? [{ path, types }] : []));
  }

  #add(attributes: unknown): void {
    if (!isJsonObject(attributes)) return;
    for (const [name, value] of Object.entries(attributes)) {
      const root = bareName(name);
      const paths = this.#counts.get(root) ?? new Map<string, Map<BatchType, number>>();
      this.#counts.set(root, paths);
      count(paths, '', name, value);
    }
  }
}

function count(paths: Map<string, Map<BatchType, number>>, parent: string, name: string, value: unknown): void {
  // NULL deletes an attribute of a profile, whatever its type.
  if (value === null) return;
  const path = `${parent}${bareName(name)}`;
  const type = detectType(name, value);
  const types = paths.get(path) ?? new Map<BatchType, number>();
  paths.set(path, types.set(type, (types.get(type) ?? 0) + 1));
  const [objects, place] = Array.isArray(value) ? [value, `${path}[].`] : [[value], `${path}.`];
  for (const object of objects) {
    if (!isJsonObject(object)) continue;
    for (const [key, nested] of Object.entries(object)) count(paths, place, key, nested);
  }
}

function detectType(name: string, value: unknown): BatchType {
  const [, prefix] = TYPED_NAME.exec(name) ?? [];
  if (prefix !== undefined) return prefix === 'date' ? 'date' : 'URL';
  if (isLosslessNumber(value)) return /^-?\d+$/.test(value.value) ? 'integer' : 'float';
  if (Array.isArray(value)) return typeof value[0] === 'string' ? 'list of strings' : 'list of objects';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'string' ? 'string' : 'object';
}
