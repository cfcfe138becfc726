import { LosslessNumber } from 'lossless-json';
import { isJsonObject, parseExact } from '../protocol/exact-json.ts';
import { ATTRIBUTE_NAME, type Limits } from './limits.ts';
import type { AttributeCode } from './reason.ts';
import { utcTimestampOrDay } from './timestamp.ts';

/** A value in the form in which Batch takes it. */
export type AttributeValue =
  | string
  | number
  | boolean
  | LosslessNumber
  | AttributeValue[]
  | { [name: string]: AttributeValue };

/** What becomes of a value: it is sent, or it is nothing (NULL, an empty list), or it breaks a rule. */
export type Converted =
  | { kind: 'value'; value: AttributeValue }
  | { kind: 'nothing' }
  | { kind: 'left_out'; code: AttributeCode; reason: string };

export type AttributeKind = 'plain' | 'date' | 'url';

/** Told of each nested attribute that is left out of an object that is sent without it. */
export type OnNestedLeftOut = (path: string, code: AttributeCode, reason: string) => void;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** `scheme://authority…`, the shape that Batch's SDKs ask of a URL. */
const URL_SHAPE = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+\S*$/i;

/** `date(x)` and `url(x)`: how typed attributes are called inside objects, as in Batch's own samples. */
const TYPED_NAME = /^(date|url)\((.+)\)$/;

const NOTHING: Converted = { kind: 'nothing' };
const MALFORMED = leftOut('text_malformed', 'is no valid Unicode (half of a surrogate pair)');

export class AttributeConverter {
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Converts the value of a column, or of a nested attribute. `path` names it in messages. */
  convert(value: unknown, kind: AttributeKind, path: string, onLeftOut: OnNestedLeftOut): Converted {
    if (value === null || value === undefined) return NOTHING;
    if (kind === 'date') return this.#date(value);
    if (kind === 'url') return this.#url(value);
    if (typeof value === 'string') {
      const structured = parseStructure(value);
      if (structured !== undefined) return this.#value(structured, path, 0, onLeftOut);
    }
    return this.#value(value, path, 0, onLeftOut);
  }

  #value(value: unknown, path: string, depth: number, onLeftOut: OnNestedLeftOut): Converted {
    if (value === null || value === undefined) return NOTHING;
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'boolean':
        return { kind: 'value', value };
      case 'number':
        return number(value);
    }
    if (value instanceof LosslessNumber) return exactNumber(value);
    if (Array.isArray(value)) return this.#array(value, path, depth, onLeftOut);
    if (isJsonObject(value)) return this.#object(value, path, depth + 1, onLeftOut);
    return leftOut('type_unsupported', `is of a type that Batch does not take (${typeof value})`);
  }

  #text(value: string): Converted {
    if (value.trim() === '') return leftOut('text_blank', 'is a blank text');
    if (!value.isWellFormed()) return MALFORMED;
    const most = this.#limits.string_characters;
    if (value.length > most) return leftOut('text_too_long', `has ${value.length} characters, and Batch takes ${most}`);
    return { kind: 'value', value };
  }

  #date(value: unknown): Converted {
    const stamp = typeof value === 'string' ? utcTimestampOrDay(value) : undefined;
    if (stamp === undefined)
      return leftOut('date_invalid', 'is no RFC 3339 date with a zone, such as 2026-04-17T04:25:00Z');
    return { kind: 'value', value: stamp };
  }

  #url(value: unknown): Converted {
    if (typeof value !== 'string' || !URL_SHAPE.test(value))
      return leftOut('url_invalid', 'is no URL with scheme and host, such as https://example.com/a');
    if (!value.isWellFormed()) return MALFORMED;
    const most = this.#limits.url_characters;
    if (value.length > most)
      return leftOut('url_too_long', `has ${value.length} characters, and Batch takes ${most} in a URL`);
    return { kind: 'value', value };
  }

  #array(values: unknown[], path: string, depth: number, onLeftOut: OnNestedLeftOut): Converted {
    if (values.length === 0) return NOTHING;
    // The SDKs count the names on the way to a value; the list has the last of them.
    if (depth >= this.#limits.object_depth) return this.#tooDeep();
    const most = this.#limits.array_items;
    if (values.length > most) return leftOut('array_too_long', `has ${values.length} items, and Batch takes ${most}`);
    const alike = values.every((item) => typeof item === 'string') || values.every(isJsonObject);
    if (!alike)
      return leftOut('array_of_unsupported_items', 'is an array of something else than texts alone or objects alone');
    const items: AttributeValue[] = [];
    for (const [index, item] of values.entries()) {
      const converted = this.#value(item, `${path}[${index}]`, depth, onLeftOut);
      // An item that is left out would move the others to other places.
      if (converted.kind === 'left_out') return { ...converted, reason: `holds an item that ${converted.reason}` };
      if (converted.kind === 'value') items.push(converted.value);
    }
    return items.length === 0 ? NOTHING : { kind: 'value', value: items };
  }

  #object(value: Record<string, unknown>, path: string, depth: number, onLeftOut: OnNestedLeftOut): Converted {
    if (depth > this.#limits.object_depth) {
      return this.#tooDeep();
    }
    const attributes = new AttributeSet(this.#limits);
    for (const [name, nested] of Object.entries(value)) {
      const nestedPath = `${path}.${name}`;
      const [, kind, inner = name] = TYPED_NAME.exec(name) ?? [];
      const converted =
        kind === 'date'
          ? this.#nested(nested, () => this.#date(nested))
          : kind === 'url'
            ? this.#nested(nested, () => this.#url(nested))
            : this.#value(nested, nestedPath, depth, onLeftOut);
      const fault = attributes.add(name, inner, converted);
      if (fault !== undefined) onLeftOut(nestedPath, fault.code, fault.reason);
    }
    return attributes.isEmpty ? NOTHING : { kind: 'value', value: attributes.values };
  }

  #tooDeep(): Converted {
    return leftOut('object_too_deep', `lies more than ${this.#limits.object_depth} levels deep`);
  }

  #nested(value: unknown, convert: () => Converted): Converted {
    return value === null ? NOTHING : convert();
  }
}

