import { LosslessNumber } from 'lossless-json';
import { CLOSING_BRACE, CLOSING_BRACKET, DELETE, OPENING_BRACE, OPENING_BRACKET, SPACE } from '../../shared/ascii.ts';
import { isJsonObject, parseExact } from '../../shared/exact-json.ts';
import type { Limits } from '../batch/limits.ts';
import type { AttributeCode } from '../codes.ts';
import type { Policies } from '../config/policies.ts';
import type { AttributeKind, AttributeName, AttributeNames } from './attribute-name.ts';
import { isPlainAscii } from './fast-path/plain-ascii.ts';
import { BLANK, type Fault, type Remarks } from './issues.ts';
import { lengthInWords } from './text-length.ts';
import { utcTimestampOfDateTime, utcTimestampOrDay } from './timestamp.ts';

/** What becomes of a value: the JSON that is sent; nothing (NULL, an empty list); or it breaks a rule. */
export type Written = string | undefined | Fault;

/**
 * What the value of a column is to be. A `text` is one that is not looked into for JSON. A `date_time` is a date whose string
 * the catalog calls a time, and a `number` is a plain value whose string is one if it has the form of a number.
 */
export type ValueKind = AttributeKind | 'date_time' | 'number' | 'text' | 'label' | 'tags';

/** How a place inside a value is called: a key of an object, or a number in a list. */
type Place = string | number | undefined;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** An integer of fewer digits is one of 64 bits for certain. */
const DIGITS_OF_INT64 = 19;

