import ms from 'ms';

/** A whole number with commas between its thousands: 1,234,567. toLocaleString would load ICU for 25 ms: a tenth of a small read. */
export function formatNumber(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number in few characters: 1.23M. */
export function formatCompact(count: number): string {
  // Created at the first use, as it loads ICU.
  compact ??= new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
  return compact.format(count);
}

let compact: Intl.NumberFormat | undefined;

/** The word for a number of things: "row" or "rows". */
export function plural(count: number, one: string, several = `${one}s`): string {
  return count === 1 ? one : several;
}

/** A number of things: "1 row", "1,500 rows". */
export function formatCount(count: number, one: string, several?: string): string {
  return `${formatNumber(count)} ${plural(count, one, several)}`;
}

/** The first items of a list, and how many others there are: "a, b and 3 more". */
export function formatList(items: readonly string[], max: number): string {
  const others = items.length - max;
  return others > 0 ? `${items.slice(0, max).join(', ')} and ${others} more` : items.join(', ');
}

/** A duration in its largest unit: 13m. */
export function formatDuration(milliseconds: number): string {
  return ms(Math.round(milliseconds));
}
