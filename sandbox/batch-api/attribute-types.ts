import { isLosslessNumber } from 'lossless-json';
import { isJsonArray, isJsonObject, type Json } from './json.ts';
import type { KeyType, Problem } from './values.ts';

type AttributeType =
  | 'a boolean'
  | 'a date'
  | 'a float'
  | 'a string'
  | 'a URL'
  | 'an array of objects'
  | 'an array of strings'
  | 'an integer'
  | 'an object';

/**
 * The type that each attribute had first. Batch doesn't convert types [documented: source SDKDOC in docs/batch-api.md], and
 * has integers and floats as two types [sdk: sources WEBSDK, ANDSDK]; what it does when a type changes is unknown.
 */
export class AttributeTypes {
  readonly #first = new Map<string, AttributeType>();

  /**
   * Records the type of an attribute that has none yet. Returns a problem if it had another type before.
   *
   * @param owner the profile, or an event with its name: each has its own attributes.
   */
  check(owner: string, path: string, type: KeyType, value: Json): Problem {
    const place = `${owner} ${toName(path)}`;
    const now = toAttributeType(type, value);
    const before = this.#first.get(place);
    if (before === undefined) this.#first.set(place, now);
    return before === undefined || before === now ? undefined : `${now}, and it was ${before} before`;
  }

  clear(): void {
    this.#first.clear();
  }
}

/** The name without its type, and the same for all items of an array: `items[2].url(photo)` is `items[].photo`. */
function toName(path: string): string {
  return path.replaceAll(/\[\d+\]/g, '[]').replaceAll(/\b(?:date|url)\((\w+)\)/g, '$1');
}

function toAttributeType(type: KeyType, value: Json): AttributeType {
  if (type !== 'plain') return type === 'date' ? 'a date' : 'a URL';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'boolean') return 'a boolean';
  if (isJsonArray(value)) return value.some(isJsonObject) ? 'an array of objects' : 'an array of strings';
  // An edit of an array by $add and $remove; no other key has a $ at this place.
  if (isJsonObject(value)) return '$add' in value || '$remove' in value ? 'an array of strings' : 'an object';
  // A number with a point or an exponent is a LosslessNumber if it is a whole number.
  const isInteger = isLosslessNumber(value) ? /^-?\d+$/.test(value.value) : Number.isInteger(value);
  return isInteger ? 'an integer' : 'a float';
}
