import {
  BACKSLASH,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  DIGIT_0,
  OPENING_BRACE,
  OPENING_BRACKET,
  POINT,
  QUOTE,
  SLASH,
  SPACE,
  startsWithAt,
} from '../../../shared/ascii.ts';
import { type BytePattern, viewOf } from '../../../shared/byte-pattern.ts';
import { copyWords } from '../../../shared/byte-words.ts';
import type { Limits } from '../../batch/limits.ts';
import type { Slab } from '../../byte-arena.ts';
import type { AttributeNames } from '../attribute-name.ts';
import type { ValueKind } from '../attribute-value.ts';
import { findMemberType, type MemberTypes } from '../column-types.ts';
import type { RowIssues } from '../issues.ts';
import {
  IS_UNESCAPED_ASCII,
  NO_END,
  skipFraction,
  skipInteger,
  skipQuote,
  skipSpaces,
  skipUnescapedAscii,
} from './json-bytes.ts';
import { IS_ESCAPE, IS_VISIBLE_ESCAPE, readEscape } from './json-escapes.ts';
import { KeyTable } from './key-table.ts';
import {
  FIRST_BYTE_BEYOND_ASCII,
  FIRST_BYTE_OF_TWO_UNITS,
  IS_HOST_START,
  MAY_BE_SPACE,
  skipUrlPrefix,
} from './text-bytes.ts';
import { TimestampReader } from './timestamp-bytes.ts';

const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;

/** The maximum nesting that is copied. It is limited, because the copier is recursive. */
const MAX_DEPTH = 8;

/** What the copier needs to know about the rules for attributes. */
export type CopierRules = {
  limits: Limits;
  names: AttributeNames;
  issues: RowIssues;
  /** Returns an id for a new object, which is needed to reserve names (see `NameUses`). */
  startObject: () => number;
};

/**
 * Copies the JSON of values to a buffer without parsing it. The result is the JSON that the rules for attributes would produce. The
 * copier handles the values that most rows have: strings, numbers, booleans, URLs, timestamps, and arrays and objects of these. An
 * array or object may also be JSON inside a string. If a value might have to be changed, reported or rejected, the copier returns
 * NO_END, and the rules have to convert the value.
 *
 * The values must be valid UTF-8. The target needs as many free bytes as the source has bytes, plus `MOST_OVERWRITTEN_BYTES`.
 */
export class JsonCopier {
  readonly #rules: CopierRules;
  readonly #limits: Limits;
  readonly #maxDepth: number;
  readonly #keys: KeyTable;
  readonly #timestamps = new TimestampReader();
  /** Whether the copied JSON is inside a string, so that its quotes are escaped. */
  #isInString = false;
  #target: Buffer = Buffer.alloc(0);
  #targetView = viewOf(this.#target);
  #sourceView = this.#targetView;
  #sourceEnd = 0;
  #spareBytes = 0;
  /** The end of what has been written to the target. */
  to = 0;

  constructor(rules: CopierRules) {
    this.#rules = rules;
    this.#limits = rules.limits;
    this.#maxDepth = Math.min(rules.limits.object_depth, MAX_DEPTH);
    this.#keys = new KeyTable(rules.names);
  }

  /** Forgets the names of attributes. Call this when the rules forget them. */
  clear(): void {
    this.#keys.clear();
  }

  /**
   * Starts to copy a row from `source` to a slab.
   *
   * @param end where the row ends.
   * @param spareBytes how many bytes the values may grow by.
   */
  start(source: DataView, end: number, { bytes, view }: Slab, offset: number, spareBytes: number): void {
    this.#spareBytes = spareBytes;
    this.#sourceView = source;
    this.#sourceEnd = end;
    this.#target = bytes;
    this.#targetView = view;
    this.to = offset;
  }

