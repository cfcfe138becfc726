import type { ItemNumber } from '../byte-arena.ts';
import type { RowGroup } from './checkpoints.ts';

/**
 * Where the items of the arena came from: each event, and each part of a row with attributes. The origin of an item is kept until
 * the number of the item is reused for another item.
 */
export class RowOrigins {
  readonly #groups: RowGroup[] = [];
  readonly #lines: (string | undefined)[] = [];

  /**
   * @param group the group of the item's row.
   * @param line the row's line if rejected rows are stored.
   */
  set(item: ItemNumber, group: RowGroup, line: string | undefined): void {
    this.#groups[item] = group;
    this.#lines[item] = line;
  }

  /** Returns the group of the item's row. */
  groupOf(item: ItemNumber): RowGroup {
    const group = this.#groups[item];
    if (group === undefined) throw new Error('An item was never added.');
    return group;
  }

  /**
   * Returns the line of the item's row, and forgets it. All parts of a row refer to the line, and a settled part must not keep the
   * line in memory.
   */
  takeLine(item: ItemNumber): string | undefined {
    const line = this.#lines[item];
    this.#lines[item] = undefined;
    return line;
  }
}
