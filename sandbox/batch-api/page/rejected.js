import { getJson } from './ask.js';
import { html } from './elements.js';
import { indentJson } from './exact-json.js';
import { formatTime } from './format.js';
import { GrowingList } from './growing-list.js';

/**
 * @typedef {object} RejectedEntry
 * @property {number} seq
 * @property {string} time
 * @property {number} request
 * @property {number} bulk_index
 * @property {string} category
 * @property {string} [attribute]
 * @property {string} reason
 * @property {string | null} custom_id
 * @property {string | null} update
 */

export const rejected = new GrowingList({
  id: 'rejected',
  nothing: 'Nothing rejected yet.',
  ask: async (limit) => {
    /** @type {RejectedEntry[]} */
    const entries = await getJson('rejected', { limit });
    return entries.reverse();
  },
  keyOf: ({ seq, time }) => `${seq} ${time}`,
  make: createRow,
});

/** @param {RejectedEntry} entry */
function createRow({ attribute, bulk_index, category, custom_id, reason, request, time, update }) {
  return html(
    'li',
    {},
    html(
      'details',
      {},
      html(
        'summary',
        { class: 'rejection' },
        html('bdi', { class: 'id' }, custom_id ?? 'no custom_id'),
        html('time', { datetime: time }, formatTime(time)),
        html('span', { class: 'reason' }, attribute === undefined ? reason : `${attribute}: ${reason}`),
        html('span', { class: 'category' }, category),
      ),
      html('p', {}, `bulk_index ${bulk_index} of request ${request + 1}, ${time}`),
      update === null
        ? html('p', { class: 'none' }, 'The call contained no such update.')
        : html('pre', {}, indentJson(update)),
    ),
  );
}