  write(pattern: BytePattern): void {
    this.to = pattern.write(this.#targetView, this.to);
  }

  /**
   * Writes JSON that the rules produced, in place of a value that is `sourceBytes` bytes long in the source. Returns false if there
   * is not enough room, because the values of the row have grown by more than the spare bytes.
   */
  writeText(json: string, sourceBytes: number): boolean {
    this.#spareBytes -= Math.max(0, Buffer.byteLength(json) - sourceBytes);
    if (this.#spareBytes < 0) return false;
    this.to += this.#target.write(json, this.to);
    return true;
  }

  /**
   * Copies the value of a column. Writes nothing for NULL, and for an array or object with nothing to send.
   *
   * @param members the types of the numbers in an object, or in the objects of an array.
   * @returns the end of the value, or NO_END if it is not copied. In that case, ignore what was written.
   */
  copyColumn(kind: ValueKind, source: Buffer, start: number, members?: MemberTypes): number {
    if (kind === 'untyped' && source[start] === QUOTE) {
      const first = source[start + 1];
      if (first === OPENING_BRACE || first === OPENING_BRACKET) return this.#copyStringWithJson(source, start);
    }
    return this.#copyValue(kind, source, start, 0, members);
  }

  /** @param depth the number of objects around the value. */
  #copyValue(kind: ValueKind, source: Buffer, start: number, depth: number, members: MemberTypes | undefined): number {
    const acceptsAnyType = kind === 'untyped' || kind === 'text' || kind === 'float' || kind === 'integer';
    switch (source[start]) {
      case QUOTE:
      case BACKSLASH:
        if (kind === 'untyped' || kind === 'text') return this.#copyString(source, start);
        if (kind === 'url') return this.#copyUrl(source, start);
        return kind === 'date' || kind === 'date_time' ? this.#copyTimestamp(source, start) : NO_END;
      case LETTER_N:
        return startsWithAt(source, NULL, start) ? start + NULL.length : NO_END;
      case LETTER_T:
        return acceptsAnyType && startsWithAt(source, TRUE, start)
          ? this.#copyBytes(source, start, start + TRUE.length)
          : NO_END;
      case LETTER_F:
        return acceptsAnyType && startsWithAt(source, FALSE, start)
          ? this.#copyBytes(source, start, start + FALSE.length)
          : NO_END;
      case OPENING_BRACE:
        return acceptsAnyType ? this.#copyObjectIfFilled(source, start, depth + 1, members) : NO_END;
      case OPENING_BRACKET:
        return acceptsAnyType ? this.#copyArray(source, start, depth, members) : NO_END;
      default:
        return acceptsAnyType ? this.#copyNumber(kind, source, start) : NO_END;
    }
  }

  /** Copies a number with its digits. In a column of floats, an integer gets `.0`, as in `convertFloat`. */
  #copyNumber(kind: ValueKind, source: Buffer, start: number): number {
    const integerEnd = skipInteger(source, start);
    const end = integerEnd === NO_END ? NO_END : skipFraction(source, integerEnd);
    if (end === NO_END || (kind === 'integer' && end > integerEnd)) return NO_END;
    this.#copyBytes(source, start, end);
    if (kind !== 'float' || end > integerEnd) return end;
    this.#spareBytes -= 2;
    if (this.#spareBytes < 0) return NO_END;
    this.#target[this.to++] = POINT;
    this.#target[this.to++] = DIGIT_0;
    return end;
  }

  #copyBytes(source: Buffer, start: number, end: number): number {
    const target = this.#target;
    let { to } = this;
    for (let index = start; index < end; index += 1) target[to++] = source[index] ?? 0;
    this.to = to;
    return end;
  }

