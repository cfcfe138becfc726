import { part } from './elements.js';
import { lookNow } from './live.js';
import { LiveList } from './live-list.js';

/** How many rows are shown at first, and added with each click. */
const ROWS = 50;

/**
 * A list that shows its newest rows, and more on request. Besides the element with its id, the page has one for `…-none`
 * and one for `…-more`.
 *
 * @template Item
 */
export class GrowingList {
  /** @type {(limit: number) => Promise<Item[]>} */
  #ask;
  /** @type {LiveList<Item>} */
  #rows;
  #none;
  #more;
  #nothing;
  #limit = ROWS;

  /**
   * @param {object} options
   * @param {string} options.id
   * @param {string} options.nothing what is shown when there are no rows
   * @param {(limit: number) => Promise<Item[]>} options.ask returns at most `limit` items, newest first
   * @param {(item: Item) => string} options.keyOf
   * @param {(item: Item) => HTMLElement} options.make creates a row
   * @param {(row: HTMLElement, item: Item) => void} [options.update] changes a row; without it, a changed row is created again
   */
  constructor({ ask, id, keyOf, make, nothing, update }) {
    this.#ask = ask;
    this.#nothing = nothing;
    this.#rows = new LiveList(part(id, HTMLElement), keyOf, make, update);
    this.#none = part(`${id}-none`, HTMLElement);
    this.#more = part(`${id}-more`, HTMLButtonElement);
    this.#more.addEventListener('click', () => {
      this.#limit += ROWS;
      lookNow();
    });
  }

  /** Loads the rows again. */
  async refresh() {
    const limit = this.#limit;
    const items = await this.#ask(limit);
    this.#rows.show(items);
    this.#none.textContent = this.#nothing;
    this.#none.hidden = items.length > 0;
    this.#more.hidden = items.length < limit;
  }
}
