import { part } from './elements.js';

/** How often the page checks for new data, in milliseconds. A hidden page does not check. */
const INTERVAL_MS = 1_000;

let isAsked = true;
let wake = () => {};

/** Reloads everything immediately, because the user wants to see something else. */
export function lookNow() {
  isAsked = true;
  wake();
}

/**
 * Reloads repeatedly, one reload after the other, so that an older answer never replaces a newer one.
 *
 * @param {(isAsked: boolean) => Promise<void>} look called with whether the user asked for it
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
    // The next reload asks again for what is missing.
    isAsked = asked;
    setStatus(connection, 'lost', `${error instanceof Error ? error.message : String(error)} Trying again …`);
  }
}

/**
 * Does not write an unchanged text: a screen reader would read it again.
 *
 * @param {HTMLElement} connection
 * @param {string} state
 * @param {string} text
 */
function setStatus(connection, state, text) {
  connection.dataset.state = state;
  if (connection.textContent !== text) connection.textContent = text;
}
