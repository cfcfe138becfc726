import { OPENING_BRACE, OPENING_BRACKET, QUOTE, SPACE, startsWithAt } from '../../../shared/ascii.ts';
import type { Limits } from '../../batch/limits.ts';
import type { ValueKind } from '../attribute-value.ts';
import { normalizeTimestamp } from '../timestamp.ts';

/** The slashes of a URL may be escaped in JSON. */
const URL_PREFIXES = ['https://', 'https:\\/\\/', 'http://', 'http:\\/\\/'].map((prefix) => Buffer.from(prefix));

/** A table by ASCII code: 1 for the characters that most host names begin with. */
const IS_HOST_START = Uint8Array.from({ length: 128 }, (_, code) => Number(/[a-z0-9]/.test(String.fromCharCode(code))));

/**
 * Checks whether a plain value (see `skipPlain`) is sent exactly as it is written. This is true for numbers, booleans,
 * common URLs, and timestamps that are already in the form that is sent. It is also true for other strings, unless they
 * are too long or might be blank, JSON or a number.
 */
export function isSentVerbatim(kind: ValueKind, bytes: Buffer, start: number, end: number, limits: Limits): boolean {
  const isText = bytes[start] === QUOTE;
  switch (kind) {
    case 'plain':
    case 'text':
      return !isText || isOrdinaryText(bytes, start + 1, end - 1, limits.string_characters);
    case 'number':
      return !isText;
    case 'url':
      return isText && isOrdinaryUrl(bytes, start + 1, end - 1, limits.url_characters);
    case 'date':
    case 'date_time': {
      if (!isText) return false;
      const text = bytes.toString('latin1', start + 1, end - 1);
      return normalizeTimestamp(text) === text;
    }
    default:
      return false;
  }
}

function isOrdinaryText(bytes: Buffer, start: number, end: number, maxCharacters: number): boolean {
  if (start === end || end - start > maxCharacters) return false;
  const first = bytes[start];
  return first !== SPACE && first !== OPENING_BRACE && first !== OPENING_BRACKET;
}

/** Checks whether plain characters are a common URL, which needs no further check. */
function isOrdinaryUrl(bytes: Buffer, start: number, end: number, maxCharacters: number): boolean {
  if (end - start > maxCharacters) return false;
  const prefix = URL_PREFIXES.find((one) => startsWithAt(bytes, one, start));
  if (prefix === undefined || IS_HOST_START[bytes[start + prefix.length] ?? 0] !== 1) return false;
  for (let offset = start + prefix.length; offset < end; offset += 1) if (bytes[offset] === SPACE) return false;
  return true;
}
