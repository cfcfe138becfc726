const WORD_BYTES = 4;

/**
 * A sequence of bytes that is compared or written four bytes at a time. This is several times as fast as byte by byte. If the length is
 * no multiple of four, the last word overlaps the word before it.
 */
export class BytePattern {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** Where the last word begins, if it overlaps; otherwise 0. */
  readonly #lastAt: number;
  readonly #lastWord: number;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    const view = viewOf(bytes);
    this.length = bytes.length;
    this.#bytes = bytes;
    this.#words = Int32Array.from({ length: bytes.length >> 2 }, (_, index) => view.getInt32(index * WORD_BYTES, true));
    const isOverlapping = bytes.length > WORD_BYTES && bytes.length % WORD_BYTES !== 0;
    this.#lastAt = isOverlapping ? bytes.length - WORD_BYTES : 0;
    this.#lastWord = isOverlapping ? view.getInt32(this.#lastAt, true) : 0;
  }

  /** Checks whether the bytes at `offset` are the same. `end` is where the valid part of `bytes` ends. */
  matches(bytes: DataView, offset: number, end: number): boolean {
    const { length } = this;
    if (offset + length > end) return false;
    if (length < WORD_BYTES) return this.#matchesByByte(bytes, offset);
    const words = this.#words;
    let from = offset;
    for (let index = 0; index < words.length; index += 1) {
      if (bytes.getInt32(from, true) !== words[index]) return false;
      from += WORD_BYTES;
    }
    return this.#lastAt === 0 || bytes.getInt32(offset + this.#lastAt, true) === this.#lastWord;
  }

  /** Writes the bytes, and returns the end of what was written. */
  write(target: DataView, offset: number): number {
    const { length } = this;
    if (length < WORD_BYTES) return this.#writeByByte(target, offset);
    const words = this.#words;
    let to = offset;
    for (let index = 0; index < words.length; index += 1) {
      target.setInt32(to, words[index] ?? 0, true);
      to += WORD_BYTES;
    }
    if (this.#lastAt !== 0) target.setInt32(offset + this.#lastAt, this.#lastWord, true);
    return offset + length;
  }

  #matchesByByte(bytes: DataView, offset: number): boolean {
    const own = this.#bytes;
    for (let index = 0; index < own.length; index += 1) if (bytes.getUint8(offset + index) !== own[index]) return false;
    return true;
  }

  #writeByByte(target: DataView, offset: number): number {
    const own = this.#bytes;
    for (let index = 0; index < own.length; index += 1) target.setUint8(offset + index, own[index] ?? 0);
    return offset + own.length;
  }
}

/** Returns a view of the same bytes, for access to words. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The maximum number of bytes that `copyWords` overwrites after the copy. */
export const MOST_OVERWRITTEN_BYTES = 4;

/**
 * Copies ASCII characters that are not below `lowest` and neither quotes nor backslashes, four bytes at a time. Stops before the first
 * other byte, or at most three bytes before `end`.
 *
 * @param end where the valid part of the source ends. It is not read from the view, because V8 11 calls a function for that.
 * @param target has room for the copy and `MOST_OVERWRITTEN_BYTES`, which may be overwritten.
 * @param lowest the lowest ASCII code that is copied, repeated in all four bytes of the number: 0x20202020 for a space.
 * @returns the end of what was copied.
 */
export function copyWords(
  source: DataView,
  offset: number,
  end: number,
  target: DataView,
  to: number,
  lowest: number,
): number {
  const last = end - 4;
  const distance = to - offset;
  let from = offset;
  while (from <= last) {
    const word = source.getInt32(from, true);
    target.setInt32(from + distance, word, true);
    const quotes = word ^ 0x22222222;
    const backslashes = word ^ 0x5c5c5c5c;
    // The highest bit of a byte is set if the byte is beyond ASCII, too low, a quote or a backslash. After the first such byte, the
    // bits of other bytes may be set, too.
    const found =
      (word |
        ((word - lowest) & ~word) |
        ((quotes - 0x01010101) & ~quotes) |
        ((backslashes - 0x01010101) & ~backslashes)) &
      0x80808080;
    if (found !== 0) return from + ((31 - Math.clz32(found & -found)) >> 3);
    from += 4;
  }
  return from;
}

/**
 * Returns the place of the first quote or backslash at or after `offset`, or a place before it. Looks at four bytes at a time, and stops at
 * most three bytes before `end`.
 */
export function skipWords(bytes: DataView, offset: number, end: number): number {
  const last = end - 4;
  let from = offset;
  while (from <= last) {
    const word = bytes.getInt32(from, true);
    const quotes = word ^ 0x22222222;
    const backslashes = word ^ 0x5c5c5c5c;
    const found = (((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes)) & 0x80808080;
    if (found !== 0) return from + ((31 - Math.clz32(found & -found)) >> 3);
    from += 4;
  }
  return from;
}