/** The attributes of one object, each under the name it is sent by, within Batch's rules for names and number. */
export class AttributeSet {
  /** No prototype: a column may be called `__proto__`. */
  readonly values: { [name: string]: AttributeValue } = Object.create(null);
  readonly #limits: Limits;
  #size = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Adds an attribute; gives back why it was left out, if it was. `bareName` is the name without `date(…)`. */
  add(name: string, bareName: string, converted: Converted): { code: AttributeCode; reason: string } | undefined {
    if (converted.kind === 'nothing') return undefined;
    if (!ATTRIBUTE_NAME.test(bareName)) {
      return { code: 'name_invalid', reason: 'has a name that Batch does not take: 1 to 30 of a-z, 0-9 and _' };
    }
    if (converted.kind === 'left_out') return converted;
    if (name in this.values) return { code: 'name_taken', reason: 'has the same attribute name as another column' };
    if (this.#size >= this.#limits.attributes_per_object) {
      return {
        code: 'too_many_attributes',
        reason: `is one more than the ${this.#limits.attributes_per_object} attributes that Batch takes`,
      };
    }
    this.values[name] = converted.value;
    this.#size += 1;
    return undefined;
  }
}

function number(value: number): Converted {
  if (!Number.isFinite(value)) return leftOut('number_out_of_range', 'is larger than a double holds');
  return { kind: 'value', value };
}

function exactNumber(value: LosslessNumber): Converted {
  if (/^-?\d+$/.test(value.value)) {
    const integer = BigInt(value.value);
    if (integer > MAX_INT64 || integer < MIN_INT64)
      return leftOut('number_out_of_range', 'is an integer beyond 64 bits');
  } else if (!Number.isFinite(Number(value.value))) {
    return leftOut('number_out_of_range', 'is larger than a double holds');
  }
  return { kind: 'value', value };
}

/** The array or object that a text holds, if the whole of it is the JSON of one; else it is a text like any other. */
function parseStructure(text: string): unknown[] | Record<string, unknown> | undefined {
  const trimmed = text.trim();
  const isCandidate =
    (trimmed.startsWith('[') && trimmed.endsWith(']')) || (trimmed.startsWith('{') && trimmed.endsWith('}'));
  if (!isCandidate) return undefined;
  try {
    const value = parseExact(trimmed);
    return Array.isArray(value) || isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function leftOut(code: AttributeCode, reason: string): Converted {
  return { kind: 'left_out', code, reason };
}
