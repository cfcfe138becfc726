import fc from 'fast-check';
import { integerBytes } from '../../support/row-binary.ts';
import { ANYWHERE, type DrawnType, NOT_LOW, textLeaving } from './drawn-type.ts';

const DAY_MS = 86_400_000;
const FIRST_DAY = Date.parse('1900-01-01') / DAY_MS;
const LAST_DAY = Date.parse('2299-12-31') / DAY_MS;

function dayType(name: string, bits: number, min: number, max: number): DrawnType {
  return {
    name,
    parsed: { kind: 'date' },
    fits: ANYWHERE,
    value: fc.integer({ min, max }).map((days) => ({
      bytes: integerBytes(BigInt(days), bits),
      leaving: textLeaving(new Date(days * DAY_MS).toISOString().slice(0, 10)),
    })),
  };
}
export const date = dayType('Date', 16, 0, 65_535);
export const day = fc.constantFrom(date, dayType('Date32', 32, FIRST_DAY, LAST_DAY));

const zone = fc.constantFrom(
  ...['', 'UTC', 'Europe/Paris', 'America/New_York', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe'],
);
/** Seconds around which clocks go back or forward in one of the zones, or its offset changes, and the epoch. */
const TURNS = [
  ...['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'],
  ...['2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z', '1970-01-01T00:00:00Z', '1985-12-31T18:30:00Z'],
].map((text) => BigInt(Date.parse(text) / 1000));

export const dateTime = zone.map((name): DrawnType => {
  const value = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.constantFrom(...TURNS));
  return {
    name: name === '' ? 'DateTime' : `DateTime('${name}')`,
    parsed: { kind: 'date_time', precision: 0 },
    fits: ANYWHERE,
    value: value.map((ticks) => ({ bytes: integerBytes(ticks, 32), leaving: textLeaving(stampText(ticks, 0)) })),
  };
});

export const dateTime64 = fc.tuple(fc.integer({ min: 0, max: 9 }), zone).map(([precision, name]): DrawnType => {
  const scale = 10n ** BigInt(precision);
  const min = BigInt(FIRST_DAY * 86_400) * scale;
  const last = BigInt((LAST_DAY + 1) * 86_400) * scale - 1n;
  const max = last < 2n ** 63n ? last : 2n ** 63n - 1n;
  const around = fc.tuple(fc.constantFrom(...TURNS), fc.bigInt({ min: -scale, max: scale }));
  const ticks = fc.oneof(
    fc.bigInt({ min, max }),
    fc.constantFrom(min, max),
    around.map(([turn, by]) => turn * scale + by),
  );
  return {
    name: `DateTime64(${precision}${name === '' ? '' : `, '${name}'`})`,
    parsed: { kind: 'date_time', precision },
    fits: NOT_LOW,
    value: ticks.map((value) => ({
      bytes: integerBytes(value, 64),
      leaving: textLeaving(stampText(value, precision)),
    })),
  };
});

/** RFC 3339 in UTC with this number of digits after the seconds. */
export function stampText(ticks: bigint, precision: number): string {
  const scale = 10n ** BigInt(precision);
  const inSecond = ((ticks % scale) + scale) % scale;
  const seconds = Number((ticks - inSecond) / scale);
  const fraction = precision === 0 ? '' : `.${inSecond.toString().padStart(precision, '0')}`;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}

const LONGEST_TIME = BigInt(999 * 3600 + 59 * 60 + 59);

/** Precision undefined: Time. */
export const time = fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }).map((precision): DrawnType => {
  const scale = 10n ** BigInt(precision ?? 0);
  const max = (LONGEST_TIME + 1n) * scale - 1n;
  return {
    name: precision === undefined ? 'Time' : `Time64(${precision})`,
    parsed: { kind: 'other' },
    fits: NOT_LOW,
    value: fc.bigInt({ min: -max, max }).map((ticks) => ({
      bytes: integerBytes(ticks, precision === undefined ? 32 : 64),
      leaving: textLeaving(timeText(ticks, precision ?? 0)),
    })),
  };
});

function timeText(ticks: bigint, precision: number): string {
  const scale = 10n ** BigInt(precision);
  const size = ticks < 0n ? -ticks : ticks;
  const seconds = Number(size / scale);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const fraction = precision === 0 ? '' : `.${(size % scale).toString().padStart(precision, '0')}`;
  return `${ticks < 0n ? '-' : ''}${parts.map((part) => String(part).padStart(2, '0')).join(':')}${fraction}`;
}

export const interval = fc
  .constantFrom(
    ...['Nanosecond', 'Microsecond', 'Millisecond', 'Second', 'Minute', 'Hour'],
    ...['Day', 'Week', 'Month', 'Quarter', 'Year'],
  )
  .map(
    (unit): DrawnType => ({
      name: `Interval${unit}`,
      parsed: { kind: 'other' },
      fits: NOT_LOW,
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({
        bytes: integerBytes(value, 64),
        leaving: textLeaving(String(value)),
      })),
    }),
  );
