import { Buffer } from 'node:buffer';

/** UTF-16 units kept of the text of an answer or of an update, for whoever looks at them later. */
export const MAX_TEXT = 4_000;

/** The beginning of a text, with a mark if there was more. It does not keep the rest in memory. */
export function truncateText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  // A slice would hold on to the whole of its string, which may have megabytes; a copy of its bytes does not.
  const beginning = Buffer.from(text.slice(0, MAX_TEXT)).toString();
  return `${beginning} … (${text.length} characters)`;
}
