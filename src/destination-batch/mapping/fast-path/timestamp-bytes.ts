import { COLON, DIGIT_0, DIGIT_9, POINT } from '../../../shared/ascii.ts';
import { normalizeTimestamp, toEpochMs } from '../timestamp.ts';

const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/** Offsets in a timestamp in the form that is sent: `2026-04-17T04:25:00.123Z`. */
const DAY_LENGTH = '2026-04-17'.length;
const LENGTH_TO_SECONDS = '2026-04-17T04:25:00'.length;

/** Reads timestamps from bytes. Most rows of a table have the same day as the row before, so the last day is cached. */
export class TimestampReader {
  readonly #day = Buffer.alloc(DAY_LENGTH);
  #dayMs = Number.NaN;

  /**
   * Returns the time in whole milliseconds since the epoch, or NaN if the bytes are not a valid time in the form that is sent
   * (see `normalizeTimestamp`).
   */
  read(bytes: Buffer, start: number, end: number): number {
    const seconds = start + LENGTH_TO_SECONDS;
    if (end <= seconds || bytes[end - 1] !== LETTER_Z || bytes[start + DAY_LENGTH] !== LETTER_T) return Number.NaN;
    if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return Number.NaN;
    const hour = readTwoDigits(bytes, start + 11);
    const minute = readTwoDigits(bytes, start + 14);
    const second = readTwoDigits(bytes, start + 17);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN;
    const day = this.#readDay(bytes, start);
    return day + ((hour * 60 + minute) * 60 + second) * 1000 + readFraction(bytes, seconds, end - 1);
  }

  #readDay(bytes: Buffer, start: number): number {
    const day = this.#day;
    let index = 0;
    while (index < DAY_LENGTH && bytes[start + index] === day[index]) index += 1;
    if (index === DAY_LENGTH) return this.#dayMs;
    bytes.copy(day, 0, start, start + DAY_LENGTH);
    const midnight = normalizeTimestamp(`${day.toString('latin1')}T00:00:00Z`);
    this.#dayMs = midnight === undefined ? Number.NaN : toEpochMs(midnight);
    return this.#dayMs;
  }
}

/** Returns the value of the two digits at `offset`, or -1 if they are not digits. */
function readTwoDigits(bytes: Buffer, offset: number): number {
  const tens = (bytes[offset] ?? 0) - DIGIT_0;
  const ones = (bytes[offset + 1] ?? 0) - DIGIT_0;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

/** Returns the fraction between `start` and `end` in milliseconds: 0 if it is empty, NaN if it is not a fraction. */
function readFraction(bytes: Buffer, start: number, end: number): number {
  if (start === end) return 0;
  if (bytes[start] !== POINT || start + 1 === end) return Number.NaN;
  let ms = 0;
  let unit = 100;
  for (let index = start + 1; index < end; index += 1) {
    const code = bytes[index] ?? 0;
    if (code < DIGIT_0 || code > DIGIT_9) return Number.NaN;
    ms += (code - DIGIT_0) * unit;
    unit = unit >= 10 ? unit / 10 : 0;
  }
  return ms;
}
