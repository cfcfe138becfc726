import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { type ClickHouseType, unwrapType } from '../schema/clickhouse-type.ts';
import { SERVER_ZONE_SQL } from './server-info.ts';

/**
 * The time bounds of a run, by the server's clock. Each bound has the form of a cursor. How they limit the position in a state is in
 * read/stream-reader.ts, and how rows in the lookback are remembered in state/emitted-rows.ts.
 */
export type LookbackWindow = {
  /** The current time. */
  now: string;
  /** New rows may still appear from this cursor on; undefined without a lookback. */
  lookbackStart: string | undefined;
  /** Only rows before this cursor are read; undefined for all rows. */
  lagBound: string | undefined;
};

const clockRow = z.object({ now: z.string(), lookback_start: z.string(), lag_bound: z.string() });

/**
 * Computes the bounds by the server's clock, because the server sets the timestamps of rows. Returns undefined if the cursor
 * is not a time.
 *
 * A row becomes visible some time after its timestamp. So either the next run reads the latest rows again (lookback), or a run
 * only reads rows that have reached a certain age (lag). Without a lookback, a run skips at least the rows of the current second
 * (DateTime) or day (Date), because more rows with the same timestamp may follow.
 */
export async function readLookbackWindow(
  clickhouse: ClickHouse,
  cursorType: ClickHouseType,
  { lookback_seconds, cursor_lag_seconds }: Pick<SourceConfiguration, 'lookback_seconds' | 'cursor_lag_seconds'>,
): Promise<LookbackWindow | undefined> {
  const writeCursorSql = chooseCursorSqlWriter(cursorType);
  if (writeCursorSql === undefined) return undefined;
  const [clock] = await clickhouse.rows(
    `SELECT ${writeCursorSql('0')} AS now, ${writeCursorSql('{lookback:UInt32}')} AS lookback_start, ${writeCursorSql('{lag:UInt32}')} AS lag_bound`,
    { lookback: lookback_seconds, lag: cursor_lag_seconds },
    clockRow,
  );
  if (clock === undefined) throw new Error('A SELECT of constants returned no row.');
  return {
    now: clock.now,
    lookbackStart: lookback_seconds > 0 ? clock.lookback_start : undefined,
    lagBound: lookback_seconds > 0 && cursor_lag_seconds === 0 ? undefined : clock.lag_bound,
  };
}

/**
 * Returns a function that writes the SQL of the cursor that a row of a certain age has, in the form that records have. The
 * age is also SQL: a number of seconds. Returns undefined if the cursor is not a time.
 */
function chooseCursorSqlWriter(cursorType: ClickHouseType): ((age: string) => string) | undefined {
  const type = unwrapType(cursorType);
  switch (type.kind) {
    case 'date_time':
      return (age) =>
        `concat(replaceOne(toString(toDateTime64(subtractSeconds(now64(9, 'UTC'), ${age}), ${type.precision}, 'UTC')), ' ', 'T'), 'Z')`;
    case 'date':
      return (age) => `toString(toDate(subtractSeconds(now(), ${age}), ${SERVER_ZONE_SQL}))`;
    default:
      return undefined;
  }
}
