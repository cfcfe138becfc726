import { html, part } from './elements.js';
import { formatCount } from './format.js';

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
    .map(([status, count]) => `${status === 'none' ? 'no answer' : status} × ${formatCount(count)}`)
    .join(', ');
  part('counts', HTMLDListElement).replaceChildren(
    createCount('Requests', stats.requests, answers),
    createCount('Updates accepted', stats.updates_accepted),
    createCount('Events accepted', stats.events_accepted),
    createCount('Updates rejected', stats.updates_refused),
    createCount('Events rejected', stats.events_refused),
    createCount('Attributes rejected', stats.attributes_refused),
  );
}

/**
 * @param {string} name
 * @param {number} number
 * @param {string} [more]
 */
function createCount(name, number, more = '') {
  return html(
    'div',
    {},
    html('dt', {}, name),
    html(
      'dd',
      { class: number === 0 ? 'zero' : undefined },
      formatCount(number),
      ...(more === '' ? [] : [html('small', {}, more)]),
    ),
  );
}