/** `scheme://authority…`, the shape that Batch's SDKs ask of a URL. */
const URL_SHAPE = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+\S*$/i;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A key of an object that does not look like a name may be data, as the keys of a map are. Its text is not shown. */
const KEY_LIKE_A_NAME = /^(?:(?:date|url)\()?[$a-z_][\w$.()-]{0,34}$/i;

const LINE_END = /[\r\n]/;

const MALFORMED = fault('text_malformed', 'is no valid Unicode (half of a surrogate pair)');
const TOO_LARGE = fault('number_out_of_range', 'is larger than a double holds');
const BEYOND_64_BITS = fault(
  'number_out_of_range',
  'is an integer beyond 64 bits. To send its digits, make it a text in a view, such as toString(c)',
);
const NO_DATE = fault('date_invalid', 'is no RFC 3339 date with a zone, such as 2026-04-17T04:25:00Z');
const NO_URL = fault('url_invalid', 'is no URL with scheme and host, such as https://example.com/a');
const SEVERAL_LINES = fault('text_multiline', 'is a text of several lines, and Batch takes one line here');
const NO_LABEL = fault('type_unsupported', 'is no text, which a label has to be');
const NO_TAGS = fault(
  'type_unsupported',
  'is neither an array of texts nor the JSON text of one, which tags have to be',
);
const NAME_TAKEN = fault(
  'name_taken',
  'has the same attribute name as another one of its event or object (x, date__x and url__x are one name)',
);

const LISTS = 'Batch takes arrays of texts alone or of objects alone';
const LIST_OF_SCALARS = fault(
  'array_of_unsupported_items',
  `is an array of numbers or booleans, and ${LISTS}. Make its items texts in a view, such as arrayMap(x -> toString(x), c)`,
);
const LIST_WITH_NULL = fault(
  'array_of_unsupported_items',
  `is an array with a NULL in it, and ${LISTS}. Take the NULLs out in a view, such as arrayFilter(x -> isNotNull(x), c)`,
);
const LIST_OF_LISTS = fault(
  'array_of_unsupported_items',
  `is an array of arrays, and ${LISTS}. Make one array of it in a view, such as arrayFlatten(c), or a text, such as toJSONString(c)`,
);
const LIST_OF_ALL_SORTS = fault(
  'array_of_unsupported_items',
  `is an array of items of several types, and ${LISTS}. Make its items texts in a view, such as arrayMap(x -> toString(x), c)`,
);

/**
 * Writes values as the JSON in which Batch takes them. It writes text at once rather than a value that would have to be
 * gone through again; so a number keeps its digits, too.
 */
export class AttributeWriter {
  readonly #limits: Limits;
  readonly #isTruncating: boolean;
  readonly #names: AttributeNames;
  readonly #remarks: Remarks;
  readonly #tooDeep: Fault;
  readonly #tooMany: Fault;
  #objects = 0;

  constructor(limits: Limits, { long_text }: Pick<Policies, 'long_text'>, names: AttributeNames, remarks: Remarks) {
    this.#limits = limits;
    this.#isTruncating = long_text === 'truncate';
    this.#names = names;
    this.#remarks = remarks;
    this.#tooDeep = fault('object_too_deep', `lies more than ${limits.object_depth} levels deep`);
    this.#tooMany = fault(
      'too_many_attributes',
      `is one more than the ${limits.attributes_per_object} attributes that Batch takes`,
    );
  }

  /** A number for an object that is about to be written, by which its names are claimed. */
  nextObject(): number {
    this.#objects += 1;
    return this.#objects;
  }

  /** Writes the value of a column. What is left out inside of it is said to the remarks, under `path`. */
  write(value: unknown, kind: ValueKind, path: string): Written {
    return this.#write(value, kind, path, undefined, 0);
  }

  /**
   * Whether an attribute is sent: its JSON, unless there is a fault, which is said to the remarks.
   *
   * @param size how many attributes the object has already, as far as they count; undefined for one that does not.
   */
  admit(
    written: Written,
    name: AttributeName,
    object: number,
    level: number,
    size: number | undefined,
    path: string,
    place: Place,
  ): string | undefined {
    if (written === undefined) return undefined;
    const wrong = this.#faultOf(written, name, object, level, size);
    if (wrong !== undefined) {
      this.#remarks.addLeftOut(placeIn(path, place), wrong);
      return undefined;
    }
    if (name.lowerCased !== undefined) this.#remarks.addLowerCased(placeIn(path, place), name);
    return typeof written === 'string' ? written : undefined;
  }

  #faultOf(
    written: string | Fault,
    name: AttributeName,
    object: number,
    level: number,
    size: number | undefined,
  ): Fault | undefined {
    if (name.fault !== undefined) return name.fault;
    if (typeof written !== 'string') return written;
    if (!name.claims.claim(object, level)) return NAME_TAKEN;
    return size !== undefined && size >= this.#limits.attributes_per_object ? this.#tooMany : undefined;
  }

  #write(value: unknown, kind: ValueKind, path: string, place: Place, depth: number): Written {
    if (value === null || value === undefined) return undefined;
    switch (kind) {
      case 'plain':
        // Inside of an object a text is a text: only a column has no other way to hold a list or an object.
        if (typeof value === 'string' && depth === 0) return this.#textOrStructure(value, path, place);
        return this.#value(value, path, place, depth);
      case 'text':
        return this.#value(value, path, place, depth);
      case 'number':
        if (typeof value === 'string' && JSON_NUMBER.test(value)) return exactNumber(value);
        return this.#write(value, 'plain', path, place, depth);
      case 'date':
        return this.#date(value, utcTimestampOrDay);
      case 'date_time':
        return this.#date(value, dateTimeOrDay);
      case 'url':
        return this.#url(value);
      case 'label':
        return typeof value === 'string' ? this.#line(value, this.#limits.label_characters, path, place) : NO_LABEL;
      case 'tags':
        return this.#tags(value, path);
    }
  }

  #value(value: unknown, path: string, place: Place, depth: number): Written {
    switch (typeof value) {
      case 'string':
        return this.#text(value, path, place);
      case 'number':
        return Number.isFinite(value) ? String(value) : TOO_LARGE;
      case 'boolean':
        return value ? 'true' : 'false';
    }
    if (value === null || value === undefined) return undefined;
    if (value instanceof LosslessNumber) return exactNumber(value.value);
    if (Array.isArray(value) || isJsonObject(value)) return this.#structure(value, path, place, depth);
    return fault('type_unsupported', `is of a type that Batch does not take (${typeof value})`);
  }

  #textOrStructure(text: string, path: string, place: Place): Written {
    const structure = parseStructure(text);
    return structure === undefined ? this.#text(text, path, place) : this.#structure(structure, path, place, 0);
  }

  #structure(value: unknown[] | Record<string, unknown>, path: string, place: Place, depth: number): Written {
    if (Array.isArray(value)) return this.#list(value, placeIn(path, place), depth);
    const written = this.#object(value, placeIn(path, place), depth + 1);
    return written === EMPTY_OBJECT ? undefined : written;
  }

  #text(value: string, path: string, place: Place): Written {
    if (isBlank(value)) return BLANK;
    const most = this.#limits.string_characters;
    if (value.length <= most && isPlainAscii(value)) return `"${value}"`;
    if (!value.isWellFormed()) return MALFORMED;
    return value.length > most ? this.#longText(value, most, path, place) : JSON.stringify(value);
  }

  #longText(value: string, most: number, path: string, place: Place): Written {
    const tooLong = `has ${lengthInWords(value)}, and Batch takes ${most}`;
    if (!this.#isTruncating) return fault('text_too_long', tooLong);
    // The text is well-formed, so what a cut leaves alone is the first half of a pair.
    const cut = value.slice(0, most);
    const whole = cut.isWellFormed() ? cut : cut.slice(0, -1);
    if (isBlank(whole)) return fault('text_too_long', `${tooLong}. What is left of it after a cut is blank`);
    this.#remarks.addChange(placeIn(path, place), 'text_truncated', `${tooLong}: the rest is cut off`);
    return JSON.stringify(whole);
  }

  /** A text that has to stay on one line. */
  #line(value: string, most: number, path: string, place: Place): Written {
    if (isBlank(value)) return BLANK;
    if (LINE_END.test(value)) return SEVERAL_LINES;
    if (!value.isWellFormed()) return MALFORMED;
    return value.length > most ? this.#longText(value, most, path, place) : JSON.stringify(value);
  }

  #tags(value: unknown, path: string): Written {
    if (typeof value === 'string' && isBlank(value)) return BLANK;
    const tags = typeof value === 'string' ? parseStructure(value) : value;
    if (!Array.isArray(tags)) return NO_TAGS;
    const most = this.#limits.tags_per_event;
    if (tags.length > most) return fault('array_too_long', `has ${tags.length} tags, and Batch takes ${most}`);
    if (!tags.every((tag) => typeof tag === 'string')) return NO_TAGS;
    let json = '';
    for (const [index, tag] of tags.entries()) {
      const written = this.#line(tag, this.#limits.tag_characters, path, index);
      if (typeof written !== 'string') return ofItem(written);
      json += json === '' ? `[${written}` : `,${written}`;
    }
    return json === '' ? undefined : `${json}]`;
  }

  #date(value: unknown, read: (text: string) => string | undefined): Written {
    if (typeof value !== 'string') return NO_DATE;
    const stamp = read(value);
    if (stamp !== undefined) return `"${stamp}"`;
    return isBlank(value) ? BLANK : NO_DATE;
  }

  #url(value: unknown): Written {
    if (typeof value !== 'string') return NO_URL;
    if (!URL_SHAPE.test(value)) return isBlank(value) ? BLANK : NO_URL;
    if (!value.isWellFormed()) return MALFORMED;
    const most = this.#limits.url_characters;
    if (value.length > most)
      return fault('url_too_long', `has ${lengthInWords(value)}, and Batch takes ${most} in a URL`);
    return JSON.stringify(value);
  }

  #list(values: unknown[], path: string, depth: number): Written {
    if (values.length === 0) return undefined;
    // The SDKs count the names on the way to a value; the list has the last of them.
    if (depth >= this.#limits.object_depth) return this.#tooDeep;
    const most = this.#limits.array_items;
    if (values.length > most) return fault('array_too_long', `has ${values.length} items, and Batch takes ${most}`);
    if (typeof values[0] === 'string') return this.#listOfTexts(values, path);
    return this.#listOfObjects(values, path, depth);
  }

  #listOfTexts(values: unknown[], path: string): Written {
    let json = '[';
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (typeof value !== 'string') return unlikeItems(values);
      const written = this.#text(value, path, index);
      if (typeof written !== 'string') return unlikeItemsOr(values, ofItem(written));
      json += index === 0 ? written : `,${written}`;
    }
    return `${json}]`;
  }

  #listOfObjects(values: unknown[], path: string, depth: number): Written {
    if (!values.every(isJsonObject)) return unlikeItems(values);
    let json = '[';
    let isEmpty = true;
    for (const [index, value] of values.entries()) {
      // One of which nothing is sent stays as an empty object: without it the others would move to other places.
      const written = this.#object(value, placeIn(path, index), depth + 1);
      if (typeof written !== 'string') return ofItem(written);
      if (written !== EMPTY_OBJECT) isEmpty = false;
      json += index === 0 ? written : `,${written}`;
    }
    return isEmpty ? undefined : `${json}]`;
  }

  #object(value: Record<string, unknown>, path: string, depth: number): string | Fault {
    if (depth > this.#limits.object_depth) return this.#tooDeep;
    const object = this.nextObject();
    let json = '{';
    let size = 0;
    for (const key of Object.keys(value)) {
      const nested = value[key];
      if (nested === null) continue;
      const name = this.#names.inObject(key);
      const written = this.#write(nested, name.kind, path, key, depth);
      const admitted = this.admit(written, name, object, depth, size, path, key);
      if (admitted === undefined) continue;
      json += size === 0 ? name.jsonKey : `,${name.jsonKey}`;
      json += admitted;
      size += 1;
    }
    return `${json}}`;
  }
}

