import { LosslessNumber } from 'lossless-json';
import { OPENING_BRACE, OPENING_BRACKET } from '../../shared/ascii.ts';
import { isJsonObject } from '../../shared/exact-json.ts';
import type { Limits } from '../batch/limits.ts';
import type { AttributeError } from '../codes.ts';
import type { Policies } from '../config/policies.ts';
import {
  attributeError,
  BLANK,
  describeItemError,
  explainMixedArray,
  MALFORMED,
  NAME_TAKEN,
  NO_LABEL,
  NO_TAGS,
  preferMixedArrayError,
  SEVERAL_LINES,
  TOO_LARGE,
} from './attribute-errors.ts';
import type { AttributeKind, AttributeName, AttributeNames } from './attribute-name.ts';
import { findMemberType, type MemberTypes } from './column-types.ts';
import { JsonCopier } from './fast-path/json-copier.ts';
import { TextConverter } from './fast-path/text-converter.ts';
import { describePath, extendPath, type Path, type PathSegment, type RowIssues } from './issues.ts';
import {
  convertDate,
  convertFloat,
  convertInteger,
  convertNumber,
  convertUrl,
  isJsonNumber,
  parseStructure,
  readDigits,
  writeNumber,
} from './json-value.ts';
import { describeLength, hasLineEnd, isBlank, isUnescapedAscii } from './text.ts';
import { normalizeDateTime, normalizeTimestampOrDay } from './timestamp.ts';

/** The JSON to send, undefined if there is nothing to send (such as NULL or an empty array), or the error in the value. */
export type Converted = string | undefined | AttributeError;

/**
 * How a value is converted. An `untyped` string that contains a JSON array or object is sent as that array or object. A
 * `text` is never parsed as JSON. A `date_time` is a date in a column that the catalog declares as a timestamp. A
 * `float` or `integer` is a value in a column that the catalog declares as a number or an integer. If it is a string
 * that contains a number, it is sent as a number.
 */
export type ValueKind = AttributeKind | 'date_time' | 'float' | 'integer' | 'text' | 'label' | 'tags';

/** The attribute that a column becomes. */
export type Attribute = {
  name: AttributeName;
  kind: ValueKind;
  /** The types of the numbers inside an object, or inside the objects of an array. */
  members: MemberTypes | undefined;
  /** False for the label and the tags, which don't count toward the maximum number of attributes. */
  isCounted: boolean;
};

/**
 * Converts values to the JSON that Batch accepts. It writes JSON directly instead of building values to serialize, so
 * numbers keep all their digits.
 */
export class AttributeWriter {
  readonly #limits: Limits;
  readonly #isTruncating: boolean;
  readonly #names: AttributeNames;
  readonly #issues: RowIssues;
  readonly #copier: JsonCopier;
  readonly #texts: TextConverter;
  readonly #tooDeep: AttributeError;
  readonly #tooMany: AttributeError;
  /** The id of the last object that was started. The event itself is also an object. */
  #objects = 0;
  /** The id of the current event. */
  #event = 0;
  /** The number of attributes of the current event that count toward the limit. */
  #eventSize = 0;

