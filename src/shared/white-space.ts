/** Describes white space at the edge of a value, which was likely copied with it, as a predicate. Returns undefined if there is none. */
export function describeStrayWhiteSpace(text: string): string | undefined {
  if (/[\r\n]\s*$/.test(text)) return 'ends with a line break. Remove it';
  if (/\s$/.test(text)) return 'ends with white space. Remove it';
  return /^\s/.test(text) ? 'begins with white space. Remove it' : undefined;
}
