import type { ItemNumber } from '../byte-arena.ts';
import type { Outcome } from '../delivery/post-updates.ts';

/** A row that is not settled yet: the number of its parts, and the outcomes of the settled parts. */
type SplitRow = { parts: number; outcomes: Outcome[] };

/**
 * Rows with more attributes than an update may have. The parts of a row are sent one after another. The row is settled when all of
 * them are.
 */
export class SplitRows {
  readonly #rows = new Map<ItemNumber, SplitRow>();

  /** Whether every unsettled item is a whole row. */
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
   * Batch refused one of its parts as a whole. If Batch refused only attributes, the row is rejected only if none of its attributes
   * was accepted, as for a row in one part.
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
