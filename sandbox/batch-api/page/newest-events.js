import { getText } from './ask.js';
import { html, part } from './elements.js';
import { parseJson, printJson } from './exact-json.js';
import { formatId, formatTime } from './format.js';
import { GrowingList } from './growing-list.js';
import { lookNow } from './live.js';
import { chooseProfile } from './profile.js';

/** @typedef {import('./profile.js').StoredEvent & { custom_id: string | null }} NewestEvent */

/** The only events that are shown have this name; all are by default. @type {string | undefined} */
let name;

export function chosenName() {
  return name;
}

/** @param {string | undefined} chosen name of the events to show at the next reload */
export function chooseName(chosen) {
  name = chosen;
  part('events-filter', HTMLElement).hidden = chosen === undefined;
  part('events-name', HTMLElement).textContent = chosen ?? '';
}

part('events-all', HTMLButtonElement).addEventListener('click', () => {
  chooseName(undefined);
  lookNow();
});

export const events = new GrowingList({
  id: 'events',
  nothing: 'No events yet.',
  ask: async (limit) => {
    const lines = await getText('events', { last: limit, ...(name !== undefined && { name }) });
    /** @type {NewestEvent[]} */
    const newest = lines.split('\n').slice(0, -1).map(parseJson);
    return newest.reverse();
  },
  keyOf: ({ received_at, seq }) => `${seq} ${received_at}`,
  make: createRow,
});

/** @param {NewestEvent} stored */
function createRow({ custom_id, event, received_at }) {
  return html(
    'li',
    {},
    html(
      'details',
      {},
      html(
        'summary',
        { class: 'newest' },
        html('span', { class: 'name' }, event.name),
        html('bdi', { class: 'id' }, formatId(custom_id)),
        html('time', { datetime: received_at, title: 'received' }, formatTime(received_at)),
        html('span', { class: 'preview' }, summarise(event.attributes)),
      ),
      html(
        'p',
        {},
        event.time === undefined ? 'It has no time: Batch uses the time of arrival.' : `Event time ${event.time}.`,
        ` Received ${received_at}. `,
        ...(custom_id === null ? [] : [createProfileLink(custom_id)]),
      ),
      html('pre', {}, printJson(event)),
    ),
  );
}

/** Lists attributes on one line. @param {Record<string, unknown> | undefined} attributes */
function summarise(attributes = {}) {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** @param {string} customId */
function createProfileLink(customId) {
  const link = html('a', { href: '#profiles-section' }, 'Show the profile');
  link.addEventListener('click', () => {
    chooseProfile(customId);
    lookNow();
  });
  return link;
}
