/** A character that UTF-16 writes in two units, such as an emoji. */
const OF_TWO_UNITS = /[\u{10000}-\u{10FFFF}]/u;

/**
 * How long a text is, for a message. Batch's SDKs for Android and the Web count UTF-16 units, that for iOS counts what
 * people see as characters. The first is the stricter one, and that of our limits: if it counts otherwise than people do,
 * the message says so.
 */
export function describeLength(text: string): string {
  const length = `${text.length} characters`;
  return OF_TWO_UNITS.test(text) ? `${length} as UTF-16 counts them (an emoji is two or more)` : length;
}
