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

/** The maximum number of names that are suggested. */
const MAX_SUGGESTED = 3;

/**
 * Returns the names that the user may have meant, the nearest first: similar ones, and those that contain what was typed. If a name
 * differs only in its case, only that one is returned.
 */
export function suggestNames(typed: string, names: readonly string[]): string[] {
  const low = typed.toLowerCase();
  const same = names.filter((name) => name.toLowerCase() === low);
  if (same.length > 0) return same.slice(0, MAX_SUGGESTED);
  const isNear = (name: string): boolean =>
    suggestName(typed, [name]) !== undefined || (low.length >= MIN_PREFIX && name.toLowerCase().includes(low));
  const farness = (name: string): number => distance(low, name.toLowerCase());
  return names
    .filter(isNear)
    .toSorted((a, b) => farness(a) - farness(b))
    .slice(0, MAX_SUGGESTED);
}

/** Formats names for a question: `"a", "b" or "c"`. */
export function formatChoice(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  const others = quoted.slice(0, -1);
  return others.length === 0 ? quoted.join('') : `${others.join(', ')} or ${quoted.at(-1)}`;
}

/** Describes an option that does not exist, as a predicate of the group of options that it was given in. */
export function describeUnknownOption(name: string, options: readonly string[]): string {
  const near = suggestName(name, options);
  return `has no option "${name}" (${near === undefined ? `the options are ${options.join(', ')}` : `did you mean "${near}"?`})`;
}

function sortLetters(name: string): string {
  return [...name].sort().join('');
}
