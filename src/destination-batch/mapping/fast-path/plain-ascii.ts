import { BACKSLASH, DELETE, QUOTE, SPACE } from '../../../shared/ascii.ts';

/** Longer texts are rare, and quicker gone through by the engine's own means. */
const MAX_CHARACTERS = 300;

/**
 * Whether a text is of printable ASCII that JSON does not escape: then it is well-formed, stands on one line, and its JSON
 * is itself in quotes. Most texts of most tables are, and to know it costs less than each of those questions.
 */
export function isPlainAscii(text: string): boolean {
  const { length } = text;
  if (length > MAX_CHARACTERS) return false;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < SPACE || code >= DELETE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}
