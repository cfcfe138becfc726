import { part } from './elements.js';
import { lookNow } from './live.js';
import { LiveList } from './live-list.js';

/** Rows shown at first, and more with each click. */
const ROWS = 50;

/**
 * A list whose newest rows are shown, and more of them when they are asked for. Beside the element of its id the page has
 * one for `…-none` and `…-more`.
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
   * @param {string} options.nothing what is said when there is no row
   * @param {(limit: number) => Promise<Item[]>} options.ask for at most so many, newest first
   * @param {(item: Item) => string} options.keyOf
   * @param {(item: Item) => HTMLElement} options.make
   */
  constructor({ ask, id, keyOf, make, nothing }) {
    this.#ask = ask;
    this.#nothing = nothing;
    this.#rows = new LiveList(part(id, HTMLElement), keyOf, make);
    this.#none = part(`${id}-none`, HTMLElement);
    this.#more = part(`${id}-more`, HTMLButtonElement);
    this.#more.addEventListener('click', () => {
      this.#limit += ROWS;
      lookNow();
    });
  }

  /** Asks for the rows again. */
  async refresh() {
    const limit = this.#limit;
    const items = await this.#ask(limit);
    this.#rows.show(items);
    this.#none.textContent = this.#nothing;
    this.#none.hidden = items.length > 0;
    this.#more.hidden = items.length < limit;
  }
}
