import { getText } from './ask.js';
import { html, part } from './elements.js';
import { parseJson, printJson } from './exact-json.js';
import { formatCount, formatCountOf, formatDuration, formatId } from './format.js';
import { lookNow } from './live.js';
import { TimeLine } from './time-line.js';

/**
 * @typedef {object} StoredEvent
 * @property {number} seq
 * @property {string} received_at
 * @property {{ name: string, time?: string, attributes?: Record<string, unknown> }} event numbers as {@link parseJson} returns them
 */

/** How many of the last events are shown at first, and added with each click. */
const EVENTS = 200;

const article = part('profile', HTMLElement);
const timeLine = new TimeLine(part('time-line', HTMLDivElement), showEvent);

/** @type {string | undefined} */
let customId;
let limit = EVENTS;

part('time-line-more', HTMLButtonElement).addEventListener('click', () => {
  limit += EVENTS;
  lookNow();
});

export function chosenProfile() {
  return customId;
}

/** @param {string} chosen custom id of the profile to show at the next reload */
export function chooseProfile(chosen) {
  if (chosen === customId) return;
  customId = chosen;
  limit = EVENTS;
  timeLine.forget();
}

/** Shows the chosen profile with its last events. */
export async function refreshProfile() {
  const profile = customId === undefined ? undefined : await askForProfile(customId);
  article.hidden = profile === undefined;
  part('profile-none', HTMLParagraphElement).hidden = profile !== undefined;
  if (profile === undefined) return;
  part('profile-id', HTMLElement).textContent = formatId(profile.custom_id);
  part('profile-total', HTMLParagraphElement).textContent = formatCountOf(profile.events, 'event');
  showAttributes(profile.attributes);

  const lines = (await getText('events', { custom_id: profile.custom_id, last: limit })).split('\n').slice(0, -1);
  /** @type {StoredEvent[]} */
  const events = lines.map(parseJson);
  timeLine.show(events);
  part('time-line-more-line', HTMLParagraphElement).hidden = events.length === profile.events;
  part('time-line-shown', HTMLSpanElement).textContent = `The last ${formatCountOf(events.length, 'event')} to arrive.`;
}

/**
 * @param {string} id
 * @returns {Promise<{ custom_id: string, events: number, attributes: Record<string, unknown> } | undefined>} undefined
 *   if it no longer exists, for example after a reset
 */
async function askForProfile(id) {
  const [profile] = parseJson(await getText('profiles', { custom_id: id })).profiles;
  return profile;
}

/** @param {Record<string, unknown>} attributes */
function showAttributes(attributes) {
  const list = part('profile-attributes', HTMLDListElement);
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  list.hidden = entries.length === 0;
  list.replaceChildren(
    ...entries.flatMap(([key, value]) => [html('dt', {}, key), html('dd', {}, JSON.stringify(value))]),
  );
}

/** @param {StoredEvent | undefined} stored */
function showEvent(stored) {
  const place = part('event', HTMLDivElement);
  if (stored === undefined) {
    place.replaceChildren();
    return;
  }
  const { event, received_at, seq } = stored;
  place.replaceChildren(
    html('h4', {}, event.name),
    html(
      'dl',
      {},
      html('dt', {}, 'Event time'),
      html('dd', {}, event.time ?? 'none: Batch uses the time of arrival'),
      html('dt', {}, 'Received'),
      html(
        'dd',
        {},
        received_at,
        ...(event.time === undefined ? [] : [html('small', {}, describeLag(event.time, received_at))]),
      ),
      html('dt', {}, 'Order'),
      html('dd', {}, `event ${formatCount(seq + 1)} to arrive in the sandbox`),
    ),
    event.attributes === undefined
      ? html('p', { class: 'none' }, 'No attributes.')
      : html('pre', {}, printJson(event.attributes)),
  );
}

/**
 * @param {string} time
 * @param {string} receivedAt
 */
function describeLag(time, receivedAt) {
  const milliseconds = Date.parse(receivedAt) - Date.parse(time);
  return `${formatDuration(milliseconds)} ${milliseconds < 0 ? 'before' : 'after'} the event`;
}
