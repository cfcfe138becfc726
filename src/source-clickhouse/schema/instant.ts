import { z } from 'zod';

/** A moment, with all digits that a DateTime64 can have. */
export type Instant = {
  /** Whole seconds since the epoch; negative before 1970. */
  seconds: number;
  /** The digits of the fraction of the second; "" for a whole second. */
  fraction: string;
};

/** An RFC 3339 timestamp with its time zone. Checks that the day exists. */
const timestamp = z.iso.datetime({ offset: true });

/** Parses an RFC 3339 timestamp. Returns undefined if the string is not one, or has no time zone. */
export function parseInstant(text: string): Instant | undefined {
  const { data } = timestamp.safeParse(text.toUpperCase());
  if (data === undefined) return undefined;
  const [, fraction = ''] = /\.(\d+)/.exec(data) ?? [];
  return { seconds: Date.parse(data.replace(/\.\d+/, '')) / 1000, fraction };
}

/** Formats a moment as RFC 3339 in UTC. Rounds it down to a number of decimal places of the second. */
export function formatInstant({ seconds, fraction }: Instant, precision: number): string {
  const toSecond = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  return precision === 0 ? `${toSecond}Z` : `${toSecond}.${fraction.slice(0, precision).padEnd(precision, '0')}Z`;
}

/** Returns the moment some seconds before another one. */
export function subtractSeconds({ seconds, fraction }: Instant, count: number): Instant {
  return { seconds: seconds - count, fraction };
}
