import { getJson, getText } from './ask.js';
import { html } from './elements.js';
import { indentJson, parseJson, printJson } from './exact-json.js';
import { formatBytes, formatCount, formatCountOf, formatTime } from './format.js';
import { GrowingList } from './growing-list.js';
import { explainStatus } from './statuses.js';

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

/** How many updates of a body are shown; the whole body is one click away. */
const UPDATES_SHOWN = 20;

/** How many characters are shown of a body that is not an array of updates. */
const CHARACTERS_SHOWN = 20_000;

export const requests = new GrowingList({
  id: 'requests',
  nothing: `No requests yet. Set api_url of a destination to ${location.origin}, and start a sync.`,
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
function createRow(entry) {
  const { answer, bytes, errors, events, fault, path, seq, status, time, updates } = entry;
  const notes = [
    ...(errors > 0 ? [`${formatCount(errors)} rejected`] : []),
    ...(fault === null ? [] : ['an added fault']),
  ];
  const sent = html('div', {}, html('p', {}, 'Loading …'));
  const details = html(
    'details',
    {},
    html(
      'summary',
      { class: 'request' },
      html(
        'span',
        { class: 'status', 'data-kind': classifyStatus(status, errors) },
        status === null ? 'no answer' : `${status} ${errors > 0 ? 'partly accepted' : explainStatus(String(status))}`,
      ),
      html('span', { class: 'endpoint' }, path.split('/').at(-1) ?? path),
      html(
        'span',
        { class: 'sizes' },
        [formatCountOf(updates, 'update'), formatCountOf(events, 'event'), formatBytes(bytes)].join(' · '),
      ),
      html('time', { datetime: time }, formatTime(time)),
      html('span', { class: 'notes' }, notes.join(', ')),
    ),
    html('h4', {}, 'Sent'),
    html('p', {}, `Request ${seq + 1}: `, html('code', {}, `POST ${path}`)),
    sent,
    html('h4', {}, 'Answered'),
    answer === null ? html('p', { class: 'none' }, 'No answer.') : html('pre', {}, indentJson(answer)),
  );
  details.addEventListener('toggle', () => showBody(sent, seq), { once: true });
  return html('li', {}, details);
}

/**
 * Loads the body of a request when its row is opened for the first time.
 *
 * @param {HTMLElement} place
 * @param {number} seq
 */
async function showBody(place, seq) {
  const path = `requests/${seq}/body`;
  try {
    const text = await getText(path);
    const { isWhole, shown } = shorten(text);
    place.replaceChildren(
      text === '' ? html('p', { class: 'none' }, 'An empty body.') : html('pre', {}, shown),
      ...(isWhole
        ? []
        : [html('p', {}, html('a', { href: `/_sandbox/${path}`, target: '_blank' }, 'Show the whole body'))]),
    );
  } catch (error) {
    place.replaceChildren(html('p', { class: 'none' }, error instanceof Error ? error.message : String(error)));
  }
}

/** Returns the first updates of a body. @param {string} text */
function shorten(text) {
  try {
    const updates = parseJson(text);
    if (Array.isArray(updates)) {
      const isWhole = updates.length <= UPDATES_SHOWN;
      const rest = isWhole ? '' : `\n… and ${formatCountOf(updates.length - UPDATES_SHOWN, 'update')} more`;
      return { shown: `${printJson(updates.slice(0, UPDATES_SHOWN))}${rest}`, isWhole };
    }
  } catch {
    // Not JSON: shown as it is.
  }
  return { shown: text.slice(0, CHARACTERS_SHOWN), isWhole: text.length <= CHARACTERS_SHOWN };
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
