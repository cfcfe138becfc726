import { Int32Table } from './int32-table.ts';

/**
 * The size of a slab in bytes. It is small compared with the memory of all waiting events, so that a slab with only a few items
 * left in it ties up little memory.
 */
const SLAB_BYTES = 64 * 1024;

/** The maximum number of UTF-8 bytes for one UTF-16 unit of a string. */
const MAX_BYTES_PER_UNIT = 3;

/** The maximum size of an item, in bytes, that a loop copies faster than a call of `Buffer.copy`. */
const MAX_BYTES_PER_LOOP = 32;

/** The columns of the table of items: the number of the item's slab, and where the item begins and ends in the slab. */
const SLAB = 0;
const START = 1;
const END = 2;
const ITEM_COLUMNS = 3;

/** A buffer for the bytes of many items. It is reused once all of them are released. */
export type Slab = {
  /** The number of the slab in its arena. */
  readonly number: number;
  readonly bytes: Buffer;
  /** A view of the same bytes, for reading and writing four bytes at a time. */
  readonly view: DataView;
  /** The number of items in the slab that are not released. */
  items: number;
  /** The end of the last item. */
  used: number;
};

/**
 * The number of an item in an arena. After the item is released, another one may get the same number. The numbers are small, so
 * data about items can be kept in arrays. When each item was an object, the garbage collector took 10 % of the time.
 */
export type ItemNumber = number;

/**
 * Holds many small pieces of JSON (the items) as bytes in UTF-8, until they are released. The arena consists of slabs, so memory is
 * allocated per slab and not per item.
 */
export class ByteArena {
  /** The slabs by their numbers. */
  readonly #slabs: Slab[] = [];
  readonly #freeSlabNumbers: number[] = [];
  /** Slabs without items. */
  readonly #freeSlabs: Slab[] = [];
  #current = this.#addSlab(SLAB_BYTES);
  #heldBytes = 0;
  readonly #items = new Int32Table(ITEM_COLUMNS);
  /** The number of rows in the table of items that have ever been used. */
  #usedRows = 0;
  readonly #freeNumbers: ItemNumber[] = [];

  /** The total size of the slabs that contain items, in bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Returns a slab that has at least `bytes` free bytes after `used`. */
  reserve(bytes: number): Slab {
    const current = this.#current;
    if (current.bytes.length - current.used >= bytes) return current;
    // `release` does not recycle the current slab, so the current slab is recycled here if it is empty.
    if (current.items === 0) this.#recycle(current);
    this.#current = bytes > SLAB_BYTES ? this.#addSlab(bytes) : (this.#freeSlabs.pop() ?? this.#addSlab(SLAB_BYTES));
    return this.#current;
  }

  /** Adds an item that was written to the reserved slab, after `used`. */
  commit(slab: Slab, start: number, end: number): ItemNumber {
    if (slab.items === 0) this.#heldBytes += slab.bytes.length;
    slab.items += 1;
    slab.used = end;
    const item = this.#freeNumbers.pop() ?? this.#addRow();
    this.#items.set(item, SLAB, slab.number);
    this.#items.set(item, START, start);
    this.#items.set(item, END, end);
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
    return this.#items.get(item, END) - this.#items.get(item, START);
  }

  /** Returns the JSON of an item. */
  read(item: ItemNumber): string {
    return this.#slabOf(item).bytes.toString('utf8', this.#items.get(item, START), this.#items.get(item, END));
  }

  /** Checks whether an item consists of the bytes from `start` to `end`. `view` is a view of `bytes`. */
  equals(item: ItemNumber, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const slab = this.#slabOf(item);
    if (this.countBytes(item) !== end - start) return false;
    let own = this.#items.get(item, START);
    let at = start;
    for (; at + 4 <= end; at += 4, own += 4) if (slab.view.getInt32(own) !== view.getInt32(at)) return false;
    for (; at < end; at += 1, own += 1) if (slab.bytes[own] !== bytes[at]) return false;
    return true;
  }

  /** Copies an item to `offset`, and returns the end of the copy. */
  copy(item: ItemNumber, target: Buffer, offset: number): number {
    const slab = this.#slabOf(item);
    const bytes = this.countBytes(item);
    const start = this.#items.get(item, START);
    if (bytes > MAX_BYTES_PER_LOOP) slab.bytes.copy(target, offset, start, start + bytes);
    else {
      for (let index = 0; index < bytes; index += 1) target[offset + index] = slab.bytes[start + index] ?? 0;
    }
    return offset + bytes;
  }

  /** Frees the bytes and the number of an item. */
  release(item: ItemNumber): void {
    this.#freeNumbers.push(item);
    const slab = this.#slabOf(item);
    slab.items -= 1;
    if (slab.items > 0) return;
    this.#heldBytes -= slab.bytes.length;
    slab.used = 0;
    if (slab !== this.#current) this.#recycle(slab);
  }

  #slabOf(item: ItemNumber): Slab {
    return this.#slabs[this.#items.get(item, SLAB)] ?? NO_SLAB;
  }

  #addRow(): ItemNumber {
    const item = this.#usedRows;
    this.#usedRows += 1;
    this.#items.reserve(item);
    return item;
  }

  #addSlab(bytes: number): Slab {
    const slab = createSlab(bytes, this.#freeSlabNumbers.pop() ?? this.#slabs.length);
    this.#slabs[slab.number] = slab;
    return slab;
  }

  /** Keeps an empty slab for other items. A slab for one large item is freed instead. */
  #recycle(slab: Slab): void {
    if (slab.bytes.length === SLAB_BYTES) {
      this.#freeSlabs.push(slab);
      return;
    }
    this.#slabs[slab.number] = NO_SLAB;
    this.#freeSlabNumbers.push(slab.number);
  }
}

/** Creates a slab of this size. */
export function createSlab(bytes: number, number = 0): Slab {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return { number, bytes: buffer, view: new DataView(buffer.buffer), items: 0, used: 0 };
}

/** Takes the place of a slab that was freed. */
const NO_SLAB = createSlab(0);
