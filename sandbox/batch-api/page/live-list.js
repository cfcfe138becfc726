/**
 * A list that is updated repeatedly and keeps its rows: an open row stays open, and the focus stays where it is.
 *
 * @template Item
 */
export class LiveList {
  /** @type {Element} */
  #list;
  /** @type {(item: Item) => string} */
  #keyOf;
  /** @type {(item: Item) => HTMLElement} */
  #make;
  /** @type {((row: HTMLElement, item: Item) => void) | undefined} */
  #update;
  /** @type {Map<string, { content: string, row: HTMLElement }>} */
  #rows = new Map();

  /**
   * @param {Element} list
   * @param {(item: Item) => string} keyOf returns the unique key of an item
   * @param {(item: Item) => HTMLElement} make creates its row
   * @param {(row: HTMLElement, item: Item) => void} [update] changes its row; without it, a changed row is created again
   */
  constructor(list, keyOf, make, update) {
    this.#list = list;
    this.#keyOf = keyOf;
    this.#make = make;
    this.#update = update;
  }

  /** @param {readonly Item[]} items in the order in which they are shown */
  show(items) {
    const before = this.#rows;
    const [focused] = [...before].find(([, { row }]) => row.contains(document.activeElement)) ?? [];
    this.#rows = new Map(items.map((item) => [this.#keyOf(item), this.#keepOrCreateRow(item)]));
    const rows = new Set([...this.#rows.values()].map(({ row }) => row));
    for (const { row } of before.values()) if (!rows.has(row)) row.remove();
    let next = this.#list.firstElementChild;
    for (const row of rows) {
      if (row === next) next = next.nextElementSibling;
      else this.#list.insertBefore(row, next);
    }
    // A row that was moved or created again has lost the focus.
    const row = focused === undefined ? undefined : this.#rows.get(focused)?.row;
    if (row === undefined || row.contains(document.activeElement)) return;
    const inside = row.querySelector('button, summary');
    if (inside instanceof HTMLElement) inside.focus({ preventScroll: true });
  }

  /** Returns the existing row, changed if its item has changed, or a new one. @param {Item} item */
  #keepOrCreateRow(item) {
    const content = JSON.stringify(item);
    const known = this.#rows.get(this.#keyOf(item));
    if (known?.content === content) return known;
    if (known === undefined || this.#update === undefined) return { content, row: this.#make(item) };
    this.#update(known.row, item);
    return { content, row: known.row };
  }
}
