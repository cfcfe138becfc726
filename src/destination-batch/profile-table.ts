import { QUOTE } from '../shared/ascii.ts';
import { ByteArena, type ItemNumber } from './byte-arena.ts';
import { isPlain } from './mapping/text.ts';

/** The number of a profile in the table, until the profile is removed. */
export type ProfileNumber = ItemNumber;

/** No profile: the end of a bucket. */
const NONE = -1;

/** A power of two, and more than the number of profiles that are usually in the table (see UpdateBatcher), so that buckets are short. */
const BUCKETS = 65_536;

/** The size of the buffer for ids that are given as strings, in bytes. It is enough for nearly all of them. */
const TEXT_BYTES = 1_024;

/** The parameters of the FNV-1a hash function. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * A hash table of profiles by the bytes of their ids. With a Map, each event would need a string for the id of its profile, and the
 * `write` command would be 8 % slower.
 */
export class ProfileTable {
  /** The JSON of the ids, as JSON.stringify writes it. */
  readonly #ids = new ByteArena();
  /** For each bucket, its first profile. */
  readonly #first = new Int32Array(BUCKETS).fill(NONE);
  /** For each profile, its hash, and the next profile in the same bucket. */
  readonly #hashes: number[] = [];
  readonly #next: ProfileNumber[] = [];
  readonly #text = Buffer.alloc(TEXT_BYTES);
  #size = 0;

  /** The number of profiles. */
  get size(): number {
    return this.#size;
  }

  /**
   * Finds the profile with this id, or adds it.
   *
   * @param bytes contains the JSON of the id from `start` to `end`, as JSON.stringify writes it, in UTF-8.
   */
  find(bytes: Uint8Array, start: number, end: number): ProfileNumber {
    const hash = hashBytes(bytes, start, end);
    let profile = this.#first[hash & (BUCKETS - 1)] ?? NONE;
    while (profile !== NONE) {
      if (this.#hashes[profile] === hash && this.#ids.equals(profile, bytes, start, end)) return profile;
      profile = this.#next[profile] ?? NONE;
    }
    return this.#add(hash, bytes, start, end);
  }

  /** Finds the profile with this id, or adds it. */
  findText(customId: string): ProfileNumber {
    const text = this.#text;
    const { length } = customId;
    if (length + 2 > TEXT_BYTES) return this.#findJson(customId);
    text[0] = QUOTE;
    for (let index = 0; index < length; index += 1) {
      const code = customId.charCodeAt(index);
      if (!isPlain(code)) return this.#findJson(customId);
      text[index + 1] = code;
    }
    text[length + 1] = QUOTE;
    return this.find(text, 0, length + 2);
  }

  #findJson(customId: string): ProfileNumber {
    const json = Buffer.from(JSON.stringify(customId));
    return this.find(json, 0, json.length);
  }

  /** Returns the id of a profile. */
  readCustomId(profile: ProfileNumber): string {
    return String(JSON.parse(this.#ids.read(profile)));
  }

  /** Returns the size of the JSON of the id, in bytes. */
  countIdBytes(profile: ProfileNumber): number {
    return this.#ids.countBytes(profile);
  }

  /** Copies the JSON of the id to `offset`, and returns the end of the copy. */
  copyId(profile: ProfileNumber, target: Buffer, offset: number): number {
    return this.#ids.copy(profile, target, offset);
  }

  remove(profile: ProfileNumber): void {
    const bucket = (this.#hashes[profile] ?? 0) & (BUCKETS - 1);
    const next = this.#next[profile] ?? NONE;
    let before = this.#first[bucket] ?? NONE;
    if (before === profile) this.#first[bucket] = next;
    else {
      while (this.#next[before] !== profile) before = this.#next[before] ?? NONE;
      this.#next[before] = next;
    }
    this.#ids.release(profile);
    this.#size -= 1;
  }

  #add(hash: number, bytes: Uint8Array, start: number, end: number): ProfileNumber {
    const slab = this.#ids.reserve(end - start);
    const from = slab.used;
    slab.bytes.set(bytes.subarray(start, end), from);
    const profile = this.#ids.commit(slab, from, from + end - start);
    const bucket = hash & (BUCKETS - 1);
    this.#hashes[profile] = hash;
    this.#next[profile] = this.#first[bucket] ?? NONE;
    this.#first[bucket] = profile;
    this.#size += 1;
    return profile;
  }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let index = start; index < end; index += 1) hash = Math.imul(hash ^ (bytes[index] ?? 0), FNV_PRIME);
  // The lowest bits, which select the bucket, then depend on the highest ones too.
  return hash ^ (hash >>> 15);
}
