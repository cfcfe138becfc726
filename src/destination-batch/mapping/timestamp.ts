import { COLON, DIGIT_0, DIGIT_9, HYPHEN, POINT } from '../../shared/ascii.ts';

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
/** The day, the time, and the parts of an offset, which a time in UTC doesn't have. */
const LOOSE_DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?: ?(?:[Zz]|([+-])(\d{2})(?::?(\d{2}))?))?$/;
/** A year has four digits in RFC 3339. With an offset, the year in UTC may have more. */
const YEAR_0 = Date.parse('0000-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('+010000-01-01T00:00:00Z');

/** The Gregorian calendar repeats after 400 years. */
const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * 86_400_000;

const DAY_LENGTH = '2026-04-17'.length;
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;

/** Most timestamps have the form that is sent. A fraction may follow the seconds. */
const LENGTH_TO_SECONDS = '2026-04-17T04:25:00'.length;

const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/**
 * A timestamp as Batch accepts it: RFC 3339 in UTC, ending in Z, with all digits of its fraction. Undefined when the
 * text is not an RFC 3339 timestamp or not a valid time. Without a time zone it is not valid, because it could be any
 * hour.
 */
export function normalizeTimestamp(text: string): string | undefined {
  // Most timestamps are in this form already, and a row has several.
  if (isUtcTimestamp(text)) return text;
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = ''] = match;
  const wallClock = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  if (!isUtcTimestamp(`${wallClock}Z`)) return undefined;
  if (zone.toUpperCase() === 'Z') return `${wallClock}${fraction}Z`;
  const moment = Date.parse(`${wallClock}${zone}`);
  if (Number.isNaN(moment) || moment < YEAR_0 || moment >= YEAR_10000) return undefined;
  return `${new Date(moment).toISOString().slice(0, LENGTH_TO_SECONDS)}${fraction}Z`;
}

/**
 * Like `normalizeTimestamp`, for a string that the catalog declares as a time: without a time zone it is in UTC, a
 * space may replace the T, and an offset may lack its colon or its minutes. Airbyte's own destinations read times in
 * this way.
 */
export function normalizeDateTime(text: string): string | undefined {
  if (isUtcTimestamp(text)) return text;
  const match = LOOSE_DATE_TIME.exec(text);
  if (match === null) return normalizeTimestamp(text);
  const [, day, time, sign, hours, minutes = '00'] = match;
  return normalizeTimestamp(`${day}T${time}${sign === undefined ? 'Z' : `${sign}${hours}:${minutes}`}`);
}

/** Like `normalizeTimestamp`, but also accepts a day, as midnight in UTC. */
export function normalizeTimestampOrDay(text: string): string | undefined {
  return normalizeTimestamp(text.length === DAY_LENGTH && DATE_ONLY.test(text) ? `${text}T00:00:00Z` : text);
}

/** Whole milliseconds since the epoch, for a result of `normalizeTimestamp`. */
export function toEpochMs(stamp: string): number {
  const fraction = stamp.slice(LENGTH_TO_SECONDS + 1, -1);
  // Date.parse takes twice as long. Date.UTC adds 1900 to years below 100, hence the cycle.
  const moment = Date.UTC(
    readDigits(stamp, 0, 4) + CYCLE_YEARS,
    readDigits(stamp, 5, 2) - 1,
    readDigits(stamp, 8, 2),
    readDigits(stamp, 11, 2),
    readDigits(stamp, 14, 2),
    readDigits(stamp, 17, 2),
    fraction === '' ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0')),
  );
  return moment - CYCLE_MS;
}

/** Whether a string is a valid time in the form that is sent. */
function isUtcTimestamp(text: string): boolean {
  const last = text.length - 1;
  if (last < LENGTH_TO_SECONDS || text.charCodeAt(last) !== LETTER_Z) return false;
  if (
    text.charCodeAt(4) !== HYPHEN ||
    text.charCodeAt(7) !== HYPHEN ||
    text.charCodeAt(10) !== LETTER_T ||
    text.charCodeAt(13) !== COLON ||
    text.charCodeAt(16) !== COLON
  ) {
    return false;
  }
  const day = readDigits(text, 8, 2);
  const hour = readDigits(text, 11, 2);
  const minute = readDigits(text, 14, 2);
  const second = readDigits(text, 17, 2);
  return (
    day >= 1 &&
    day <= countDaysIn(readDigits(text, 0, 4), readDigits(text, 5, 2)) &&
    hour >= 0 &&
    hour <= 23 &&
    minute >= 0 &&
    minute <= 59 &&
    second >= 0 &&
    second <= 59 &&
    isFraction(text, last)
  );
}

/** Whether there is only a fraction, or nothing, between the seconds and the Z. */
function isFraction(text: string, end: number): boolean {
  if (end === LENGTH_TO_SECONDS) return true;
  if (text.charCodeAt(LENGTH_TO_SECONDS) !== POINT || end === LENGTH_TO_SECONDS + 1) return false;
  for (let index = LENGTH_TO_SECONDS + 1; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (code < DIGIT_0 || code > DIGIT_9) return false;
  }
  return true;
}

/** The number that the digits at `start` are, or -1 if they are not all digits. */
function readDigits(text: string, start: number, count: number): number {
  let number = 0;
  for (let index = start; index < start + count; index += 1) {
    const code = text.charCodeAt(index);
    if (code < DIGIT_0 || code > DIGIT_9) return -1;
    number = number * 10 + code - DIGIT_0;
  }
  return number;
}

/** The days of a month; 0 if it does not exist. */
function countDaysIn(year: number, month: number): number {
  if (year < 0 || month < 1 || month > 12) return 0;
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
