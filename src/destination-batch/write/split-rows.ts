import type { ItemNumber } from '../byte-arena.ts';
import type { Outcome } from '../delivery/post-updates.ts';

/** A row whose parts are not all settled, and the outcomes of those that are. */
type SplitRow = { parts: number; outcomes: Outcome[] };

/** Rows with more attributes than an update may have. Their parts are sent one after another, and settle the row together. */
export class SplitRows {
  readonly #rows = new Map<ItemNumber, SplitRow>();

  /** Whether every item is a whole row. */
  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  add(parts: readonly ItemNumber[]): void {
    if (parts.length < 2) return;
    const row = { parts: parts.length, outcomes: [] };
    for (const part of parts) this.#rows.set(part, row);
  }

  /**
   * Settles an item. Returns the outcome of its row, or undefined if other parts of the row are not settled. A row is rejected if
   * one of its parts is; but a row of which Batch has refused only some attributes is accepted, as it is in one part.
   */
  settle(item: ItemNumber, outcome: Outcome): Outcome | undefined {
    const row = this.#rows.get(item);
    if (row === undefined) return outcome;
    this.#rows.delete(item);
    row.outcomes.push(outcome);
    if (row.outcomes.length < row.parts) return undefined;
    const isRefused = (each: Outcome): boolean => each.kind === 'rejected' && !each.onlyAttributes;
    return row.outcomes.find(isRefused) ?? row.outcomes.find(({ kind }) => kind === 'accepted') ?? outcome;
  }
}
