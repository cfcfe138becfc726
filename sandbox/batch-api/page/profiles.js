import { getJson } from './ask.js';
import { html, part } from './elements.js';
import { formatCount, formatCountOf, formatId, formatTime } from './format.js';
import { GrowingList } from './growing-list.js';
import { lookNow } from './live.js';
import { chooseProfile, chosenProfile } from './profile.js';

/**
 * @typedef {object} ProfileEntry
 * @property {string} custom_id
 * @property {number} events
 * @property {number} attributes
 * @property {string} updated_at
 * @property {boolean} isChosen
 */

/** Milliseconds after the last key before a search begins. */
const TYPING_MS = 150;

const search = part('profiles-search', HTMLInputElement);
const total = part('profiles-total', HTMLParagraphElement);

let typing = 0;
search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(lookNow, TYPING_MS);
});

export const profiles = new GrowingList({
  id: 'profiles',
  nothing: 'No profiles.',
  ask: askForProfiles,
  keyOf: ({ custom_id }) => custom_id,
  make: createRow,
});

/**
 * Loads the profiles that match the search. The first profile ever loaded is selected.
 *
 * @param {number} limit
 * @returns {Promise<ProfileEntry[]>}
 */
async function askForProfiles(limit) {
  /** @type {{ profiles_in_all: number, matching: number, profiles: (Omit<ProfileEntry, 'attributes'> & { attributes: object })[] }} */
  const answer = await getJson('profiles', { search: search.value, limit });
  const all = formatCountOf(answer.profiles_in_all, 'profile');
  total.textContent = search.value === '' ? all : `${formatCount(answer.matching)} of ${all}`;
  const [first] = answer.profiles;
  if (chosenProfile() === undefined && first !== undefined) chooseProfile(first.custom_id);
  return answer.profiles.map(({ attributes, custom_id, events, updated_at }) => {
    const isChosen = custom_id === chosenProfile();
    return { custom_id, events, attributes: Object.keys(attributes).length, updated_at, isChosen };
  });
}

/** @param {ProfileEntry} profile */
function createRow({ attributes, custom_id, events, isChosen, updated_at }) {
  const contents = [
    ...(events > 0 || attributes === 0 ? [formatCountOf(events, 'event')] : []),
    ...(attributes > 0 ? [formatCountOf(attributes, 'attribute')] : []),
  ];
  const button = html(
    'button',
    { type: 'button', 'aria-current': isChosen },
    html('bdi', { class: 'id' }, formatId(custom_id)),
    html('span', {}, contents.join(', ')),
    html('time', { datetime: updated_at }, formatTime(updated_at)),
  );
  button.addEventListener('click', () => {
    chooseProfile(custom_id);
    lookNow();
  });
  return html('li', {}, button);
}
