import ms from 'ms';

/**
 * Rounds a number and adds commas: 1,234,567. toLocaleString is not used: it would load ICU, which takes 25 ms, a tenth of the time
 * of a small read.
 */
export function formatNumber(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a number with few characters: 1.23M. */
export function formatCompact(count: number): string {
  // Created on first use, because it loads ICU.
  compact ??= new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
  return compact.format(count);
}

let compact: Intl.NumberFormat | undefined;

/** Returns the singular or plural form for a count: "row" or "rows". */
export function plural(count: number, one: string, several = `${one}s`): string {
  return count === 1 ? one : several;
}

/** Formats a count with its noun: "1 row", "1,500 rows". */
export function formatCount(count: number, one: string, several?: string): string {
  return `${formatNumber(count)} ${plural(count, one, several)}`;
}

/** Formats the first items of a list and the number of the others: "a, b and 3 more". */
export function formatList(items: readonly string[], max: number): string {
  const others = items.length - max;
  return others > 0 ? `${items.slice(0, max).join(', ')} and ${others} more` : items.join(', ');
}

/** Formats a duration in its largest unit: 13m. */
export function formatDuration(milliseconds: number): string {
  return ms(Math.round(milliseconds));
}
