import { BACKSLASH, COLON, QUOTE } from '../../../shared/ascii.ts';
import { BytePattern } from '../../../shared/byte-pattern.ts';
import { type AttributeName, type AttributeNames, NameUses } from '../attribute-name.ts';
import { IS_UNESCAPED_ASCII, NO_END, skipQuote, skipSpaces } from './json-bytes.ts';

/** The maximum number of cached keys. The keys of a Map column may be different in every row. */
const MAX_KEYS = 1_000;

/** The number of slots: a power of two, and more than twice the number of keys, so that searches are short. */
const SLOTS = 4_096;

/** A key of an object inside a value, with the attribute name that it becomes. */
export type KnownKey = {
  readonly key: BytePattern;
  readonly text: string;
  /** The key in quotes, with the colon after it. */
  readonly quoted: BytePattern;
  /** The same in JSON inside a string, where the quotes are escaped. */
  readonly quotedInString: BytePattern;
  readonly name: AttributeName;
  /** What is sent before the value: the name, quoted, and a colon. */
  readonly jsonKey: BytePattern;
  /** Records which objects contain the key, even if its value is not sent. */
  readonly occurrences: NameUses;
  /** The key that followed this one the last time. In most tables, all objects of a column have the same keys. */
  next: KnownKey | undefined;
};

/** Looks up the keys of objects by their bytes, without creating strings. */
export class KeyTable {
  readonly #names: AttributeNames;
  #slots: (KnownKey | undefined)[] = [];
  #size = 0;
  /** The last key that was read. */
  #last: KnownKey | undefined;
  /** After `read` returned a key: where the colon after it ends. */
  end = NO_END;

  constructor(names: AttributeNames) {
    this.#names = names;
    this.clear();
  }

  clear(): void {
    this.#slots = new Array<KnownKey | undefined>(SLOTS).fill(undefined);
    this.#size = 0;
    this.#last = undefined;
  }

  /**
   * Reads the key whose quote is at `start`, and sets `end`. Returns undefined if no colon follows the key, if the key is not
   * unescaped ASCII or not a valid name, or if there are too many keys.
   *
   * @param view a view of the bytes.
   * @param messageEnd where the message ends.
   * @param isInString whether the JSON is inside a string, so that its quotes are escaped.
   */
  read(bytes: Buffer, view: DataView, start: number, messageEnd: number, isInString: boolean): KnownKey | undefined {
    const guess = this.#last?.next;
    if (guess !== undefined) {
      const quoted = isInString ? guess.quotedInString : guess.quoted;
      if (quoted.matches(view, start, messageEnd)) {
        this.#last = guess;
        this.end = start + quoted.length;
        return guess;
      }
    }
    const found = this.#find(bytes, view, start, isInString);
    if (this.#last !== undefined) this.#last.next = found;
    this.#last = found;
    return found;
  }

  #find(bytes: Buffer, view: DataView, start: number, isInString: boolean): KnownKey | undefined {
    const keyStart = skipQuote(bytes, start, isInString);
    const key = keyStart === NO_END ? undefined : this.#search(bytes, view, keyStart);
    if (key === undefined) return undefined;
    const quoteEnd = skipQuote(bytes, keyStart + key.key.length, isInString);
    if (quoteEnd === NO_END) return undefined;
    const colon = skipSpaces(bytes, quoteEnd);
    if (bytes[colon] !== COLON) return undefined;
    this.end = colon + 1;
    return key;
  }

  /** Finds the key that begins at `start` and ends before the next quote or backslash. */
  #search(bytes: Buffer, view: DataView, start: number): KnownKey | undefined {
    let end = start;
    let hash = 0;
    let code = bytes[end] ?? 0;
    for (; IS_UNESCAPED_ASCII[code] === 1; code = bytes[end] ?? 0) {
      hash = (Math.imul(hash, 31) + code) | 0;
      end += 1;
    }
    if (code !== QUOTE && code !== BACKSLASH) return undefined;
    hash ^= hash >>> 12;
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const known = this.#slots[slot];
      if (known === undefined) return this.#add(slot, bytes.toString('latin1', start, end));
      if (known.key.length === end - start && known.key.matches(view, start, end)) return known;
    }
  }

  #add(slot: number, key: string): KnownKey | undefined {
    // Keys that begin with a digit are left to the rules, because JavaScript moves keys that are integers before the other keys.
    if (this.#size >= MAX_KEYS || /^\d/.test(key)) return undefined;
    const name = this.#names.parseKey(key);
    if (name.error !== undefined) return undefined;
    const known: KnownKey = {
      key: new BytePattern(key),
      text: key,
      quoted: new BytePattern(`"${key}":`),
      quotedInString: new BytePattern(`\\"${key}\\":`),
      name,
      jsonKey: new BytePattern(name.jsonKey),
      occurrences: new NameUses(),
      next: undefined,
    };
    this.#slots[slot] = known;
    this.#size += 1;
    return known;
  }
}
