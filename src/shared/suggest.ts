import { closest, distance } from 'fastest-levenshtein';

/** The maximum number of wrong, missing or extra letters. */
const MAX_WRONG = 2;

/** The minimum number of letters of an abbreviated name. */
const MIN_PREFIX = 3;

/** The name that was probably meant by a misspelt one; undefined if none is similar. */
export function suggestName(typed: string, names: readonly string[]): string | undefined {
  const low = typed.toLowerCase();
  const begun = names.find((name) => low.length >= MIN_PREFIX && name.toLowerCase().startsWith(low));
  const swapped = names.find((name) => sortLetters(name.toLowerCase()) === sortLetters(low));
  if (begun !== undefined || swapped !== undefined || names.length === 0) return begun ?? swapped;
  const nearest = closest(
    low,
    names.map((name) => name.toLowerCase()),
  );
  // Two letters are too many for a short name.
  const mostWrong = Math.min(MAX_WRONG, Math.floor(low.length / 2));
  return distance(low, nearest) <= mostWrong ? names.find((name) => name.toLowerCase() === nearest) : undefined;
}

function sortLetters(name: string): string {
  return [...name].sort().join('');
}
