import type { ItemNumber } from '../byte-arena.ts';
import type { TrackedRows } from './checkpoints.ts';

/**
 * Where the items of the arena came from: each event, and each part of a row with attributes. The numbers of items are reused, so
 * an item keeps its origin until another item has its number.
 */
export class RowOrigins {
  readonly #entries: TrackedRows[] = [];
  readonly #lines: (string | undefined)[] = [];

  /**
   * @param entry counts the item's row.
   * @param line the row's line if rejected rows are stored.
   */
  set(item: ItemNumber, entry: TrackedRows, line: string | undefined): void {
    this.#entries[item] = entry;
    this.#lines[item] = line;
  }

  /** Returns the entry that counts the item's row. */
  entryOf(item: ItemNumber): TrackedRows {
    const entry = this.#entries[item];
    if (entry === undefined) throw new Error('An item was never added.');
    return entry;
  }

  /**
   * Returns the line of the item's row, and forgets it. Each part of a row has the line: a settled one must not keep it in memory.
   */
  takeLine(item: ItemNumber): string | undefined {
    const line = this.#lines[item];
    this.#lines[item] = undefined;
    return line;
  }
}
