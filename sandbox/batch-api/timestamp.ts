const rfc3339Utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/**
 * Parses a time such as `2026-04-17T04:25:00Z`, with or without a fraction [documented: sources CS/ch-ev and MASS in
 * docs/batch-api.md; fractions are inferred from clients that send them]. No source has offsets, a space instead of `T`,
 * or a missing `Z` (docs/batch-api.md, 2.3 Events), so they are refused.
 *
 * @returns milliseconds since 1970, or undefined for anything else, impossible days included.
 */
export function readUtcTimestamp(text: string): number | undefined {
  if (!rfc3339Utc.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return undefined;
  // Date.parse reads 30 February as 2 March.
  const isRealDay = new Date(milliseconds).toISOString().startsWith(text.slice(0, 19));
  return isRealDay ? milliseconds : undefined;
}
