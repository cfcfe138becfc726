import { LosslessNumber } from 'lossless-json';
import { CLOSING_BRACE, CLOSING_BRACKET, DELETE, OPENING_BRACE, OPENING_BRACKET, SPACE } from '../../shared/ascii.ts';
import { isJsonObject, parseExact } from '../../shared/exact-json.ts';
import type { Limits } from '../batch/limits.ts';
import type { AttributeError } from '../codes.ts';
import type { Policies } from '../config/policies.ts';
import {
  attributeError,
  BEYOND_64_BITS,
  BLANK,
  describeItemError,
  explainMixedArray,
  MALFORMED,
  NAME_TAKEN,
  NO_DATE,
  NO_LABEL,
  NO_TAGS,
  NO_URL,
  preferMixedArrayError,
  SEVERAL_LINES,
  TOO_LARGE,
} from './attribute-errors.ts';
import type { AttributeKind, AttributeName, AttributeNames } from './attribute-name.ts';
import type { RowIssues } from './issues.ts';
import { describeLength, hasLineEnd, isBlank, isPlainAscii } from './text.ts';
import { normalizeDateTime, normalizeTimestampOrDay } from './timestamp.ts';

/** What becomes of a value: the JSON that is sent; nothing (NULL, an empty list); or it breaks a rule. */
export type Converted = string | undefined | AttributeError;

/**
 * What the value of a column is to be. A `text` is one that is not looked into for JSON. A `date_time` is a date whose string
 * the catalog calls a time, and a `number` is a plain value whose string is one if it has the form of a number.
 */
export type ValueKind = AttributeKind | 'date_time' | 'number' | 'text' | 'label' | 'tags';

/** How a place inside a value is called: a key of an object, or a number in a list. */
type PathSegment = string | number | undefined;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** An integer of fewer digits is one of 64 bits for certain. */
const DIGITS_OF_INT64 = 19;

