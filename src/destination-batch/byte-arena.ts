/**
 * The size of a slab in bytes. It is small compared with the memory of all waiting events, so that a slab with only a few items
 * left in it ties up little memory.
 */
const SLAB_BYTES = 64 * 1024;

/** The maximum number of UTF-8 bytes for one UTF-16 unit of a string. */
const MAX_BYTES_PER_UNIT = 3;

/** The size up to which a loop copies an item faster than a call, in bytes. */
const MAX_BYTES_PER_LOOP = 32;

/** A buffer for the bytes of many items. It is reused once all of them are released. */
export type Slab = {
  readonly bytes: Buffer;
  /** A view of the same bytes, for reading and writing four bytes at a time. */
  readonly view: DataView;
  /** The number of items in it that are not released. */
  items: number;
  /** The end of the last item. */
  used: number;
};

/**
 * The number of an item in an arena. After the item is released, another one may get the same number. The numbers are small, so
 * data about items can be kept in arrays. With an object for each item, the garbage collector took 10 % of the time.
 */
export type ItemNumber = number;

/**
 * Holds many small pieces of JSON (the items) as bytes in UTF-8, until they are released. The arena consists of slabs, so memory is
 * allocated per slab and not per item.
 */
export class ByteArena {
  #current: Slab = createSlab(SLAB_BYTES);
  /** Slabs without items. */
  readonly #freeSlabs: Slab[] = [];
  #heldBytes = 0;
  /** For each item, its slab, and where it begins and ends in the slab. */
  readonly #slabs: Slab[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #freeNumbers: ItemNumber[] = [];

  /** The total size of the slabs that contain items, in bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Returns a slab that has at least `bytes` free bytes after `used`. */
  reserve(bytes: number): Slab {
    const current = this.#current;
    if (current.bytes.length - current.used >= bytes) return current;
    // `release` is never called for a slab without items, so it is recycled here.
    if (current.items === 0) this.#recycle(current);
    this.#current = bytes > SLAB_BYTES ? createSlab(bytes) : (this.#freeSlabs.pop() ?? createSlab(SLAB_BYTES));
    return this.#current;
  }

  /** Adds an item that was written to the reserved slab, after `used`. */
  commit(slab: Slab, start: number, end: number): ItemNumber {
    if (slab.items === 0) this.#heldBytes += slab.bytes.length;
    slab.items += 1;
    slab.used = end;
    const item = this.#freeNumbers.pop() ?? this.#slabs.length;
    this.#slabs[item] = slab;
    this.#starts[item] = start;
    this.#ends[item] = end;
    return item;
  }

  /** Writes an item to a slab, without adding it. Returns the arguments for `commit`. */
  write(json: string): [slab: Slab, start: number, end: number] {
    // Counting the bytes first would take about as long as writing them.
    const mostBytes = json.length * MAX_BYTES_PER_UNIT;
    const slab = this.reserve(mostBytes > SLAB_BYTES ? Buffer.byteLength(json) : mostBytes);
    const start = slab.used;
    return [slab, start, start + slab.bytes.write(json, start)];
  }

  /** Writes and adds an item. */
  add(json: string): ItemNumber {
    return this.commit(...this.write(json));
  }

  /** Returns the size of an item in bytes. */
  countBytes(item: ItemNumber): number {
    return (this.#ends[item] ?? 0) - (this.#starts[item] ?? 0);
  }

  /** Returns the JSON of an item. */
  read(item: ItemNumber): string {
    return this.#slabs[item]?.bytes.toString('utf8', this.#starts[item], this.#ends[item]) ?? '';
  }

  /** Checks whether an item consists of these bytes. */
  equals(item: ItemNumber, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#slabs[item]?.bytes;
    if (own === undefined || this.countBytes(item) !== end - start) return false;
    let at = this.#starts[item] ?? 0;
    for (let index = start; index < end; index += 1) if (own[at++] !== bytes[index]) return false;
    return true;
  }

  /** Copies an item to `offset`, and returns the end of the copy. */
  copy(item: ItemNumber, target: Buffer, offset: number): number {
    const slab = this.#slabs[item];
    if (slab === undefined) return offset;
    const bytes = this.countBytes(item);
    const start = this.#starts[item] ?? 0;
    if (bytes > MAX_BYTES_PER_LOOP) {
      // V8 optimizes this array away, so this is twice as fast as Buffer.copy.
      target.set(new Uint8Array(slab.bytes.buffer, start, bytes), offset);
    } else {
      for (let index = 0; index < bytes; index += 1) target[offset + index] = slab.bytes[start + index] ?? 0;
    }
    return offset + bytes;
  }

  /** Frees the bytes and the number of an item. */
  release(item: ItemNumber): void {
    this.#freeNumbers.push(item);
    const slab = this.#slabs[item];
    if (slab === undefined) return;
    slab.items -= 1;
    if (slab.items > 0) return;
    this.#heldBytes -= slab.bytes.length;
    slab.used = 0;
    if (slab !== this.#current) this.#recycle(slab);
  }

  #recycle(slab: Slab): void {
    if (slab.bytes.length === SLAB_BYTES) this.#freeSlabs.push(slab);
  }
}

/** Creates a slab of this size. */
export function createSlab(bytes: number): Slab {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return { bytes: buffer, view: new DataView(buffer.buffer), items: 0, used: 0 };
}
