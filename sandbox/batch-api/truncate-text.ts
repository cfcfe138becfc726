import { Buffer } from 'node:buffer';

/** How many UTF-16 units of an answer or update are kept. */
export const MAX_TEXT = 4_000;

/** Truncates a string, and appends its length if it was longer. It does not keep the rest in memory. */
export function truncateText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  // A slice would keep its whole string in memory, which can be megabytes; a copy of its bytes does not.
  const beginning = Buffer.from(text.slice(0, MAX_TEXT)).toString();
  return `${beginning} … (${text.length} characters)`;
}