/** `scheme://authority…`, the shape that Batch's SDKs ask of a URL. */
const URL_SHAPE = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+\S*$/i;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A key of an object that does not look like a name may be data, as the keys of a map are. Its text is not shown. */
const KEY_LIKE_A_NAME = /^(?:(?:date|url)\()?[$a-z_][\w$.()-]{0,34}$/i;

/**
 * Writes values as the JSON in which Batch takes them. It writes text at once rather than a value that would have to be
 * gone through again; so a number keeps its digits, too.
 */
export class AttributeWriter {
  readonly #limits: Limits;
  readonly #isTruncating: boolean;
  readonly #names: AttributeNames;
  readonly #issues: RowIssues;
  readonly #tooDeep: AttributeError;
  readonly #tooMany: AttributeError;
  #objects = 0;

  constructor(limits: Limits, { long_text }: Pick<Policies, 'long_text'>, names: AttributeNames, issues: RowIssues) {
    this.#limits = limits;
    this.#isTruncating = long_text === 'truncate';
    this.#names = names;
    this.#issues = issues;
    this.#tooDeep = attributeError('object_too_deep', `lies more than ${limits.object_depth} levels deep`);
    this.#tooMany = attributeError(
      'too_many_attributes',
      `is one more than the ${limits.attributes_per_object} attributes that Batch takes`,
    );
  }

  /** A number for an object that is about to be written, by which its names are claimed. */
  startObject(): number {
    this.#objects += 1;
    return this.#objects;
  }

  /** Writes the value of a column. What is left out inside of it is said to the issues, under `path`. */
  convert(value: unknown, kind: ValueKind, path: string): Converted {
    return this.#convert(value, kind, path, undefined, 0);
  }

  /**
   * Whether an attribute is sent: its JSON, unless there is a fault, which is said to the issues.
   *
   * @param size how many attributes the object has already, as far as they count; undefined for one that does not.
   */
  addAttribute(
    converted: Converted,
    name: AttributeName,
    object: number,
    level: number,
    size: number | undefined,
    path: string,
    segment: PathSegment,
  ): string | undefined {
    if (converted === undefined) return undefined;
    const error = this.#findError(converted, name, object, level, size);
    if (error !== undefined) {
      this.#issues.addLeftOut(joinPath(path, segment), error);
      return undefined;
    }
    if (name.lowerCased !== undefined) this.#issues.addLowerCased(joinPath(path, segment), name);
    return typeof converted === 'string' ? converted : undefined;
  }

  #findError(
    converted: string | AttributeError,
    name: AttributeName,
    object: number,
    level: number,
    size: number | undefined,
  ): AttributeError | undefined {
    if (name.error !== undefined) return name.error;
    if (typeof converted !== 'string') return converted;
    if (!name.uses.add(object, level)) return NAME_TAKEN;
    return size !== undefined && size >= this.#limits.attributes_per_object ? this.#tooMany : undefined;
  }

  #convert(value: unknown, kind: ValueKind, path: string, segment: PathSegment, depth: number): Converted {
    if (value === null || value === undefined) return undefined;
    switch (kind) {
      case 'plain':
        // Inside of an object a text is a text: only a column has no other way to hold a list or an object.
        if (typeof value === 'string' && depth === 0) return this.#convertStringOrStructure(value, path, segment);
        return this.#convertValue(value, path, segment, depth);
      case 'text':
        return this.#convertValue(value, path, segment, depth);
      case 'number':
        if (typeof value === 'string' && JSON_NUMBER.test(value)) return convertNumber(value);
        return this.#convert(value, 'plain', path, segment, depth);
      case 'date':
        return this.#convertDate(value, normalizeTimestampOrDay);
      case 'date_time':
        return this.#convertDate(value, normalizeDateTimeOrDay);
      case 'url':
        return this.#convertUrl(value);
      case 'label':
        return typeof value === 'string'
          ? this.#convertLine(value, this.#limits.label_characters, path, segment)
          : NO_LABEL;
      case 'tags':
        return this.#convertTags(value, path);
    }
  }

  #convertValue(value: unknown, path: string, segment: PathSegment, depth: number): Converted {
    switch (typeof value) {
      case 'string':
        return this.#convertString(value, path, segment);
      case 'number':
        return Number.isFinite(value) ? String(value) : TOO_LARGE;
      case 'boolean':
        return value ? 'true' : 'false';
    }
    if (value === null || value === undefined) return undefined;
    if (value instanceof LosslessNumber) return convertNumber(value.value);
    if (Array.isArray(value) || isJsonObject(value)) return this.#convertStructure(value, path, segment, depth);
    return attributeError('type_unsupported', `is of a type that Batch does not take (${typeof value})`);
  }

  #convertStringOrStructure(text: string, path: string, segment: PathSegment): Converted {
    const structure = parseStructure(text);
    return structure === undefined
      ? this.#convertString(text, path, segment)
      : this.#convertStructure(structure, path, segment, 0);
  }

  #convertStructure(
    value: unknown[] | Record<string, unknown>,
    path: string,
    segment: PathSegment,
    depth: number,
  ): Converted {
    if (Array.isArray(value)) return this.#convertArray(value, joinPath(path, segment), depth);
    const converted = this.#convertObject(value, joinPath(path, segment), depth + 1);
    return converted === EMPTY_OBJECT ? undefined : converted;
  }

  #convertString(value: string, path: string, segment: PathSegment): Converted {
    if (isBlank(value)) return BLANK;
    const max = this.#limits.string_characters;
    if (value.length <= max && isPlainAscii(value)) return `"${value}"`;
    if (!value.isWellFormed()) return MALFORMED;
    return value.length > max ? this.#truncate(value, max, path, segment) : JSON.stringify(value);
  }

  #truncate(value: string, max: number, path: string, segment: PathSegment): Converted {
    const tooLong = `has ${describeLength(value)}, and Batch takes ${max}`;
    if (!this.#isTruncating) return attributeError('text_too_long', tooLong);
    // The text is well-formed, so what a cut leaves alone is the first half of a pair.
    const cut = value.slice(0, max);
    const whole = cut.isWellFormed() ? cut : cut.slice(0, -1);
    if (isBlank(whole)) return attributeError('text_too_long', `${tooLong}. What is left of it after a cut is blank`);
    this.#issues.addChange(joinPath(path, segment), 'text_truncated', `${tooLong}: the rest is cut off`);
    return JSON.stringify(whole);
  }

  /** A text that has to stay on one line. */
  #convertLine(value: string, max: number, path: string, segment: PathSegment): Converted {
    if (isBlank(value)) return BLANK;
    if (hasLineEnd(value)) return SEVERAL_LINES;
    if (!value.isWellFormed()) return MALFORMED;
    return value.length > max ? this.#truncate(value, max, path, segment) : JSON.stringify(value);
  }

  #convertTags(value: unknown, path: string): Converted {
    if (typeof value === 'string' && isBlank(value)) return BLANK;
    const tags = typeof value === 'string' ? parseStructure(value) : value;
    if (!Array.isArray(tags)) return NO_TAGS;
    const max = this.#limits.tags_per_event;
    if (tags.length > max) return attributeError('array_too_long', `has ${tags.length} tags, and Batch takes ${max}`);
    if (!tags.every((tag) => typeof tag === 'string')) return NO_TAGS;
    let json = '';
    for (const [index, tag] of tags.entries()) {
      const converted = this.#convertLine(tag, this.#limits.tag_characters, path, index);
      if (typeof converted !== 'string') return describeItemError(converted);
      json += json === '' ? `[${converted}` : `,${converted}`;
    }
    return json === '' ? undefined : `${json}]`;
  }

  #convertDate(value: unknown, read: (text: string) => string | undefined): Converted {
    if (typeof value !== 'string') return NO_DATE;
    const stamp = read(value);
    if (stamp !== undefined) return `"${stamp}"`;
    return isBlank(value) ? BLANK : NO_DATE;
  }

  #convertUrl(value: unknown): Converted {
    if (typeof value !== 'string') return NO_URL;
    if (!URL_SHAPE.test(value)) return isBlank(value) ? BLANK : NO_URL;
    if (!value.isWellFormed()) return MALFORMED;
    const max = this.#limits.url_characters;
    if (value.length > max)
      return attributeError('url_too_long', `has ${describeLength(value)}, and Batch takes ${max} in a URL`);
    return JSON.stringify(value);
  }

  #convertArray(values: unknown[], path: string, depth: number): Converted {
    if (values.length === 0) return undefined;
    // The SDKs count the names on the way to a value; the list has the last of them.
    if (depth >= this.#limits.object_depth) return this.#tooDeep;
    const max = this.#limits.array_items;
    if (values.length > max)
      return attributeError('array_too_long', `has ${values.length} items, and Batch takes ${max}`);
    if (typeof values[0] === 'string') return this.#convertStrings(values, path);
    return this.#convertObjects(values, path, depth);
  }

  #convertStrings(values: unknown[], path: string): Converted {
    let json = '[';
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (typeof value !== 'string') return explainMixedArray(values);
      const converted = this.#convertString(value, path, index);
      if (typeof converted !== 'string') return preferMixedArrayError(values, describeItemError(converted));
      json += index === 0 ? converted : `,${converted}`;
    }
    return `${json}]`;
  }

  #convertObjects(values: unknown[], path: string, depth: number): Converted {
    if (!values.every(isJsonObject)) return explainMixedArray(values);
    let json = '[';
    let isEmpty = true;
    for (const [index, value] of values.entries()) {
      // One of which nothing is sent stays as an empty object: without it the others would move to other places.
      const converted = this.#convertObject(value, joinPath(path, index), depth + 1);
      if (typeof converted !== 'string') return describeItemError(converted);
      if (converted !== EMPTY_OBJECT) isEmpty = false;
      json += index === 0 ? converted : `,${converted}`;
    }
    return isEmpty ? undefined : `${json}]`;
  }

  #convertObject(value: Record<string, unknown>, path: string, depth: number): string | AttributeError {
    if (depth > this.#limits.object_depth) return this.#tooDeep;
    const object = this.startObject();
    let json = '{';
    let size = 0;
    for (const key of Object.keys(value)) {
      const nested = value[key];
      if (nested === null) continue;
      const name = this.#names.parseKey(key);
      const converted = this.#convert(nested, name.kind, path, key, depth);
      const added = this.addAttribute(converted, name, object, depth, size, path, key);
      if (added === undefined) continue;
      json += size === 0 ? name.jsonKey : `,${name.jsonKey}`;
      json += added;
      size += 1;
    }
    return `${json}}`;
  }
}

