import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Limits } from './limits.ts';
import { checkLine, checkPlainText, checkScalar, type KeyType, type Problem, typeOfKey } from './values.ts';

export type AttributeProblem = {
  /** The place, in the form of Batch's SDKs [sdk]: `obj.sub.leaf`, `items_list[2].name`, `$tags[1]`. */
  readonly path: string;
  readonly reason: string;
};

export type KeptAttributes = {
  readonly attributes: JsonObject;
  /** One for each value that was removed from the attributes. */
  readonly problems: readonly AttributeProblem[];
};

/** Checks the type of a valid value. */
type TypeCheck = (path: string, type: KeyType, value: Json) => Problem;

/** Keeps the attributes of an event that Batch would accept, and the valid parts of lists and objects. */
export function keepEventAttributes(
  attributes: JsonObject,
  limits: Limits,
  checkType: TypeCheck = () => undefined,
): KeptAttributes {
  const filter = new EventAttributeFilter(limits, checkType);
  return { attributes: filter.keepRoot(attributes), problems: filter.problems };
}

/** Returns a fully valid value itself, not a copy: most are. Returns undefined for a dropped value. */
class EventAttributeFilter {
  readonly problems: AttributeProblem[] = [];
  readonly #limits: Limits;
  readonly #checkType: TypeCheck;

  constructor(limits: Limits, checkType: TypeCheck) {
    this.#limits = limits;
    this.#checkType = checkType;
  }

  keepRoot(attributes: JsonObject): JsonObject {
    return this.#keepEntries(attributes, '', 1);
  }

  /**
   * @param depth how many keys lead to a value of this object; array indexes do not count [sdk: sources ANDSDK and IOSSDK
   * in docs/batch-api.md].
   */
  #keepEntries(object: JsonObject, prefix: string, depth: number): JsonObject {
    const kept: [string, Json][] = [];
    let isChanged = false;
    let counted = 0;
    for (const [key, value] of Object.entries(object)) {
      const isReserved = depth === 1 && (key === '$label' || key === '$tags');
      if (!isReserved) counted += 1;
      const keptValue =
        counted > this.#limits.attributesMax && !isReserved
          ? this.#drop(prefix + key, `more than ${this.#limits.attributesMax} attributes in one object`)
          : this.#keepEntry(key, value, prefix + key, depth);
      if (keptValue !== value) isChanged = true;
      if (keptValue !== undefined) kept.push([key, keptValue]);
    }
    return isChanged ? Object.fromEntries(kept) : object;
  }

  #keepEntry(key: string, value: Json, path: string, depth: number): Json | undefined {
    if (key === '$label' && depth === 1)
      return this.#keepIf(value, path, checkLine(value, this.#limits.labelMax, this.#limits));
    if (key === '$tags' && depth === 1) return this.#keepTags(value, path);
    const type = typeOfKey(key, this.#limits);
    if (type === undefined) return this.#drop(path, this.#explainKey(key, depth));
    if (value === null) return this.#drop(path, 'null');
    const kept = this.#keepValue(type, value, path, depth);
    return kept === undefined ? undefined : this.#keepIf(kept, path, this.#checkType(path, type, kept));
  }

  #keepValue(type: KeyType, value: Json, path: string, depth: number): Json | undefined {
    if (type === 'plain' && isJsonArray(value)) return this.#keepArray(value, path, depth);
    if (type === 'plain' && isJsonObject(value)) return this.#keepObject(value, path, depth);
    return this.#keepIf(value, path, checkScalar(type, value, this.#limits));
  }

  #keepObject(object: JsonObject, path: string, depth: number): JsonObject | undefined {
    if (depth > this.#limits.depthMax) return this.#drop(path, this.#explainDepth());
    return this.#keepEntries(object, `${path}.`, depth + 1);
  }

  #keepArray(array: readonly Json[], path: string, depth: number): readonly Json[] | undefined {
    if (depth > this.#limits.depthMax) return this.#drop(path, this.#explainDepth());
    const problem = this.#checkSize(array, this.#limits.arrayMax);
    if (problem !== undefined) return this.#drop(path, problem);
    if (array.every((item) => typeof item === 'string')) {
      return this.#keepItems(array, path, (item) => checkPlainText(item, this.#limits));
    }
    if (array.every(isJsonObject)) {
      const kept = array.map((item, index) => this.#keepEntries(item, `${path}[${index}].`, depth + 1));
      return kept.every((item, index) => item === array[index]) ? array : kept;
    }
    return this.#drop(path, array.some(isJsonArray) ? 'an array in an array' : 'neither all strings nor all objects');
  }

  #keepTags(value: Json, path: string): readonly Json[] | undefined {
    if (!isJsonArray(value)) return this.#drop(path, 'not an array of strings');
    const problem = this.#checkSize(value, this.#limits.tagsMax);
    if (problem !== undefined) return this.#drop(path, problem);
    return this.#keepItems(value, path, (tag) => checkLine(tag, this.#limits.tagMax, this.#limits));
  }

  #keepItems(array: readonly Json[], path: string, check: (item: Json) => Problem): readonly Json[] | undefined {
    const kept = array.filter((item, index) => this.#keepIf(item, `${path}[${index}]`, check(item)) !== undefined);
    if (kept.length === array.length) return array;
    // Without valid items, the array is dropped: the sandbox stores no empty array that was not sent.
    return kept.length === 0 ? undefined : kept;
  }

  #keepIf<T extends Json>(value: T, path: string, problem: Problem): T | undefined {
    return problem === undefined ? value : this.#drop(path, problem);
  }

  #drop(path: string, reason: string): undefined {
    this.problems.push({ path, reason });
  }

  #checkSize(array: readonly Json[], max: number): Problem {
    if (array.length > max) return `an array of ${array.length} items, at most ${max} are allowed`;
    return array.length === 0 && this.#limits.emptyArray === 'refuse' ? 'an empty array' : undefined;
  }

  #explainDepth(): string {
    return `deeper than ${this.#limits.depthMax} levels below the event`;
  }

  #explainKey(key: string, depth: number): string {
    const isMisplaced = depth > 1 && (key === '$label' || key === '$tags');
    return isMisplaced ? 'reserved for the root of the event' : 'not a valid key';
  }
}
