import { ATTRIBUTE_NAME, NAME_FORM } from '../batch/limits.ts';
import type { AttributeError } from '../codes.ts';
import type { Policies } from '../config/policies.ts';

export type AttributeKind = 'plain' | 'date' | 'url';

/** What a name as written comes to; the same for all rows, so it is found out once. */
export type AttributeName = {
  readonly kind: AttributeKind;
  /** The name in JSON with a colon behind it, as `"date(x)":`. */
  readonly jsonKey: string;
  /** Why nothing can be sent under this name. */
  readonly error: AttributeError | undefined;
  /** What is to be told of the name, once. */
  readonly lowerCased: string | undefined;
  readonly uses: NameUses;
};

/**
 * Which object has an attribute of this name, `date(x)` and `url(x)` counting as `x`. Objects are told apart by number,
 * and only one is being written on each level at a time, so that no set of names has to be made for each.
 */
export class NameUses {
  readonly #objectOnLevel: number[] = [0, 0, 0, 0];

  /** Whether the name is free in this object; from then on it is not. */
  add(object: number, level: number): boolean {
    if (this.#objectOnLevel[level] === object) return false;
    this.#objectOnLevel[level] = object;
    return true;
  }
}

/** The prefixes of typed attributes, since column names can't hold parentheses (docs/batch-api.md, CS/ch-ev 1.4). */
const PREFIXED = /^(date|url)__(.*)$/s;

/** How Batch's API calls them, so that they may stand in objects. */
const IN_PARENTHESES = /^(date|url)\((.+)\)$/;

const UNUSABLE: AttributeError = {
  code: 'name_invalid',
  reason: `has a name that Batch does not accept: it must be ${NAME_FORM}`,
};
const IN_CAPITALS: AttributeError = {
  code: 'name_invalid',
  reason: `has a name with capital letters, which Batch does not accept, and policies.capital_letters is drop: it must be ${NAME_FORM}`,
};

/** Keys of a Map column are names too and may be without number, so no more than so many are kept. */
const MAX_NAMES = 10_000;

export class AttributeNames {
  readonly #isLowerCasing: boolean;
  readonly #inObjects = new Map<string, AttributeName>();
  readonly #uses = new Map<string, NameUses>();

  constructor({ capital_letters }: Pick<Policies, 'capital_letters'>) {
    this.#isLowerCasing = capital_letters === 'lower_case';
  }

  /** Whether there are so many names that they had better be forgotten; never while a row is being written. */
  get isFull(): boolean {
    return this.#uses.size > MAX_NAMES || this.#inObjects.size > MAX_NAMES;
  }

  clear(): void {
    this.#inObjects.clear();
    this.#uses.clear();
  }

  /** The name of an attribute that a column becomes. */
  parseColumn(column: string): AttributeName {
    return this.#parseName(column, PREFIXED.exec(this.#lowerCase(column)));
  }

  /** The name of an attribute inside an object, where a type can be written either way. */
  parseKey(key: string): AttributeName {
    const known = this.#inObjects.get(key);
    if (known !== undefined) return known;
    const lowerCase = this.#lowerCase(key);
    const name = this.#parseName(key, PREFIXED.exec(lowerCase) ?? IN_PARENTHESES.exec(lowerCase));
    this.#inObjects.set(key, name);
    return name;
  }

  /** A name of Batch's own, such as `$label`. */
  createReserved(name: string): AttributeName {
    return {
      kind: 'plain',
      jsonKey: `"${name}":`,
      error: undefined,
      lowerCased: undefined,
      uses: this.#findUses(name),
    };
  }

  /** Of a name whose capitals are not to be lowered, the type counts all the same, as it tells what a value has to be. */
  #lowerCase(written: string): string {
    // Not toLowerCase, which makes an ASCII letter of the sign for Kelvin.
    return written.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }

  #parseName(written: string, typed: RegExpExecArray | null): AttributeName {
    const bareName = typed?.[2] ?? this.#lowerCase(written);
    const kind = typed === null ? 'plain' : typed[1] === 'date' ? 'date' : 'url';
    const hasCapitals = /[A-Z]/.test(written);
    const sentAs = kind === 'plain' ? bareName : `${kind}(${bareName})`;
    const isUsable = ATTRIBUTE_NAME.test(bareName);
    return {
      kind,
      jsonKey: `"${sentAs}":`,
      error: !isUsable ? UNUSABLE : hasCapitals && !this.#isLowerCasing ? IN_CAPITALS : undefined,
      lowerCased: isUsable && hasCapitals ? `has capital letters in its name: it is sent as ${sentAs}` : undefined,
      uses: this.#findUses(isUsable ? bareName : ''),
    };
  }

  #findUses(name: string): NameUses {
    const known = this.#uses.get(name);
    if (known !== undefined) return known;
    const uses = new NameUses();
    this.#uses.set(name, uses);
    return uses;
  }
}
