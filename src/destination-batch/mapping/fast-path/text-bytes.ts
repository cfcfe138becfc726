import { BytePattern } from '../../../shared/byte-pattern.ts';
import { NO_END } from './json-bytes.ts';

/** The slashes of a URL may be escaped in JSON. */
const URL_PREFIXES = ['https:\\/\\/', 'https://', 'http:\\/\\/', 'http://'].map((prefix) => new BytePattern(prefix));

/** Returns the end of the scheme and the slashes of a URL at `offset`, or NO_END. `end` is where the message ends. */
export function skipUrlPrefix(bytes: DataView, offset: number, end: number): number {
  for (const prefix of URL_PREFIXES) if (prefix.matches(bytes, offset, end)) return offset + prefix.length;
  return NO_END;
}

/** A table by character code: 1 for the characters that most host names begin with. */
export const IS_HOST_START = Uint8Array.from({ length: 256 }, (_, code) =>
  Number(/[a-z0-9]/.test(String.fromCharCode(code))),
);

/** The smallest byte value that occurs in a character beyond ASCII in UTF-8. */
export const FIRST_BYTE_BEYOND_ASCII = 0x80;
/** The smallest first byte of a character beyond U+FFFF in UTF-8. Such a character has two units in UTF-16. */
export const FIRST_BYTE_OF_TWO_UNITS = 0xf0;

/**
 * A table by byte: 1 for the first bytes of all white space beyond ASCII, such as U+00A0 and U+3000, and of some other characters.
 */
export const MAY_BE_SPACE = Uint8Array.from({ length: 256 }, (_, code) =>
  Number([0xc2, 0xe1, 0xe2, 0xe3, 0xef].includes(code)),
);
