import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { formatInstant, type Instant, parseInstant } from '../schema/instant.ts';

/** The SQL of the server's time zone. The today() of an INSERT is in that zone, whatever the session_timezone of our user is. */
export const SERVER_ZONE_SQL = 'serverTimezone()';

/** Reads the server's clock. */
export async function readServerClock(clickhouse: Pick<ClickHouse, 'rows'>): Promise<Instant> {
  const time = await readString(clickhouse, "concat(replaceOne(toString(now64(9, 'UTC')), ' ', 'T'), 'Z')", {});
  const now = parseInstant(time);
  if (now === undefined) throw new Error(`The server's clock is not a time: ${time}`);
  return now;
}

/** Returns the version of the server, such as 26.7.2.1. */
export async function readServerVersion(clickhouse: Pick<ClickHouse, 'rows'>): Promise<string> {
  return readString(clickhouse, 'version()', {});
}

/** Returns the day of a moment in the server's time zone, as in 2026-12-01. @param instant a moment that a DateTime can hold. */
export async function readServerDay(clickhouse: Pick<ClickHouse, 'rows'>, instant: Instant): Promise<string> {
  const time = formatInstant(instant, 0).replace('T', ' ').replace('Z', '');
  return readString(clickhouse, `toString(toDate({time:DateTime('UTC')}, ${SERVER_ZONE_SQL}))`, { time });
}

async function readString(
  clickhouse: Pick<ClickHouse, 'rows'>,
  sql: string,
  parameters: Record<string, string>,
): Promise<string> {
  const [row] = await clickhouse.rows(`SELECT ${sql} AS value`, parameters, z.object({ value: z.string() }));
  if (row === undefined) throw new Error('A SELECT of a constant returned no row.');
  return row.value;
}
