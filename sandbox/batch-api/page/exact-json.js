/**
 * Parses JSON so that {@link printJson} writes each number with its original digits: a number that would be rounded
 * becomes an object with its text. Older browsers round it.
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
 * Formats a value in indented lines.
 *
 * @param {unknown} value
 */
export function printJson(value) {
  return JSON.stringify(value, null, 2);
}

/**
 * Indents a string if it is JSON. Other strings, such as truncated JSON, are returned unchanged.
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
