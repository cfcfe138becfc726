import { ATTRIBUTE_NAME, NAME_FORM } from '../batch/limits.ts';
import type { AttributeError } from '../codes.ts';
import type { Policies } from '../config/policies.ts';

export type AttributeKind = 'untyped' | 'date' | 'url';

/** The parsed name of a column or of a key in an object. It is the same for all rows, so it is parsed once. */
export type AttributeName = {
  readonly kind: AttributeKind;
  /** The name as a JSON key, with its colon: `"date(x)":`. */
  readonly jsonKey: string;
  /** Why no value can be sent with this name; undefined for a valid name. */
  readonly error: AttributeError | undefined;
  /** What to report if the name has capital letters and is sent in lower case. */
  readonly lowerCased: string | undefined;
  readonly uses: NameUses;
};

/**
 * Records which objects use a name. `date(x)` and `url(x)` count as `x`. Each object has an id, and only one object per
 * nesting level is written at a time. So it is enough to store, for each level, the id of the last object that uses the
 * name.
 */
export class NameUses {
  readonly #objectOnLevel: number[] = [0, 0, 0, 0];

  /** Reserves the name for an object. Returns false if the object already uses the name. */
  add(object: number, level: number): boolean {
    if (this.#objectOnLevel[level] === object) return false;
    this.#objectOnLevel[level] = object;
    return true;
  }
}

/**
 * Matches a name with a type as a prefix, such as `date__x`. Columns have this form, because their names can't contain
 * parentheses (docs/batch-api.md, section 5).
 */
const PREFIXED = /^(date|url)__(.*)$/s;

/** Matches a name with a type in the form of Batch's API, such as `date(x)`. Keys of objects may also have this form. */
const IN_PARENTHESES = /^(date|url)\((.+)\)$/;

const UNUSABLE: AttributeError = {
  code: 'name_invalid',
  reason: `has a name that Batch does not accept: it must be ${NAME_FORM}`,
};
const IN_CAPITALS: AttributeError = {
  code: 'name_invalid',
  reason: `has a name with capital letters, which Batch does not accept (policies.capital_letters is drop): it must be ${NAME_FORM}`,
};

/** Maximum number of cached names. The keys of a Map column are also cached, and can be different in every row. */
const MAX_NAMES = 10_000;

export class AttributeNames {
  readonly #isLowerCasing: boolean;
  readonly #inObjects = new Map<string, AttributeName>();
  readonly #uses = new Map<string, NameUses>();

  constructor({ capital_letters }: Pick<Policies, 'capital_letters'>) {
    this.#isLowerCasing = capital_letters === 'lower_case';
  }

  /** Whether the caches are full. They can be cleared only between two rows. */
  get isFull(): boolean {
    return this.#uses.size > MAX_NAMES || this.#inObjects.size > MAX_NAMES;
  }

  clear(): void {
    this.#inObjects.clear();
    this.#uses.clear();
  }

  /** Returns the name of the attribute that a column becomes. */
  parseColumn(column: string): AttributeName {
    return this.#parseName(column, PREFIXED.exec(this.#lowerCase(column)));
  }

  /** Returns the name of an attribute inside an object. The key may have either form, `date__x` or `date(x)`. */
  parseKey(key: string): AttributeName {
    const known = this.#inObjects.get(key);
    if (known !== undefined) return known;
    const lowerCase = this.#lowerCase(key);
    const name = this.#parseName(key, PREFIXED.exec(lowerCase) ?? IN_PARENTHESES.exec(lowerCase));
    this.#inObjects.set(key, name);
    return name;
  }

  /** Creates a name that needs no check, such as Batch's `$label`. */
  createReserved(name: string): AttributeName {
    return {
      kind: 'untyped',
      jsonKey: `"${name}":`,
      error: undefined,
      lowerCased: undefined,
      uses: this.#findUses(name),
    };
  }

  /**
   * Converts ASCII letters to lower case. Names are converted even if `policies.capital_letters` is `drop`, so that
   * `DATE__x` is recognised as a date and its value is checked as one.
   */
  #lowerCase(written: string): string {
    // toLowerCase is not called on the whole name, because it would turn the Kelvin sign into an ASCII letter.
    return written.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }

  #parseName(written: string, typed: RegExpExecArray | null): AttributeName {
    const bareName = typed?.[2] ?? this.#lowerCase(written);
    const kind = typed === null ? 'untyped' : typed[1] === 'date' ? 'date' : 'url';
    const hasCapitals = /[A-Z]/.test(written);
    const sentAs = kind === 'untyped' ? bareName : `${kind}(${bareName})`;
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