const EMPTY_OBJECT = '{}';

function fault(code: AttributeCode, reason: string): Fault {
  return { code, reason };
}

/** An item that is left out would move the others to other places, so its list is left out. */
function ofItem(item: Fault | undefined): Fault | undefined {
  return item === undefined ? undefined : fault(item.code, `holds an item that ${item.reason}`);
}

/** Of a list whose items are not alike that is told, whatever else is wrong with one of them. */
function unlikeItemsOr(values: unknown[], otherwise: Fault | undefined): Fault | undefined {
  return values.every((value) => typeof value === 'string') ? otherwise : unlikeItems(values);
}

function unlikeItems(values: unknown[]): Fault {
  if (values.some(Array.isArray)) return LIST_OF_LISTS;
  if (values.some((value) => value === null)) return LIST_WITH_NULL;
  return values.every((value) => typeof value !== 'string' && !isJsonObject(value))
    ? LIST_OF_SCALARS
    : LIST_OF_ALL_SORTS;
}

function placeIn(path: string, place: Place): string {
  if (place === undefined) return path;
  if (typeof place === 'number') return `${path}[${place}]`;
  return `${path}.${KEY_LIKE_A_NAME.test(place) ? place : `(key of ${place.length} characters)`}`;
}

/** Whether there is nothing in a text but white space. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return !(first > SPACE && first < DELETE) && text.trim() === '';
}

function dateTimeOrDay(text: string): string | undefined {
  return utcTimestampOfDateTime(text) ?? utcTimestampOrDay(text);
}

function exactNumber(digits: string): string | Fault {
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
