/** @typedef {Record<string, string | number>} Query */

/**
 * Returns the sandbox's answer as a string.
 *
 * @param {string} path below `/_sandbox/`
 * @param {Query} [query]
 */
export async function getText(path, query = {}) {
  // URLSearchParams writes half of a surrogate pair as U+FFFD; encodeURIComponent would throw.
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return ask(`${path}?${search}`);
}

/**
 * @param {string} path below `/_sandbox/`
 * @param {Query} [query]
 */
export async function getJson(path, query) {
  return JSON.parse(await getText(path, query));
}

/**
 * @param {'POST' | 'DELETE'} method
 * @param {string} path below `/_sandbox/`
 * @param {unknown} [body]
 */
export async function send(method, path, body) {
  await ask(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

/**
 * @param {string} path below `/_sandbox/`
 * @param {RequestInit} [request]
 * @throws {Error} with the sandbox's message if it refuses.
 */
async function ask(path, request) {
  const response = await fetch(`/_sandbox/${path}`, request).catch(() => undefined);
  if (response === undefined) throw new Error('The sandbox does not answer.');
  const text = await response.text();
  if (response.ok) return text;
  throw new Error(errorIn(text) ?? `The sandbox answered with ${response.status}.`);
}

/** @param {string} text */
function errorIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return undefined;
  }
}
