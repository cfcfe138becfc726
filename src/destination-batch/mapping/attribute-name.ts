import { ATTRIBUTE_NAME, NAME_FORM } from '../batch/limits.ts';
import type { AttributeError } from '../codes.ts';
import type { Policies } from '../config/policies.ts';

export type AttributeKind = 'plain' | 'date' | 'url';

/** What a column name or a key becomes. It is the same for all rows, so it is parsed once. */
export type AttributeName = {
  readonly kind: AttributeKind;
  /** The name in JSON and a colon: `"date(x)":`. */
  readonly jsonKey: string;
  /** Why nothing can be sent with this name. */
  readonly error: AttributeError | undefined;
  /** What to report about a name that is sent in lower case. */
  readonly lowerCased: string | undefined;
  readonly uses: NameUses;
};

/**
 * The objects that use a name; `date(x)` and `url(x)` count as `x`. Objects have numbers, and only one object is
 * written on each level at a time, so no set of names is needed for each object.
 */
export class NameUses {
  readonly #objectOnLevel: number[] = [0, 0, 0, 0];

  /** Uses the name in an object. Returns false if the object uses it already. */
  add(object: number, level: number): boolean {
    if (this.#objectOnLevel[level] === object) return false;
    this.#objectOnLevel[level] = object;
    return true;
  }
}

/** The prefixes of typed attributes, since column names can't hold parentheses (docs/batch-api.md, CS/ch-ev 1.4). */
const PREFIXED = /^(date|url)__(.*)$/s;

/** The form of Batch's API, which keys of objects may have too. */
const IN_PARENTHESES = /^(date|url)\((.+)\)$/;

const UNUSABLE: AttributeError = {
  code: 'name_invalid',
  reason: `has a name that Batch does not accept: it must be ${NAME_FORM}`,
};
const IN_CAPITALS: AttributeError = {
  code: 'name_invalid',
  reason: `has a name with capital letters, which Batch does not accept, and policies.capital_letters is drop: it must be ${NAME_FORM}`,
};

/** Maximum number of names that are cached: the keys of a Map column are names too, and may all differ. */
const MAX_NAMES = 10_000;

export class AttributeNames {
  readonly #isLowerCasing: boolean;
  readonly #inObjects = new Map<string, AttributeName>();
  readonly #uses = new Map<string, NameUses>();

  constructor({ capital_letters }: Pick<Policies, 'capital_letters'>) {
    this.#isLowerCasing = capital_letters === 'lower_case';
  }

  /** Whether the caches are full and should be cleared, which is only possible between two rows. */
  get isFull(): boolean {
    return this.#uses.size > MAX_NAMES || this.#inObjects.size > MAX_NAMES;
  }

  clear(): void {
    this.#inObjects.clear();
    this.#uses.clear();
  }

  /** The name of the attribute that a column becomes. */
  parseColumn(column: string): AttributeName {
    return this.#parseName(column, PREFIXED.exec(this.#lowerCase(column)));
  }

  /** The name of an attribute inside an object, which has its type in either form. */
  parseKey(key: string): AttributeName {
    const known = this.#inObjects.get(key);
    if (known !== undefined) return known;
    const lowerCase = this.#lowerCase(key);
    const name = this.#parseName(key, PREFIXED.exec(lowerCase) ?? IN_PARENTHESES.exec(lowerCase));
    this.#inObjects.set(key, name);
    return name;
  }

  /** A name that needs no check, such as Batch's `$label`. */
  createReserved(name: string): AttributeName {
    return {
      kind: 'plain',
      jsonKey: `"${name}":`,
      error: undefined,
      lowerCased: undefined,
      uses: this.#findUses(name),
    };
  }

  /** Also for names that may not be sent in lower case: their type decides how the value is checked. */
  #lowerCase(written: string): string {
    // Not toLowerCase: it turns the Kelvin sign into an ASCII letter.
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
