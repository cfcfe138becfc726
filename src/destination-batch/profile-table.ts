import { QUOTE } from '../shared/ascii.ts';
import { viewOf } from '../shared/byte-pattern.ts';
import { ByteArena, type ItemNumber } from './byte-arena.ts';
import { Int32Table } from './int32-table.ts';
import { isUnescapedAsciiCode } from './mapping/text.ts';

/** The number of a profile in the table, until the profile is removed. */
export type ProfileNumber = ItemNumber;

/** The columns of the table of profiles: the hash of the id, and the next profile in the same bucket. */
const HASH = 0;
const NEXT = 1;
const PROFILE_COLUMNS = 2;

/** No profile: the end of a bucket. */
const NONE = -1;

/**
 * The number of buckets. It is a power of two, and larger than the usual number of profiles (see UpdateBatcher), so that buckets
 * are short.
 */
const BUCKETS = 65_536;

/** The size of the buffer for ids that are given as strings, in bytes. It is enough for nearly all of them. */
const TEXT_BYTES = 1_024;

/** The parameters of the FNV-1a hash function. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * A hash table that finds a profile by the bytes of its id. With a Map, each event would need a string for the id of its profile,
 * and the `write` command would be 8 % slower.
 */
export class ProfileTable {
  /** The JSON of the ids, as JSON.stringify writes it. */
  readonly #ids = new ByteArena();
  /** For each bucket, its first profile. */
  readonly #first = new Int32Array(BUCKETS).fill(NONE);
  readonly #profiles = new Int32Table(PROFILE_COLUMNS);
  readonly #text = Buffer.alloc(TEXT_BYTES);
  readonly #textView = viewOf(this.#text);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Finds the profile with this id, or adds it.
   *
   * @param bytes contains the JSON of the id from `start` to `end`, as JSON.stringify writes it, in UTF-8. `view` is a view of
   *   `bytes`.
   */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): ProfileNumber {
    const hash = hashBytes(bytes, view, start, end);
    let profile = this.#first[hash & (BUCKETS - 1)] ?? NONE;
    while (profile !== NONE) {
      if (this.#profiles.get(profile, HASH) === hash && this.#ids.equals(profile, bytes, view, start, end))
        return profile;
      profile = this.#profiles.get(profile, NEXT);
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
      if (!isUnescapedAsciiCode(code)) return this.#findJson(customId);
      text[index + 1] = code;
    }
    text[length + 1] = QUOTE;
    return this.find(text, this.#textView, 0, length + 2);
  }

  #findJson(customId: string): ProfileNumber {
    const json = Buffer.from(JSON.stringify(customId));
    return this.find(json, viewOf(json), 0, json.length);
  }

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
    const bucket = this.#profiles.get(profile, HASH) & (BUCKETS - 1);
    const next = this.#profiles.get(profile, NEXT);
    let before = this.#first[bucket] ?? NONE;
    if (before === profile) this.#first[bucket] = next;
    else {
      while (this.#profiles.get(before, NEXT) !== profile) before = this.#profiles.get(before, NEXT);
      this.#profiles.set(before, NEXT, next);
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
    this.#profiles.reserve(profile);
    this.#profiles.set(profile, HASH, hash);
    this.#profiles.set(profile, NEXT, this.#first[bucket] ?? NONE);
    this.#first[bucket] = profile;
    this.#size += 1;
    return profile;
  }
}

/** FNV-1a, but four bytes at a time. */
function hashBytes(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let hash = FNV_OFFSET;
  let at = start;
  for (; at + 4 <= end; at += 4) hash = mix(hash, view.getInt32(at, true));
  for (; at < end; at += 1) hash = mix(hash, bytes[at] ?? 0);
  return hash;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, FNV_PRIME);
  // This makes the lowest bits, which select the bucket, depend on the highest ones too.
  return mixed ^ (mixed >>> 15);
}
