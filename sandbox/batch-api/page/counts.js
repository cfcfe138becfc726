import { html, part } from './elements.js';
import { countText } from './format.js';

/**
 * @typedef {object} Stats
 * @property {number} requests
 * @property {Record<string, number>} answers
 * @property {number} updates_accepted
 * @property {number} events_accepted
 * @property {number} updates_refused
 * @property {number} events_refused
 * @property {number} attributes_refused
 * @property {{ update: { left: number }, 'mass-update': { left: number } }} tokens
 */

/** @param {Stats} stats */
export function showCounts(stats) {
  const answers = Object.entries(stats.answers)
    .map(([status, count]) => `${status === 'none' ? 'no answer' : status} × ${countText(count)}`)
    .join(', ');
  part('counts', HTMLDListElement).replaceChildren(
    count('Requests', stats.requests, answers),
    count('Updates accepted', stats.updates_accepted),
    count('Events accepted', stats.events_accepted),
    count('Updates rejected', stats.updates_refused),
    count('Events rejected', stats.events_refused),
    count('Attributes rejected', stats.attributes_refused),
  );
}

/**
 * @param {string} name
 * @param {number} number
 * @param {string} [more]
 */
function count(name, number, more = '') {
  return html(
    'div',
    {},
    html('dt', {}, name),
    html(
      'dd',
      { class: number === 0 ? 'zero' : undefined },
      countText(number),
      ...(more === '' ? [] : [html('small', {}, more)]),
    ),
  );
}
