import { part } from './elements.js';

/** How often the page looks whether there is something new, in milliseconds. It does not while nobody sees it. */
const INTERVAL_MS = 1_000;

let isAsked = true;
let wake = () => {};

/** Has everything looked at anew, and at once, as the user wants to see something else. */
export function lookNow() {
  isAsked = true;
  wake();
}

/**
 * Looks again and again. One look comes after the other, so that an older answer never hides a newer one.
 *
 * @param {(isAsked: boolean) => Promise<void>} look told whether the user asked for it
 */
export async function keepLooking(look) {
  document.addEventListener('visibilitychange', lookNow);
  for (;;) {
    if (!document.hidden) await lookOnce(look);
    await new Promise((resolve) => {
      wake = () => resolve(undefined);
      if (isAsked && !document.hidden) wake();
      else setTimeout(wake, INTERVAL_MS);
    });
  }
}

/** @param {(isAsked: boolean) => Promise<void>} look */
async function lookOnce(look) {
  const asked = isAsked;
  isAsked = false;
  const connection = part('connection', HTMLParagraphElement);
  try {
    await look(asked);
    setStatus(connection, 'live', 'Live');
  } catch (error) {
    // What is missing then is asked for at the next look.
    isAsked = asked;
    setStatus(connection, 'lost', `${error instanceof Error ? error.message : String(error)} Trying again …`);
  }
}

/**
 * Leaves what already stands there alone: a screen reader says it again otherwise.
 *
 * @param {HTMLElement} connection
 * @param {string} state
 * @param {string} text
 */
function setStatus(connection, state, text) {
  connection.dataset.state = state;
  if (connection.textContent !== text) connection.textContent = text;
}