const EMPTY_OBJECT = '{}';

function joinPath(path: string, segment: PathSegment): string {
  if (segment === undefined) return path;
  if (typeof segment === 'number') return `${path}[${segment}]`;
  return `${path}.${KEY_LIKE_A_NAME.test(segment) ? segment : `(key of ${segment.length} characters)`}`;
}

function normalizeDateTimeOrDay(text: string): string | undefined {
  return normalizeDateTime(text) ?? normalizeTimestampOrDay(text);
}

function convertNumber(digits: string): string | AttributeError {
  if (/^-?\d+$/.test(digits)) {
    if (digits.length >= DIGITS_OF_INT64) {
      const integer = BigInt(digits);
      if (integer > MAX_INT64 || integer < MIN_INT64) return BEYOND_64_BITS;
    }
    return digits;
  }
  return Number.isFinite(Number(digits)) ? digits : TOO_LARGE;
}

/** The array or object that a text holds, if the whole of it is the JSON of one; else it is a text like any other. */
function parseStructure(text: string): unknown[] | Record<string, unknown> | undefined {
  const code = text.charCodeAt(0);
  // Most texts begin with what is neither a bracket nor white space.
  if (code > SPACE && code < DELETE && code !== OPENING_BRACKET && code !== OPENING_BRACE) return undefined;
  const trimmed = text.trim();
  const first = trimmed.charCodeAt(0);
  const last = trimmed.charCodeAt(trimmed.length - 1);
  const isCandidate =
    (first === OPENING_BRACKET && last === CLOSING_BRACKET) || (first === OPENING_BRACE && last === CLOSING_BRACE);
  if (!isCandidate) return undefined;
  try {
    const value = parseExact(trimmed);
    return Array.isArray(value) || isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
