/**
 * A list that is shown again and again, and keeps the rows that it has: one that is open or has the focus stays so.
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
  /** @type {Map<string, { content: string, row: HTMLElement }>} */
  #rows = new Map();

  /**
   * @param {Element} list
   * @param {(item: Item) => string} keyOf what tells one item from another
   * @param {(item: Item) => HTMLElement} make its row
   */
  constructor(list, keyOf, make) {
    this.#list = list;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  /** @param {readonly Item[]} items in the order in which they are to stand */
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
    // A row that was moved or made anew has lost the focus.
    const row = focused === undefined ? undefined : this.#rows.get(focused)?.row;
    if (row === undefined || row.contains(document.activeElement)) return;
    const inside = row.querySelector('button, summary');
    if (inside instanceof HTMLElement) inside.focus({ preventScroll: true });
  }

  /** The row that is there if its item is still the same, or a new one. @param {Item} item */
  #keepOrCreateRow(item) {
    const content = JSON.stringify(item);
    const known = this.#rows.get(this.#keyOf(item));
    return known?.content === content ? known : { content, row: this.#make(item) };
  }
}
