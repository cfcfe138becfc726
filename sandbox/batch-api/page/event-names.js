import { getJson } from './ask.js';
import { html } from './elements.js';
import { formatCount, formatTime } from './format.js';
import { GrowingList } from './growing-list.js';
import { lookNow } from './live.js';
import { chooseName, chosenName } from './newest-events.js';

/**
 * @typedef {object} NameCount
 * @property {string} name
 * @property {number} count
 * @property {string} last_received_at
 * @property {number} share of the most frequent name, from 0 to 1
 * @property {boolean} isChosen
 */

export const names = new GrowingList({
  id: 'names',
  nothing: 'No events yet.',
  ask: async (limit) => {
    /** @type {Omit<NameCount, 'share' | 'isChosen'>[]} */
    const counts = await getJson('event-names');
    const most = counts[0]?.count ?? 1;
    return counts.slice(0, limit).map((counted) => {
      return { ...counted, share: counted.count / most, isChosen: counted.name === chosenName() };
    });
  },
  keyOf: ({ name }) => name,
  make: createRow,
});

/** @param {NameCount} counted */
function createRow({ count, isChosen, last_received_at, name, share }) {
  const bar = html('span', { class: 'bar' });
  // The page's policy allows this, but no style attribute.
  bar.style.width = `${100 * share}%`;
  const button = html(
    'button',
    { type: 'button', 'aria-pressed': isChosen ? 'true' : 'false' },
    html('span', { class: 'name' }, name),
    html('span', { class: 'number' }, formatCount(count)),
    html('time', { datetime: last_received_at }, `last ${formatTime(last_received_at)}`),
    bar,
  );
  button.addEventListener('click', () => {
    chooseName(isChosen ? undefined : name);
    lookNow();
  });
  return html('li', {}, button);
}
