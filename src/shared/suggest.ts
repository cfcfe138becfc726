import { closest, distance } from 'fastest-levenshtein';

/** So many letters of a slip are wrong, missing or too many. */
const MAX_WRONG = 2;

/** So many letters say which name was cut short. */
const MIN_PREFIX = 3;

/** The one of the names that was likely meant by something that is none of them; undefined when none is like it. */
export function suggestName(typed: string, names: readonly string[]): string | undefined {
  const low = typed.toLowerCase();
  const begun = names.find((name) => low.length >= MIN_PREFIX && name.toLowerCase().startsWith(low));
  const swapped = names.find((name) => sortLetters(name.toLowerCase()) === sortLetters(low));
  if (begun !== undefined || swapped !== undefined || names.length === 0) return begun ?? swapped;
  const nearest = closest(
    low,
    names.map((name) => name.toLowerCase()),
  );
  // Of a short name, two letters are most of it.
  const mostWrong = Math.min(MAX_WRONG, Math.floor(low.length / 2));
  return distance(low, nearest) <= mostWrong ? names.find((name) => name.toLowerCase() === nearest) : undefined;
}

function sortLetters(name: string): string {
  return [...name].sort().join('');
}
