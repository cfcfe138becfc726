import { getJson } from './ask.js';
import { html } from './elements.js';
import { indentJson } from './exact-json.js';
import { formatCount, formatId, formatTime } from './format.js';
import { GrowingList } from './growing-list.js';
import { LiveList } from './live-list.js';

/**
 * @typedef {object} RejectedEntry
 * @property {number} seq
 * @property {string} time
 * @property {number} request
 * @property {number} bulk_index
 * @property {string} [attribute]
 * @property {string} reason
 * @property {string | null} custom_id
 * @property {string | null} update
 */

/**
 * @typedef {object} RejectionReason
 * @property {string} category
 * @property {string} [attribute]
 * @property {string} reason
 * @property {number} count
 * @property {string} last_time
 * @property {RejectedEntry[]} examples
 */

/** What is dropped, by the sandbox's categories. A fault can have others. @type {Record<string, string>} */
const DROPPED = { attribute: 'attribute', event: 'event', identifiers: 'update', update: 'update' };

/** @type {WeakMap<HTMLElement, LiveList<RejectedEntry>>} */
const exampleLists = new WeakMap();

export const rejections = new GrowingList({
  id: 'rejections',
  nothing: 'Nothing rejected.',
  ask: (limit) => getJson('rejection-reasons', { limit }),
  keyOf: ({ attribute, category, reason }) => JSON.stringify([category, attribute, reason]),
  make: createRow,
  update: fillRow,
});

/** @param {RejectionReason} rejection */
function createRow(rejection) {
  const examples = html('ul', { class: 'examples' });
  const row = html(
    'li',
    {},
    html('details', {}, html('summary', { class: 'rejection' }), html('p', {}, 'The last ones:'), examples),
  );
  exampleLists.set(row, new LiveList(examples, ({ seq, time }) => `${seq} ${time}`, createExample));
  fillRow(row, rejection);
  return row;
}

/**
 * Fills the parts of a row that change. Its examples stay open.
 *
 * @param {HTMLElement} row
 * @param {RejectionReason} rejection
 */
function fillRow(row, { attribute, category, count, examples, last_time, reason }) {
  const dropped = DROPPED[category] ?? category;
  row
    .querySelector('summary')
    ?.replaceChildren(
      html('span', { class: 'number' }, formatCount(count)),
      html(
        'span',
        { class: 'reason' },
        attribute === undefined ? `${dropped}: ${reason}` : `${dropped} ${attribute}: ${reason}`,
      ),
      html('time', { datetime: last_time }, `last ${formatTime(last_time)}`),
    );
  exampleLists.get(row)?.show(examples.toReversed());
}

/** @param {RejectedEntry} entry */
function createExample({ bulk_index, custom_id, reason, request, time, update }) {
  return html(
    'li',
    {},
    html(
      'details',
      {},
      html(
        'summary',
        { class: 'example' },
        html('bdi', { class: 'id' }, formatId(custom_id)),
        html('time', { datetime: time }, formatTime(time)),
      ),
      html('p', {}, `${reason}. It was number ${bulk_index + 1} in request ${request + 1}.`),
      update === null
        ? html('p', { class: 'none' }, 'The request contained no such update.')
        : html('pre', {}, indentJson(update)),
    ),
  );
}
