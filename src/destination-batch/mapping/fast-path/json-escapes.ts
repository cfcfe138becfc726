import { BACKSLASH, QUOTE, SLASH } from '../../../shared/ascii.ts';

/** A table by character code: 1 for the characters whose escape JSON.stringify writes in the same form. */
export const IS_ESCAPE = Uint8Array.from({ length: 256 }, (_, code) =>
  Number('"\\bfnrt'.includes(String.fromCharCode(code))),
);

/** A table by character code: 1 for the characters that mean themselves after a backslash. Other escapes may mean white space. */
export const IS_VISIBLE_ESCAPE = Uint8Array.from({ length: 256 }, (_, code) =>
  Number('"\\/'.includes(String.fromCharCode(code))),
);

/**
 * Reads the escape at `offset`. If the JSON is itself the content of a string, everything is escaped once more: the escape's own
 * backslash is doubled, and a quote or backslash that follows it gets a backslash of its own.
 *
 * @returns the character after the backslash, plus 256 times the length of the escape. The character is not checked, except inside
 * a string: if the escape can't be copied there, returns 0.
 */
export function readEscape(source: Buffer, offset: number, isInString: boolean): number {
  const escaped = source[offset + 1] ?? 0;
  if (!isInString || escaped === SLASH) return escaped + (2 << 8);
  if (escaped !== BACKSLASH) return 0;
  const inner = source[offset + 2] ?? 0;
  if (inner === BACKSLASH) {
    const visible = source[offset + 3] ?? 0;
    return IS_VISIBLE_ESCAPE[visible] === 1 ? visible + (4 << 8) : 0;
  }
  return inner === QUOTE ? 0 : inner + (3 << 8);
}
