const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
/** A year has four digits in RFC 3339; an offset can lead out of them. */
const YEAR_0 = Date.parse('0000-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('+010000-01-01T00:00:00Z');

const DATE_ALONE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * A stamp as Batch takes it, RFC 3339 in UTC ending in Z, with all the digits of its fraction; undefined when the text
 * is no RFC 3339 stamp or names no moment that exists. A text without zone is refused: it might be any hour.
 */
export function utcTimestamp(text: string): string | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = ''] = match;
  const wallClock = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const asUtc = Date.parse(`${wallClock}Z`);
  // Date.parse takes February 30th for March 2nd.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== wallClock) return undefined;
  if (zone.toUpperCase() === 'Z') return `${wallClock}${fraction}Z`;
  const moment = Date.parse(`${wallClock}${zone}`);
  if (Number.isNaN(moment) || moment < YEAR_0 || moment >= YEAR_10000) return undefined;
  return `${new Date(moment).toISOString().slice(0, 19)}${fraction}Z`;
}

/** As `utcTimestamp`, and a day alone, which is taken for its first moment in UTC. */
export function utcTimestampOrDay(text: string): string | undefined {
  return utcTimestamp(DATE_ALONE.test(text) ? `${text}T00:00:00Z` : text);
}
