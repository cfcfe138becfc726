import { COLON, DIGIT_0, DIGIT_9, HYPHEN, POINT } from '../../shared/ascii.ts';

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
/**
 * The groups are the day, the time, and the sign, hours and minutes of the offset. The last three are unset if there is no offset,
 * or if it is Z.
 */
const LOOSE_DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?: ?(?:[Zz]|([+-])(\d{2})(?::?(\d{2}))?))?$/;
/** Years have four digits in RFC 3339. Converting a timestamp to UTC can move it to a year before 0000 or after 9999. */
const YEAR_0 = Date.parse('0000-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('+010000-01-01T00:00:00Z');

/** The Gregorian calendar repeats every 400 years. */
const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * 86_400_000;

const DAY_LENGTH = '2026-04-17'.length;
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;

/** The length of a timestamp up to the seconds, in the form that is sent. An optional fraction and the Z follow. */
const LENGTH_TO_SECONDS = '2026-04-17T04:25:00'.length;

const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/**
 * Returns a timestamp in the form that is sent to Batch: RFC 3339 in UTC, ending in Z, with all digits of its fraction.
 * Returns undefined if the text is not an RFC 3339 timestamp or not a valid time. A timestamp without a time zone is
 * ambiguous, so it is not valid.
 */
export function normalizeTimestamp(text: string): string | undefined {
  // Most timestamps already have this form, and a row may have several of them.
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
 * Like `normalizeTimestamp`, but for a column that the catalog declares as a timestamp. A timestamp without a time zone
 * is in UTC, a space may replace the T, and the colon or the minutes of an offset are optional. Airbyte's own
 * destinations read timestamps in the same way.
 */
export function normalizeDateTime(text: string): string | undefined {
  if (isUtcTimestamp(text)) return text;
  const match = LOOSE_DATE_TIME.exec(text);
  if (match === null) return normalizeTimestamp(text);
  const [, day, time, sign, hours, minutes = '00'] = match;
  return normalizeTimestamp(`${day}T${time}${sign === undefined ? 'Z' : `${sign}${hours}:${minutes}`}`);
}

/** Like `normalizeTimestamp`, but also accepts a date without a time, as midnight in UTC. */
export function normalizeTimestampOrDay(text: string): string | undefined {
  return normalizeTimestamp(text.length === DAY_LENGTH && DATE_ONLY.test(text) ? `${text}T00:00:00Z` : text);
}

/** Converts a result of `normalizeTimestamp` to whole milliseconds since the epoch. */
export function toEpochMs(stamp: string): number {
  const fraction = stamp.slice(LENGTH_TO_SECONDS + 1, -1);
  // Date.UTC is twice as fast as Date.parse, but adds 1900 to years below 100. So the code adds a cycle of 400 years here and
  // subtracts it below.
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

/** Checks whether a string is a valid time in the form that is sent. */
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

/** Checks whether there is only a fraction, or nothing, between the seconds and `end`. */
function isFraction(text: string, end: number): boolean {
  if (end === LENGTH_TO_SECONDS) return true;
  if (text.charCodeAt(LENGTH_TO_SECONDS) !== POINT || end === LENGTH_TO_SECONDS + 1) return false;
  for (let index = LENGTH_TO_SECONDS + 1; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (code < DIGIT_0 || code > DIGIT_9) return false;
  }
  return true;
}

/** Parses `count` digits at `start`. Returns -1 if one of the characters is not a digit. */
function readDigits(text: string, start: number, count: number): number {
  let number = 0;
  for (let index = start; index < start + count; index += 1) {
    const code = text.charCodeAt(index);
    if (code < DIGIT_0 || code > DIGIT_9) return -1;
    number = number * 10 + code - DIGIT_0;
  }
  return number;
}

/** Returns the number of days in a month, or 0 if there is no such month. */
function countDaysIn(year: number, month: number): number {
  if (year < 0 || month < 1 || month > 12) return 0;
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
