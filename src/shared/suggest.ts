import { closest, distance } from 'fastest-levenshtein';

/** The maximum number of wrong, missing or extra letters in a misspelt name. */
const MAX_WRONG = 2;

/** The minimum number of letters in an abbreviated name. */
const MIN_PREFIX = 3;

/** Returns the name that the user probably meant; undefined if no name is similar. */
export function suggestName(typed: string, names: readonly string[]): string | undefined {
  const low = typed.toLowerCase();
  const begun = names.find((name) => low.length >= MIN_PREFIX && name.toLowerCase().startsWith(low));
  const swapped = names.find((name) => sortLetters(name.toLowerCase()) === sortLetters(low));
  if (begun !== undefined || swapped !== undefined || names.length === 0) return begun ?? swapped;
  const nearest = closest(
    low,
    names.map((name) => name.toLowerCase()),
  );
  // In a short name, two wrong letters are too many.
  const mostWrong = Math.min(MAX_WRONG, Math.floor(low.length / 2));
  return distance(low, nearest) <= mostWrong ? names.find((name) => name.toLowerCase() === nearest) : undefined;
}

function sortLetters(name: string): string {
  return [...name].sort().join('');
}
