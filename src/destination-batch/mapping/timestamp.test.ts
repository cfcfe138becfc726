import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalizeDateTime, normalizeTimestamp, normalizeTimestampOrDay, toEpochMs } from './timestamp.ts';

describe('normalizes a timestamp to UTC', () => {
  test.each([
    ['in UTC already', '2026-04-17T04:25:00Z', '2026-04-17T04:25:00Z'],
    ['with a lower-case t and z', '2026-04-17t04:25:00z', '2026-04-17T04:25:00Z'],
    ['with an offset to the east', '2026-04-17T04:25:00+02:00', '2026-04-17T02:25:00Z'],
    ['with an offset to the west, of half hours', '2026-04-17T04:25:00-05:30', '2026-04-17T09:55:00Z'],
    ['with the largest offset', '2026-04-17T04:25:00+23:59', '2026-04-16T04:26:00Z'],
    ['with an offset of zero', '2026-04-17T04:25:00+00:00', '2026-04-17T04:25:00Z'],
    ['with the offset that RFC 3339 has for an unknown place', '2026-04-17T04:25:00-00:00', '2026-04-17T04:25:00Z'],
    ['with an offset over the end of a year', '2026-01-01T00:30:00+01:00', '2025-12-31T23:30:00Z'],
    ['with an offset over a leap day', '2024-03-01T01:00:00+02:00', '2024-02-29T23:00:00Z'],
    ['with one digit of a fraction', '2026-04-17T04:25:00.5Z', '2026-04-17T04:25:00.5Z'],
    ['with nanoseconds', '2026-04-17T04:25:00.123456789Z', '2026-04-17T04:25:00.123456789Z'],
    ['with nanoseconds and an offset', '2026-04-17T04:25:00.123456789+02:00', '2026-04-17T02:25:00.123456789Z'],
    ['with a fraction that ends in zeros', '2026-04-17T04:25:00.500000Z', '2026-04-17T04:25:00.500000Z'],
    [
      'with more digits than a double has',
      '2026-04-17T04:25:00.12345678901234567890Z',
      '2026-04-17T04:25:00.12345678901234567890Z',
    ],
    ['on a leap day', '2024-02-29T12:00:00Z', '2024-02-29T12:00:00Z'],
    ['in the first year', '0000-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
    ['in the first year, with an offset', '0000-01-01T01:00:00+01:00', '0000-01-01T00:00:00Z'],
    ['in the last second that can be written, with an offset', '9999-12-31T22:59:59-01:00', '9999-12-31T23:59:59Z'],
    ['in the last second that can be written', '9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
  ])('%s', (_, text, expected) => {
    expect(normalizeTimestamp(text)).toBe(expected);
  });

  test('any time with any offset keeps its moment and its fraction', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9998-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    const twoDigits = (value: number) => String(value).padStart(2, '0');
    fc.assert(
      fc.property(
        moments,
        fc.integer({ min: -1439, max: 1439 }),
        fc.stringMatching(/^(\.\d{1,9})?$/),
        (moment, minutes, fraction) => {
          const wallClock = new Date(moment.getTime() + minutes * 60_000).toISOString().slice(0, 19);
          const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
          const zone = `${minutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(rest)}`;
          expect(normalizeTimestamp(`${wallClock}${fraction}${zone}`)).toBe(
            `${moment.toISOString().slice(0, 19)}${fraction}Z`,
          );
        },
      ),
    );
  });
});

describe('rejects', () => {
  test.each([
    ['an empty string', ''],
    ['no time zone', '2026-04-17T04:25:00'],
    ['a space for the T', '2026-04-17 04:25:00Z'],
    ['only a day', '2026-04-17'],
    ['30 February', '2026-02-30T00:00:00Z'],
    ['29 February in a year without one', '2026-02-29T00:00:00Z'],
    ['30 February with an offset', '2026-02-30T00:00:00+02:00'],
    ['a thirteenth month', '2026-13-01T00:00:00Z'],
    ['a day zero', '2026-04-00T00:00:00Z'],
    ['hour 24', '2026-04-17T24:00:00Z'],
    ['minute 60', '2026-04-17T04:60:00Z'],
    ['a leap second, about which Batch documents nothing', '2016-12-31T23:59:60Z'],
    ['a time zone of 24 hours', '2026-04-17T04:25:00+24:00'],
    ['a time zone of 60 minutes', '2026-04-17T04:25:00+01:60'],
    ['a time zone without a colon', '2026-04-17T04:25:00+0200'],
    ['a time zone of only hours', '2026-04-17T04:25:00+02'],
    ['a time zone by name', '2026-04-17T04:25:00 UTC'],
    ['a point without digits', '2026-04-17T04:25:00.Z'],
    ['a comma before the fraction', '2026-04-17T04:25:00,5Z'],
    ['a time without seconds', '2026-04-17T04:25Z'],
    ['a year of five digits', '12026-04-17T04:25:00Z'],
    ['a year with a sign', '+002026-04-17T04:25:00Z'],
    ['a timestamp with a space before it', ' 2026-04-17T04:25:00Z'],
    ['a timestamp with a line break after it', '2026-04-17T04:25:00Z\n'],
    ['digits that are not ASCII', '２０２６-04-17T04:25:00Z'],
    ['Unix seconds', '1776399900'],
    ['a word', 'now'],
  ])('%s', (_, text) => {
    expect([normalizeTimestamp(text), normalizeTimestampOrDay(text === '2026-04-17' ? '' : text)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['a time before the year 0 in UTC', '0000-01-01T00:00:00+01:00'],
    ['a time after the year 9999 in UTC', '9999-12-31T23:59:59-01:00'],
    ['the first second after the year 9999 in UTC', '9999-12-31T23:00:00-01:00'],
  ])('rejects %s: RFC 3339 has four digits for a year', (_, text) => {
    expect(normalizeTimestamp(text)).toBeUndefined();
  });
});

describe('normalizes a timestamp or a day', () => {
  test.each([
    ['a day is midnight in UTC', '2026-04-17', '2026-04-17T00:00:00Z'],
    ['a leap day is valid', '2024-02-29', '2024-02-29T00:00:00Z'],
    ['30 February is rejected', '2026-02-30', undefined],
    ['a day with a time zone is rejected', '2026-04-17Z', undefined],
    ['a day of one digit is rejected', '2026-4-17', undefined],
    ['a timestamp is normalized', '2026-04-17T04:25:00.5+02:00', '2026-04-17T02:25:00.5Z'],
  ])('%s', (_, text, expected) => {
    expect(normalizeTimestampOrDay(text)).toBe(expected);
  });
});

describe('normalizes a string that the catalog declares as a time', () => {
  test.each([
    ['without a time zone', '2026-04-17T04:25:00', '2026-04-17T04:25:00Z'],
    ['without a time zone, with a fraction', '2026-04-17T04:25:00.728000', '2026-04-17T04:25:00.728000Z'],
    ['with a space for the T', '2026-04-17 04:25:00', '2026-04-17T04:25:00Z'],
    ['with a space for the T, in UTC', '2026-04-17 04:25:00+00:00', '2026-04-17T04:25:00Z'],
    ['with an offset without a colon', '2026-04-17T06:25:00.5+0200', '2026-04-17T04:25:00.5Z'],
    ['with an offset of hours', '2026-04-17 00:25:00-04', '2026-04-17T04:25:00Z'],
    ['with a space before the offset', '2026-04-17 06:25:00 +0200', '2026-04-17T04:25:00Z'],
    ['in RFC 3339', '2026-04-17T06:25:00+02:00', '2026-04-17T04:25:00Z'],
    ['as it is sent', '2026-04-17T04:25:00.000Z', '2026-04-17T04:25:00.000Z'],
  ])('%s', (_, text, expected) => {
    expect(normalizeDateTime(text)).toBe(expected);
  });

  test.each([
    '',
    '2026-04-17',
    '2026-02-30 00:00:00',
    '2026-04-17 04:25:00 UTC',
    '2026-04-17 04:25:00+2',
    '2026-04-17 04:25:00+24:00',
    '2026-04-17 04:25:00 ',
    '2026-04-17  04:25:00',
    '2026-04-17T04:25',
    '17/04/2026 04:25:00',
    '1776399900',
  ])('rejects %j', (text) => {
    expect(normalizeDateTime(text)).toBeUndefined();
  });
});

describe('milliseconds since the epoch', () => {
  test.each([
    ['the epoch', '1970-01-01T00:00:00Z', 0],
    ['the second before it', '1969-12-31T23:59:59Z', -1000],
    ['the first year', '0000-01-01T00:00:00Z', -62_167_219_200_000],
    ['the last second', '9999-12-31T23:59:59Z', 253_402_300_799_000],
    ['one digit of a fraction', '1970-01-01T00:00:00.5Z', 500],
    ['more digits than milliseconds have', '1970-01-01T00:00:00.001999999Z', 1],
  ])('%s', (_, stamp, expected) => {
    expect(toEpochMs(stamp)).toBe(expected);
  });

  test('equals Date.parse for every valid and invalid day', () => {
    const part = (max: number) => fc.nat(max).map((number) => String(number).padStart(2, '0'));
    const year = fc.nat(9999).map((number) => String(number).padStart(4, '0'));
    fc.assert(
      fc.property(year, part(13), part(32), part(24), part(60), part(60), (...[y, mo, d, h, mi, s]) => {
        const stamp = `${y}-${mo}-${d}T${h}:${mi}:${s}Z`;
        const moment = Date.parse(stamp);
        const exists = !Number.isNaN(moment) && new Date(moment).toISOString() === `${stamp.slice(0, -1)}.000Z`;
        expect(normalizeTimestamp(stamp)).toBe(exists ? stamp : undefined);
        if (exists) expect(toEpochMs(stamp)).toBe(moment);
      }),
      { numRuns: 20_000 },
    );
  });
});