  /** Copies a string, with the escapes that JSON.stringify would write. */
  #copyString(source: Buffer, start: number): number {
    const target = this.#target;
    const isInString = this.#isInString;
    let from = skipQuote(source, start, isInString);
    let code = source[from] ?? 0;
    // The string may be blank, or JSON that follows white space.
    if (code <= SPACE || MAY_BE_SPACE[code] === 1) return NO_END;
    const outputStart = this.to;
    let to = outputStart;
    target[to++] = QUOTE;
    /** The number of bytes that are written, minus the number of UTF-16 units in the string. It begins with the two quotes. */
    let extra = 2;
    for (;;) {
      const wordsEnd = copyWords(this.#sourceView, from, this.#sourceEnd, this.#targetView, to, 0x20202020);
      to += wordsEnd - from;
      from = wordsEnd;
      code = source[from] ?? 0;
      while (IS_UNESCAPED_ASCII[code] === 1) {
        target[to++] = code;
        code = source[++from] ?? 0;
      }
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        if (isInString && source[from + 1] === QUOTE) break;
        const read = readEscape(source, from, isInString);
        const escaped = read & 0xff;
        if (escaped === SLASH) target[to++] = SLASH;
        else if (IS_ESCAPE[escaped] === 1 && (to > outputStart + 1 || IS_VISIBLE_ESCAPE[escaped] === 1)) {
          target[to++] = BACKSLASH;
          target[to++] = escaped;
          extra += 1;
        } else return NO_END;
        from += read >> 8;
      } else if (code >= FIRST_BYTE_BEYOND_ASCII) {
        if ((code & 0xc0) === 0x80) extra += 1;
        else if (code >= FIRST_BYTE_OF_TWO_UNITS) extra -= 1;
        target[to++] = code;
        from += 1;
      } else return NO_END;
      code = source[from] ?? 0;
    }
    target[to++] = QUOTE;
    const characters = to - outputStart - extra;
    if (characters === 0 || characters > this.#limits.string_characters) return NO_END;
    this.to = to;
    return skipQuote(source, from, isInString);
  }

