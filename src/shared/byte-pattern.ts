const WORD_BYTES = 4;

/**
 * A sequence of bytes that is compared or written four bytes at a time. This is several times as fast as byte by byte. If the
 * length is not a multiple of four, the last word overlaps the word before it. A sequence of fewer than four bytes is compared
 * and written byte by byte.
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

  /** Checks whether `bytes` contains this sequence at `offset`. `end` is where the valid part of `bytes` ends. */
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

  /** Writes the sequence at `offset`, and returns the offset after it. */
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
