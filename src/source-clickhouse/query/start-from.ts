import type { ConnectorError } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import { sourceError } from '../errors/codes.ts';
import { type ClickHouseType, unwrapType } from '../schema/clickhouse-type.ts';
import { formatInstant, type Instant, parseInstant, subtractSeconds } from '../schema/instant.ts';
import type { ResolvedStream } from './row-query.ts';
import { readServerDay } from './server-info.ts';

/** Matches an age: a whole number and a unit. */
const AGE = /^(\d+)([smhd])$/;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** The first and the last moment that a DateTime can hold, in seconds since the epoch. */
const DATE_TIME_RANGE = { first: 0, last: 2 ** 32 - 1 };

/**
 * The first and the last moment that a DateTime64 can hold, in seconds since the epoch. A DateTime64 with nanoseconds ends in 2262,
 * because it has only 64 bits.
 * https://clickhouse.com/docs/sql-reference/data-types/datetime64
 */
const DATE_TIME_64_RANGE = {
  first: Date.UTC(1900, 0, 1) / 1000,
  last: Date.UTC(2299, 11, 31, 23, 59, 59) / 1000,
  lastWithNanoseconds: Date.UTC(2262, 3, 11, 23, 47, 15) / 1000,
};

/** The first and the last day of the types, from https://clickhouse.com/docs/sql-reference/data-types/date and date32. */
const DAY_RANGES: Readonly<Record<string, { first: string; last: string }>> = {
  Date: { first: '1970-01-01', last: '2149-06-06' },
  Date32: { first: '1900-01-01', last: '2299-12-31' },
};

/** What a `start_from` can be for a cursor that is a time. */
const TIMES = 'a time with its time zone, as in 2026-12-01T00:00:00Z, "now", or an age such as "24h", "30m" or "7d"';

/**
 * Returns the cursor from which a run without a state reads a stream, in the form that it has in records. Rows with this cursor
 * are read. A time is rounded down to the precision of the cursor, so that no row after it is left out.
 *
 * @param startFrom the option `start_from`.
 * @param now the server's time from which an age is subtracted. It is the same for all streams of a run.
 * @throws ConnectorError (config_error) when the option can't be read, or is not a value of the cursor's type.
 */
export async function resolveStart(
  clickhouse: Pick<ClickHouse, 'rows'>,
  { table, cursor }: Pick<ResolvedStream, 'table' | 'cursor'>,
  startFrom: string,
  now: Instant,
): Promise<string> {
  const { name, type } = cursor.column;
  const explain: Explain = (problem) =>
    sourceError(
      'start_from_invalid',
      `"start_from" is "${startFrom}", but the cursor ${name} of "${table.name}" is a ${type.name}. ${problem}`,
    );
  const inner = unwrapType(type);
  switch (inner.kind) {
    case 'date_time':
      return resolveTime(inner, parseTime(startFrom, now), explain);
    case 'date':
      return resolveDay(clickhouse, inner.name, startFrom, now, explain);
    case 'integer':
      return resolveInteger(inner, startFrom, explain);
    default:
      if (startFrom !== 'now' && !AGE.test(startFrom)) return startFrom;
      throw explain('A string has no age. Write the first value to send, as it is in the column.');
  }
}

/** Creates the error for a value. @param problem what is wrong, and what to write instead. */
type Explain = (problem: string) => ConnectorError;

/** Parses "now", an age or a timestamp. Returns undefined if it is none of them. */
function parseTime(startFrom: string, now: Instant): Instant | undefined {
  if (startFrom === 'now') return now;
  const [, count, unit = ''] = AGE.exec(startFrom) ?? [];
  if (count !== undefined) return subtractSeconds(now, Number(count) * (UNIT_SECONDS[unit] ?? 0));
  return parseInstant(startFrom);
}

function resolveTime(
  { name, precision }: Extract<ClickHouseType, { kind: 'date_time' }>,
  time: Instant | undefined,
  explain: Explain,
): string {
  if (time === undefined) throw explain(`Write ${TIMES}.`);
  const { first, last, lastWithNanoseconds } = DATE_TIME_64_RANGE;
  const range = name.startsWith('DateTime64')
    ? { first, last: precision === 9 ? lastWithNanoseconds : last }
    : DATE_TIME_RANGE;
  checkRange(time, range, explain);
  return formatInstant(time, precision);
}

async function resolveDay(
  clickhouse: Pick<ClickHouse, 'rows'>,
  type: string,
  startFrom: string,
  now: Instant,
  explain: Explain,
): Promise<string> {
  if (parseInstant(`${startFrom}T00:00:00Z`) !== undefined) {
    const range = DAY_RANGES[type];
    if (range !== undefined && (startFrom < range.first || startFrom > range.last)) {
      throw explain(describeRange(range.first, range.last));
    }
    return startFrom;
  }
  const time = parseTime(startFrom, now);
  if (time === undefined) throw explain(`Write a day, as in 2026-12-01, ${TIMES}.`);
  checkRange(time, DATE_TIME_RANGE, explain);
  return readServerDay(clickhouse, time);
}

function resolveInteger(
  { signed, bits }: Extract<ClickHouseType, { kind: 'integer' }>,
  startFrom: string,
  explain: Explain,
): string {
  if (!/^-?\d+$/.test(startFrom)) throw explain('Write the first number to send, as in "1000".');
  const first = signed ? -(2n ** BigInt(bits - 1)) : 0n;
  const last = first + 2n ** BigInt(bits) - 1n;
  const value = BigInt(startFrom);
  if (value < first || value > last) throw explain(describeRange(first, last));
  return String(value);
}

function checkRange({ seconds }: Instant, { first, last }: { first: number; last: number }, explain: Explain): void {
  if (seconds >= first && seconds <= last) return;
  const format = (second: number): string => formatInstant({ seconds: second, fraction: '' }, 0);
  throw explain(describeRange(format(first), format(last)));
}

function describeRange(first: string | bigint, last: string | bigint): string {
  return `Its values go from ${first} to ${last}. Write one of them or, to send all rows, leave out "start_from".`;
}
