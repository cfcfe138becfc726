import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeTimestamp, toEpochMs } from '../timestamp.ts';
import { TimestampReader } from './timestamp-bytes.ts';

/** Reads a timestamp in quotes, as in a row. */
function read(text: string, reader = new TimestampReader()): number {
  const before = Buffer.from('"x":"');
  const bytes = Buffer.from(text);
  const row = Buffer.concat([before, bytes, Buffer.from('","y":"2026-04-17T04:25:00Z"}')]);
  return reader.read(row, before.length, before.length + bytes.length);
}

/** The time of a timestamp that is sent as it is, or NaN. */
function expectedOf(text: string): number {
  return normalizeTimestamp(text) === text ? toEpochMs(text) : Number.NaN;
}

test.each([
  '2026-04-17T04:25:00Z',
  '2026-04-17T04:25:00.1Z',
  '2026-04-17T04:25:00.12Z',
  '2026-04-17T04:25:00.123Z',
  '2026-04-17T04:25:00.999999999999Z',
  '2026-04-17T00:00:00.000Z',
  '2026-04-17T23:59:59Z',
  '2024-02-29T12:00:00Z',
  '2000-02-29T12:00:00Z',
  '2026-01-31T12:00:00Z',
  '2026-12-31T23:59:59.9Z',
  '0000-01-01T00:00:00Z',
  '0099-03-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
  '9999-12-31T23:59:59Z',
])('reads %s', (text) => {
  const ms = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  expect([read(text), expectedOf(text)]).toEqual([ms, ms]);
});

test.each([
  '',
  'Z',
  'today',
  '2026-04-17',
  '2026-04-17T04:25:00',
  '2026-04-17T04:25:00z',
  '2026-04-17t04:25:00Z',
  '2026-04-17 04:25:00Z',
  '2026-04-17T04:25Z',
  '2026-04-17T04:25:00+00:00',
  '2026-04-17T04:25:00.Z',
  '2026-04-17T04:25:00,5Z',
  '2026-04-17T04:25:00.5',
  '2026-04-17T04:25:00.5aZ',
  '2026-04-17T04:25:00.5 Z',
  '2026-04-17T04:25:005Z',
  '2026-04-17T04:25:00ZZ',
  '2026-04-17T24:00:00Z',
  '2026-04-17T04:60:00Z',
  '2026-04-17T04:25:60Z',
  '2016-12-31T23:59:60Z',
  '2026-02-29T12:00:00Z',
  '1900-02-29T12:00:00Z',
  '2024-02-30T12:00:00Z',
  '2026-04-31T12:00:00Z',
  '2026-00-17T04:25:00Z',
  '2026-13-17T04:25:00Z',
  '2026-04-00T04:25:00Z',
  '2026/04/17T04:25:00Z',
  '2026-4-017T04:25:00Z',
  '+026-04-17T04:25:00Z',
  '-026-04-17T04:25:00Z',
  '2026-04-17T-4:25:00Z',
  '2026-04-17T 4:25:00Z',
  '2026-04-17T04-25-00Z',
  ' 2026-04-17T04:25:00Z',
  '2026-04-17T04:25:00Z ',
  '２026-04-17T04:25:00Z',
  '2026-04-17T04:25:00.٣Z',
])('leaves %j to the rules', (text) => {
  expect([read(text), expectedOf(text)]).toEqual([Number.NaN, Number.NaN]);
});

test('checks a day again, even if the last timestamp had the same day', () => {
  const reader = new TimestampReader();
  for (const text of ['2026-02-29T12:00:00Z', '2026-02-28T12:00:00Z', '2026-02-29T12:00:00Z', '\0'.repeat(10)]) {
    expect(read(text, reader)).toBe(expectedOf(text));
    expect(read(`${text.slice(0, 10)}T13:00:00Z`, reader)).toBe(expectedOf(`${text.slice(0, 10)}T13:00:00Z`));
  }
});

const twoDigits = (max: number): fc.Arbitrary<string> =>
  fc
    .oneof({ weight: 20, arbitrary: fc.nat(max) }, { weight: 1, arbitrary: fc.nat(99) })
    .map((number) => String(number).padStart(2, '0'));

const anyDay = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('2026-04-17', '2026-04-18', '2024-02-29', '2026-02-29') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(9999), twoDigits(12), twoDigits(31))
      .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${month}-${day}`),
  },
);

const anyTimestamp = fc
  .tuple(
    anyDay,
    twoDigits(23),
    twoDigits(59),
    twoDigits(59),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,12}$/)),
    fc.oneof({ weight: 9, arbitrary: fc.constant('Z') }, fc.constantFrom('z', '+00:00', '+02:00', '')),
  )
  .map(([day, hour, minute, second, fraction, zone]) => `${day}T${hour}:${minute}:${second}${fraction}${zone}`);

const anyCharacter = fc.oneof(
  fc.constantFrom(...'0123456789-:.TZtz+ "\\/\0é٣'),
  fc.string({ minLength: 1, maxLength: 1 }),
);

/** A timestamp in which a character was replaced, added or removed. */
const mutated = fc
  .tuple(anyTimestamp, fc.nat(30), anyCharacter, fc.nat(1), fc.boolean())
  .map(
    ([text, at, character, removed, isAdded]) =>
      `${text.slice(0, at)}${isAdded ? character : ''}${text.slice(at + removed)}`,
  );

test('agrees with normalizeTimestamp and toEpochMs, for valid and mutated timestamps in any order', () => {
  let valid = 0;
  let all = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(anyTimestamp, mutated), { minLength: 1, maxLength: 20 }), (texts) => {
      const reader = new TimestampReader();
      for (const text of texts) {
        const expected = expectedOf(text);
        expect([text, read(text, reader)]).toEqual([text, expected]);
        all += 1;
        if (!Number.isNaN(expected)) valid += 1;
      }
    }),
    { numRuns: 1_000 },
  );
  expect(valid / all).toBeGreaterThan(0.3);
  expect(valid / all).toBeLessThan(0.9);
});