  /** Copies a URL of the common kind (ASCII only), which needs no further check. */
  #copyUrl(source: Buffer, start: number): number {
    let from = skipQuote(source, start, this.#isInString);
    if (from === NO_END) return NO_END;
    const host = skipUrlPrefix(this.#sourceView, from, this.#sourceEnd);
    if (host === NO_END || IS_HOST_START[source[host] ?? 0] !== 1) return NO_END;
    const target = this.#target;
    const outputStart = this.to;
    let to = outputStart;
    target[to++] = QUOTE;
    for (;;) {
      const wordsEnd = copyWords(this.#sourceView, from, this.#sourceEnd, this.#targetView, to, 0x21212121);
      to += wordsEnd - from;
      from = wordsEnd;
      let code = source[from] ?? 0;
      while (IS_UNESCAPED_ASCII[code] === 1 && code !== SPACE) {
        target[to++] = code;
        code = source[++from] ?? 0;
      }
      if (code !== BACKSLASH || source[from + 1] !== SLASH) break;
      target[to++] = SLASH;
      from += 2;
    }
    target[to++] = QUOTE;
    if (to - outputStart - 2 > this.#limits.url_characters) return NO_END;
    this.to = to;
    return skipQuote(source, from, this.#isInString);
  }

  #copyTimestamp(source: Buffer, start: number): number {
    const from = skipQuote(source, start, this.#isInString);
    if (from === NO_END) return NO_END;
    const end = skipUnescapedAscii(source, this.#sourceView, from, this.#sourceEnd);
    if (Number.isNaN(this.#timestamps.read(source, from, end))) return NO_END;
    this.#target[this.to++] = QUOTE;
    this.#copyBytes(source, from, end);
    this.#target[this.to++] = QUOTE;
    return skipQuote(source, end, this.#isInString);
  }

  /** Copies the array or object inside a string. */
  #copyStringWithJson(source: Buffer, start: number): number {
    this.#isInString = true;
    const end =
      source[start + 1] === OPENING_BRACE
        ? this.#copyObjectIfFilled(source, start + 1, 1, undefined)
        : this.#copyArray(source, start + 1, 0, undefined);
    this.#isInString = false;
    return end !== NO_END && source[end] === QUOTE ? end + 1 : NO_END;
  }

  /** Copies an object. Writes nothing if there is nothing to send in it. */
  #copyObjectIfFilled(source: Buffer, start: number, depth: number, members: MemberTypes | undefined): number {
    const outputStart = this.to;
    const end = this.#copyObject(source, start, depth, members);
    if (this.to - outputStart === 2) this.to = outputStart;
    return end;
  }

  #copyObject(source: Buffer, start: number, depth: number, members: MemberTypes | undefined): number {
    if (depth > this.#maxDepth) return NO_END;
    const object = this.#rules.startObject();
    const maxSize = this.#limits.attributes_per_object;
    let size = 0;
    this.#target[this.to++] = OPENING_BRACE;
    let from = skipSpaces(source, start + 1);
    if (source[from] === CLOSING_BRACE) return this.#close(CLOSING_BRACE, from);
    for (;;) {
      const outputStart = this.to;
      if (size > 0) this.#target[this.to++] = COMMA;
      const next = this.#copyMember(source, from, depth, object, members);
      if (next === NO_END) return NO_END;
      if (this.#isMemberSent) {
        size += 1;
        if (size > maxSize) return NO_END;
      } else this.to = outputStart;
      from = skipSpaces(source, next);
      if (source[from] === CLOSING_BRACE) return this.#close(CLOSING_BRACE, from);
      if (source[from] !== COMMA) return NO_END;
      from = skipSpaces(source, from + 1);
    }
  }

  /** Whether `#copyMember` wrote a value. */
  #isMemberSent = false;

  #copyMember(source: Buffer, start: number, depth: number, object: number, members: MemberTypes | undefined): number {
    const keys = this.#keys;
    const key = keys.read(source, this.#sourceView, start, this.#sourceEnd, this.#isInString);
    // If a key occurs twice, the rules have to convert the object, because JSON.parse keeps the last value.
    if (key === undefined || !key.occurrences.add(object, depth)) return NO_END;
    const { name } = key;
    if (name.lowerCased !== undefined && !this.#rules.issues.isReported(name)) return NO_END;
    const from = source[keys.end] === SPACE ? skipSpaces(source, keys.end) : keys.end;
    this.write(key.jsonKey);
    const valueOutputStart = this.to;
    const type = members && findMemberType(members, key.text);
    const kind = typeof type === 'string' && name.kind === 'untyped' ? type : name.kind;
    const end = this.#copyValue(kind, source, from, depth, typeof type === 'object' ? type : undefined);
    if (end === NO_END) return NO_END;
    this.#isMemberSent = this.to > valueOutputStart;
    return this.#isMemberSent && !name.uses.add(object, depth) ? NO_END : end;
  }

  /** Copies an array of strings or of objects. Writes nothing if there is nothing to send in it. */
  #copyArray(source: Buffer, start: number, depth: number, members: MemberTypes | undefined): number {
    let from = skipSpaces(source, start + 1);
    if (source[from] === CLOSING_BRACKET) return from + 1;
    if (depth >= this.#maxDepth) return NO_END;
    const outputStart = this.to;
    const isOfObjects = source[from] === OPENING_BRACE;
    let isFilled = false;
    for (let items = 1; items <= this.#limits.array_items; items += 1) {
      this.#target[this.to++] = items === 1 ? OPENING_BRACKET : COMMA;
      const itemOutputStart = this.to;
      if (isOfObjects !== (source[from] === OPENING_BRACE)) return NO_END;
      const end = isOfObjects ? this.#copyObject(source, from, depth + 1, members) : this.#copyString(source, from);
      if (end === NO_END) return NO_END;
      if (this.to - itemOutputStart > 2) isFilled = true;
      from = skipSpaces(source, end);
      if (source[from] === CLOSING_BRACKET) {
        const closed = this.#close(CLOSING_BRACKET, from);
        if (!isFilled) this.to = outputStart;
        return closed;
      }
      if (source[from] !== COMMA) return NO_END;
      from = skipSpaces(source, from + 1);
    }
    return NO_END;
  }

  #close(bracket: number, from: number): number {
    this.#target[this.to++] = bracket;
    return from + 1;
  }
}
