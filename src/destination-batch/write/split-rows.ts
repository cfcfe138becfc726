import type { Outcome } from '../delivery/post-updates.ts';
import type { EventNumber } from '../event-arena.ts';

/** A row whose parts are not all settled. `rejection` is the outcome of the first part that was rejected. */
type SplitRow = { partsLeft: number; rejected: Outcome | undefined };

/** Rows with more attributes than an update may have. Their parts are sent one after another, and settle the row together. */
export class SplitRows {
  readonly #rows = new Map<EventNumber, SplitRow>();

  /** Whether every item is a whole row. */
  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  add(parts: readonly EventNumber[]): void {
    if (parts.length < 2) return;
    const row = { partsLeft: parts.length, rejected: undefined };
    for (const part of parts) this.#rows.set(part, row);
  }

  /**
   * Settles an item. Returns the outcome of its row, or undefined if other parts of the row are not settled. A row is rejected if one of
   * its parts is.
   */
  settle(item: EventNumber, outcome: Outcome): Outcome | undefined {
    const row = this.#rows.get(item);
    if (row === undefined) return outcome;
    this.#rows.delete(item);
    row.partsLeft -= 1;
    if (outcome.kind === 'rejected') row.rejected ??= outcome;
    return row.partsLeft > 0 ? undefined : (row.rejected ?? outcome);
  }
}
