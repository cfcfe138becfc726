import { getJson } from './ask.js';
import { html } from './elements.js';
import { indentJson } from './exact-json.js';
import { formatBytes, formatCountOf, formatTime } from './format.js';
import { GrowingList } from './growing-list.js';

/**
 * @typedef {object} RequestEntry
 * @property {number} seq
 * @property {string} time
 * @property {string} path
 * @property {number | null} status
 * @property {number} bytes
 * @property {number} updates
 * @property {number} events
 * @property {number} errors
 * @property {string | null} fault
 * @property {string | null} answer
 */

export const requests = new GrowingList({
  id: 'requests',
  nothing: `No requests yet. Set api_url of a destination to ${location.origin}.`,
  ask: async (limit) => {
    /** @type {RequestEntry[]} */
    const entries = await getJson('requests', { limit });
    return entries.reverse();
  },
  // After a reset, or in another sandbox on the same port, the numbers start again from 0.
  keyOf: ({ seq, time }) => `${seq} ${time}`,
  make: createRow,
});

/** @param {RequestEntry} entry */
function createRow({ answer, bytes, errors, events, fault, path, seq, status, time, updates }) {
  const notes = [
    ...(errors > 0 ? [formatCountOf(errors, 'partial error')] : []),
    ...(fault === null ? [] : [`fault: ${fault}`]),
  ];
  return html(
    'li',
    {},
    html(
      'details',
      {},
      html(
        'summary',
        { class: 'request' },
        html('span', { class: 'status', 'data-kind': classifyStatus(status, errors) }, String(status ?? 'no answer')),
        html('span', { class: 'endpoint' }, path.split('/').at(-1) ?? path),
        html(
          'span',
          { class: 'sizes' },
          [formatCountOf(updates, 'update'), formatCountOf(events, 'event'), formatBytes(bytes)].join(' · '),
        ),
        html('time', { datetime: time }, formatTime(time)),
        html('span', { class: 'notes' }, notes.join(', ')),
      ),
      html('p', {}, `Request ${seq + 1}, ${time}: `, html('code', {}, path)),
      answer === null ? html('p', { class: 'none' }, 'No answer.') : html('pre', {}, indentJson(answer)),
    ),
  );
}

/**
 * @param {number | null} status
 * @param {number} errors
 */
function classifyStatus(status, errors) {
  if (status === null || status >= 500) return 'failed';
  if (status >= 300) return 'refused';
  return errors > 0 ? 'partial' : 'good';
}
