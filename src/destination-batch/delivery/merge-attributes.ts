import { bareName, isArrayEdit, type RowAttribute, readAttributeRow, writeAttributes } from '../attribute-rows.ts';
import type { ByteArena, ItemNumber } from '../byte-arena.ts';

/** Rows with attributes of one profile that are sent in one update. `json` contains their attributes, without the braces. */
export type MergedRows = { readonly rows: readonly ItemNumber[]; readonly json: Buffer };

/**
 * Merges rows of one profile, from the oldest to the newest. Of each attribute, the newest value is kept. The result is the same as
 * if each row were sent by itself.
 */
export class AttributeMerger {
  readonly #maxAttributes: number;
  /** The newest value of each attribute, by its name without its type. */
  readonly #attributes = new Map<string, RowAttribute>();
  readonly #rows: ItemNumber[] = [];

  constructor(maxAttributes: number) {
    this.#maxAttributes = maxAttributes;
  }

  /** Adds a row, whose attributes `writeAttributeRow` wrote. Returns false if the row has to be sent in a later update. */
  add(row: ItemNumber, text: string): boolean {
    const attributes = readAttributeRow(text);
    if (this.#rows.length > 0 && !this.#canAdd(attributes)) return false;
    for (const attribute of attributes) this.#attributes.set(bareName(attribute.name), attribute);
    this.#rows.push(row);
    return true;
  }

  /** The merged rows; undefined if there are none. */
  get merged(): MergedRows | undefined {
    if (this.#rows.length === 0) return undefined;
    return { rows: this.#rows, json: Buffer.from(writeAttributes([...this.#attributes.values()])) };
  }

  #canAdd(attributes: readonly RowAttribute[]): boolean {
    let added = 0;
    for (const { name, value } of attributes) {
      if (!this.#attributes.has(bareName(name))) added += 1;
      // An edit depends on the value before it, so it can't replace that value.
      else if (isArrayEdit(value)) return false;
    }
    return this.#attributes.size + added <= this.#maxAttributes;
  }
}

/** Merges some rows of one update. Their attributes are not counted, because all rows of the update were within the limit. */
export function mergeRows(arena: ByteArena, rows: readonly ItemNumber[]): MergedRows | undefined {
  const merger = new AttributeMerger(Number.POSITIVE_INFINITY);
  for (const row of rows) merger.add(row, arena.read(row));
  return merger.merged;
}
