/**
 * Parses JSON so that {@link printJson} writes each number with the digits that came in: one that it would write otherwise,
 * as it would be rounded, becomes an object that stands for its text. A browser too old for that rounds it.
 *
 * @param {string} text
 */
export function parseJson(text) {
  return JSON.parse(text, (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined && context.source !== String(value) && JSON.rawJSON
      ? JSON.rawJSON(context.source)
      : value,
  );
}

/**
 * In lines, for a person.
 *
 * @param {unknown} value
 */
export function printJson(value) {
  return JSON.stringify(value, null, 2);
}

/**
 * The same text in lines, if it is JSON; as it is if it is not, be it that it was cut.
 *
 * @param {string} text
 */
export function indentJson(text) {
  try {
    return printJson(parseJson(text));
  } catch {
    return text;
  }
}