  constructor(limits: Limits, { long_text }: Pick<Policies, 'long_text'>, names: AttributeNames, issues: RowIssues) {
    this.#limits = limits;
    this.#isTruncating = long_text === 'truncate';
    this.#names = names;
    this.#issues = issues;
    this.#copier = this.createCopier();
    this.#texts = new TextConverter(this.#copier);
    this.#tooDeep = attributeError('object_too_deep', `is nested more than ${limits.object_depth} levels deep`);
    this.#tooMany = attributeError(
      'too_many_attributes',
      `is one too many: Batch accepts at most ${limits.attributes_per_object} attributes in an event or object`,
    );
  }

  /** Creates a copier that follows the same rules, and writes to the same events. */
  createCopier(): JsonCopier {
    return new JsonCopier({
      limits: this.#limits,
      names: this.#names,
      issues: this.#issues,
      startObject: () => this.startObject(),
    });
  }

  /** Forgets the names of attributes. Call this when `names` forgets them. */
  clear(): void {
    this.#copier.clear();
  }

  startEvent(): void {
    this.#event = this.startObject();
    this.#eventSize = 0;
  }

  /** Checks whether an attribute can be added to the event, assuming that its value is valid. */
  canAdd({ name, isCounted }: Attribute): boolean {
    return name.error === undefined && (!isCounted || this.#eventSize < this.#limits.attributes_per_object);
  }

  /**
   * Adds an attribute to the event, with the converted value of a column.
   *
   * @returns the JSON of the value, or undefined if the attribute is not sent. If it is not sent, the reason is added
   * to the issues, unless there is nothing to send (such as NULL or an empty array).
   */
  addAttribute(value: unknown, column: string, { name, kind, members, isCounted }: Attribute): string | undefined {
    this.#issues.setColumn(column);
    const converted = this.convert(value, kind, column, members);
    if (converted === undefined) return undefined;
    const named = this.#claimName(name, converted, this.#event, 0);
    const json = isCounted ? this.#limitSize(named, this.#eventSize) : named;
    if (isCounted && typeof json === 'string') this.#eventSize += 1;
    return this.#reportIssues(json, name, column, undefined);
  }

  /**
   * Counts an attribute that the caller writes itself. Call this only if `canAdd` returned true and no other attribute
   * can have the same name.
   */
  addCopied(column: string, { name, isCounted }: Attribute): void {
    if (isCounted) this.#eventSize += 1;
    if (name.lowerCased === undefined) return;
    this.#issues.setColumn(column);
    this.#issues.addLowerCased(column, name);
  }

  /** Reserves a name for an attribute that the caller writes itself, so that no column can use it. */
  addReserved(name: AttributeName): void {
    name.uses.add(this.#event, 0);
    this.#eventSize += 1;
  }

  /** Converts the value of a column. Nested attributes that are left out are added to the issues, with their path. */
  convert(value: unknown, kind: ValueKind, path: string, members?: MemberTypes): Converted {
    return this.#convert(value, kind, path, undefined, 0, members);
  }

  /** Returns an id for a new object, which is needed to reserve names (see `NameUses`). */
  startObject(): number {
    this.#objects += 1;
    return this.#objects;
  }

  /** Reserves a name in an object if the name and the value are valid. Returns the converted value, or the error. */
  #claimName(
    name: AttributeName,
    converted: string | AttributeError,
    object: number,
    level: number,
  ): string | AttributeError {
    if (name.error !== undefined) return name.error;
    if (typeof converted !== 'string') return converted;
    return name.uses.add(object, level) ? converted : NAME_TAKEN;
  }

  #limitSize(json: string | AttributeError, size: number): string | AttributeError {
    return typeof json === 'string' && size >= this.#limits.attributes_per_object ? this.#tooMany : json;
  }

  #reportIssues(
    json: string | AttributeError,
    name: AttributeName,
    path: Path,
    segment: PathSegment,
  ): string | undefined {
    if (typeof json !== 'string') {
      this.#issues.addLeftOut(describePath(extendPath(path, segment)), json);
      return undefined;
    }
    if (name.lowerCased !== undefined) this.#issues.addLowerCased(describePath(extendPath(path, segment)), name);
    return json;
  }

  #convert(
    value: unknown,
    kind: ValueKind,
    path: Path,
    segment: PathSegment,
    depth: number,
    members: MemberTypes | undefined,
  ): Converted {
    if (value === null || value === undefined) return undefined;
    switch (kind) {
      case 'untyped':
        // A string that contains a JSON array or object is sent as an array or object only if it is the value of a
        // column. Inside an object, it stays a string.
        if (typeof value === 'string' && depth === 0) return this.#convertStringOrStructure(value, path, segment);
        return this.#convertValue(value, path, segment, depth, members);
      case 'text':
        return this.#convertValue(value, path, segment, depth, members);
      case 'float':
      case 'integer': {
        const digits = typeof value === 'string' && isJsonNumber(value) ? value : readDigits(value);
        if (digits === undefined) return this.#convert(value, 'untyped', path, segment, depth, undefined);
        return kind === 'float' ? convertFloat(digits) : convertInteger(digits);
      }
      case 'date':
        return convertDate(value, normalizeTimestampOrDay);
      case 'date_time':
        return convertDate(value, normalizeDateTimeOrDay);
      case 'url':
        return convertUrl(value, this.#limits.url_characters);
      case 'label':
        return typeof value === 'string'
          ? this.#convertLine(value, this.#limits.label_characters, path, segment)
          : NO_LABEL;
      case 'tags':
        return this.#convertTags(value, path);
    }
  }

  #convertValue(
    value: unknown,
    path: Path,
    segment: PathSegment,
    depth: number,
    members: MemberTypes | undefined,
  ): Converted {
    switch (typeof value) {
      case 'string':
        return this.#convertString(value, path, segment);
      case 'number':
        return Number.isFinite(value) ? writeNumber(value) : TOO_LARGE;
      case 'boolean':
        return value ? 'true' : 'false';
    }
    if (value === null || value === undefined) return undefined;
    if (value instanceof LosslessNumber) return convertNumber(value.value);
    if (Array.isArray(value) || isJsonObject(value))
      return this.#convertStructure(value, path, segment, depth, members);
    return attributeError('type_unsupported', `has a type that Batch does not accept (${typeof value})`);
  }

  #convertStringOrStructure(text: string, path: Path, segment: PathSegment): Converted {
    const first = text.charCodeAt(0);
    const json = first === OPENING_BRACE || first === OPENING_BRACKET ? this.#texts.convert(text) : undefined;
    if (json !== undefined) return json === '' ? undefined : json;
    const structure = parseStructure(text);
    return structure === undefined
      ? this.#convertString(text, path, segment)
      : this.#convertStructure(structure, path, segment, 0, undefined);
  }

  #convertStructure(
    value: unknown[] | Record<string, unknown>,
    path: Path,
    segment: PathSegment,
    depth: number,
    members: MemberTypes | undefined,
  ): Converted {
    if (Array.isArray(value)) return this.#convertArray(value, extendPath(path, segment), depth, members);
    const converted = this.#convertObject(value, extendPath(path, segment), depth + 1, members);
    return converted === EMPTY_OBJECT ? undefined : converted;
  }

  #convertString(value: string, path: Path, segment: PathSegment): Converted {
    if (isBlank(value)) return BLANK;
    const max = this.#limits.string_characters;
    if (value.length <= max && isUnescapedAscii(value)) return `"${value}"`;
    if (!value.isWellFormed()) return MALFORMED;
    return value.length > max ? this.#truncate(value, max, path, segment) : JSON.stringify(value);
  }

  #truncate(value: string, max: number, path: Path, segment: PathSegment): Converted {
    const tooLong = `has ${describeLength(value)}, but Batch accepts at most ${max}`;
    if (!this.#isTruncating) return attributeError('text_too_long', tooLong);
    // The whole string is well-formed. So if the part that is kept is malformed, it ends with the first half of a
    // surrogate pair.
    const cut = value.slice(0, max);
    const whole = cut.isWellFormed() ? cut : cut.slice(0, -1);
    if (isBlank(whole)) return attributeError('text_too_long', `${tooLong}, and the first ${max} are blank`);
    this.#issues.addChange(describePath(extendPath(path, segment)), 'text_truncated', `${tooLong}: it is truncated`);
    return JSON.stringify(whole);
  }

  /** Converts a string that must be on one line. */
  #convertLine(value: string, max: number, path: Path, segment: PathSegment): Converted {
    if (isBlank(value)) return BLANK;
    if (hasLineEnd(value)) return SEVERAL_LINES;
    if (!value.isWellFormed()) return MALFORMED;
    return value.length > max ? this.#truncate(value, max, path, segment) : JSON.stringify(value);
  }

  #convertTags(value: unknown, path: Path): Converted {
    if (typeof value === 'string' && isBlank(value)) return BLANK;
    const tags = typeof value === 'string' ? parseStructure(value) : value;
    if (!Array.isArray(tags)) return NO_TAGS;
    const max = this.#limits.tags_per_event;
    if (tags.length > max)
      return attributeError('array_too_long', `has ${tags.length} tags, but Batch accepts at most ${max}`);
    if (!tags.every((tag) => typeof tag === 'string')) return NO_TAGS;
    let json = '';
    for (const [index, tag] of tags.entries()) {
      const converted = this.#convertLine(tag, this.#limits.tag_characters, path, index);
      if (typeof converted !== 'string') return describeItemError(converted);
      json += json === '' ? `[${converted}` : `,${converted}`;
    }
    return json === '' ? undefined : `${json}]`;
  }

  #convertArray(values: unknown[], path: Path, depth: number, members: MemberTypes | undefined): Converted {
    if (values.length === 0) return undefined;
    // Batch's SDKs measure the depth of a value by the number of names on the path to it. The path to an item of an array includes
    // the name of the array. So an array directly inside an object of the maximum depth is too deep.
    if (depth >= this.#limits.object_depth) return this.#tooDeep;
    const max = this.#limits.array_items;
    if (values.length > max)
      return attributeError('array_too_long', `has ${values.length} items, but Batch accepts at most ${max}`);
    if (typeof values[0] === 'string') return this.#convertStrings(values, path);
    return this.#convertObjects(values, path, depth, members);
  }

  #convertStrings(values: unknown[], path: Path): Converted {
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

  #convertObjects(values: unknown[], path: Path, depth: number, members: MemberTypes | undefined): Converted {
    if (!values.every(isJsonObject)) return explainMixedArray(values);
    let json = '[';
    let isEmpty = true;
    for (const [index, value] of values.entries()) {
      // An object with nothing to send is kept as an empty object, so that the other objects keep their positions.
      const converted = this.#convertObject(value, extendPath(path, index), depth + 1, members);
      if (typeof converted !== 'string') return describeItemError(converted);
      if (converted !== EMPTY_OBJECT) isEmpty = false;
      json += index === 0 ? converted : `,${converted}`;
    }
    return isEmpty ? undefined : `${json}]`;
  }

  #convertObject(
    value: Record<string, unknown>,
    path: Path,
    depth: number,
    members: MemberTypes | undefined,
  ): string | AttributeError {
    if (depth > this.#limits.object_depth) return this.#tooDeep;
    const object = this.startObject();
    let json = '{';
    let size = 0;
    for (const key of Object.keys(value)) {
      const nested = value[key];
      if (nested === null) continue;
      const name = this.#names.parseKey(key);
      const type = members && findMemberType(members, key);
      const kind = typeof type === 'string' && name.kind === 'untyped' ? type : name.kind;
      const converted = this.#convert(nested, kind, path, key, depth, typeof type === 'object' ? type : undefined);
      if (converted === undefined) continue;
      const named = this.#limitSize(this.#claimName(name, converted, object, depth), size);
      const attribute = this.#reportIssues(named, name, path, key);
      if (attribute === undefined) continue;
      json += size === 0 ? name.jsonKey : `,${name.jsonKey}`;
      json += attribute;
      size += 1;
    }
    return `${json}}`;
  }
}

const EMPTY_OBJECT = '{}';

function normalizeDateTimeOrDay(text: string): string | undefined {
  return normalizeDateTime(text) ?? normalizeTimestampOrDay(text);
}
