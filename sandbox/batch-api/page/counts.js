import { html, part } from './elements.js';
import { formatCount, formatCountOf } from './format.js';
import { explainStatus } from './statuses.js';

/**
 * @typedef {object} Stats
 * @property {number} requests
 * @property {number} profiles
 * @property {Record<string, number>} answers
 * @property {number} events_accepted
 * @property {number} profile_attributes_accepted
 * @property {number} updates_refused
 * @property {number} events_refused
 * @property {number} attributes_refused
 * @property {{ update: { left: number }, 'mass-update': { left: number } }} tokens
 */

/** @param {Stats} stats */
export function showCounts(stats) {
  const answers = Object.entries(stats.answers).map(([status, count]) => {
    return `${formatCount(count)} × ${status === 'none' ? '' : `${status} `}${explainStatus(status)}`;
  });
  const changes = stats.profile_attributes_accepted;
  part('counts', HTMLDListElement).replaceChildren(
    createCount('Events accepted', stats.events_accepted),
    createCount('Profiles', stats.profiles, {
      more: changes === 0 ? [] : [formatCountOf(changes, 'attribute change')],
    }),
    createCount('Events rejected', stats.events_refused, { isRejection: true }),
    createCount('Attributes rejected', stats.attributes_refused, { isRejection: true }),
    // An update with its events is in both counts; the first one shows updates with only attributes, too.
    createCount('Whole updates rejected', stats.updates_refused, { isRejection: true }),
    createCount('Requests', stats.requests, { more: answers }),
  );
}

/**
 * @param {string} name
 * @param {number} number
 * @param {{ isRejection?: boolean, more?: string[] }} [options] a rejection links to the reasons
 */
function createCount(name, number, { isRejection = false, more = [] } = {}) {
  const isLink = isRejection && number > 0;
  return html(
    'div',
    {},
    html('dt', {}, name),
    html(
      'dd',
      { class: number === 0 ? 'zero' : undefined },
      isLink ? html('a', { href: '#rejections-section' }, formatCount(number)) : formatCount(number),
      ...more.map((line) => html('small', {}, line)),
    ),
  );
}
