import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { type ClickHouseType, unwrapType } from '../schema/clickhouse-type.ts';

/** What the server's clock says about the cursors of a run, as exact texts of the cursor. */
export type LookbackWindow = {
  /** The cursor of a row that is stamped now. */
  now: string;
  /** Rows with this cursor or a later one may still get company; undefined when no row is read that could. */
  lookbackStart: string | undefined;
  /** Only rows with an earlier cursor are read; undefined for all. */
  lagBound: string | undefined;
};

const clockRow = z.object({ now: z.string(), lookback_start: z.string(), lag_bound: z.string() });

/**
 * Looks at the server's clock, which is the one that stamps rows. Undefined when the cursor is no time.
 *
 * Rows become visible later than their stamp. Either the last stretch is read again by the next run (lookback), or rows
 * are left alone until they are old enough (lag). Without a lookback the unit that runs now (a second of a DateTime, a
 * day of a Date) is left alone at least, as rows will yet be stamped with it.
 */
export async function readLookbackWindow(
  clickhouse: ClickHouse,
  cursorType: ClickHouseType,
  { lookback_seconds, cursor_lag_seconds }: Pick<SourceConfiguration, 'lookback_seconds' | 'cursor_lag_seconds'>,
): Promise<LookbackWindow | undefined> {
  const cursorAgo = await chooseCursorSql(clickhouse, cursorType);
  if (cursorAgo === undefined) return undefined;
  const [clock] = await clickhouse.rows(
    `SELECT ${cursorAgo('0')} AS now, ${cursorAgo('{lookback:UInt32}')} AS lookback_start, ${cursorAgo('{lag:UInt32}')} AS lag_bound`,
    { lookback: lookback_seconds, lag: cursor_lag_seconds },
    clockRow,
  );
  if (clock === undefined) throw new Error('A SELECT of constants gave no row.');
  return {
    now: clock.now,
    lookbackStart: lookback_seconds > 0 ? clock.lookback_start : undefined,
    lagBound: lookback_seconds > 0 && cursor_lag_seconds === 0 ? undefined : clock.lag_bound,
  };
}

/** The SQL of the cursor, as its text in a record, of a row that was stamped some seconds ago. */
async function chooseCursorSql(
  clickhouse: ClickHouse,
  cursorType: ClickHouseType,
): Promise<((seconds: string) => string) | undefined> {
  const type = unwrapType(cursorType);
  switch (type.kind) {
    case 'date_time':
      return (seconds) =>
        `concat(replaceOne(toString(toDateTime64(subtractSeconds(now64(9, 'UTC'), ${seconds}), ${type.precision}, 'UTC')), ' ', 'T'), 'Z')`;
    case 'date': {
      const zone = await findServerZone(clickhouse);
      return (seconds) => `toString(toDate(subtractSeconds(now(), ${seconds}), ${zone}))`;
    }
    default:
      return undefined;
  }
}

/**
 * The SQL of the server's time zone, in which today() is for those who insert, whatever session_timezone is for the one
 * who reads. Versions before 23.6 have neither that setting nor serverTimezone(): there, timezone() is the server's.
 */
async function findServerZone(clickhouse: ClickHouse): Promise<string> {
  const found = await clickhouse.rows(
    "SELECT name FROM system.functions WHERE name = 'serverTimezone'",
    {},
    z.object({ name: z.string() }),
  );
  return found.length > 0 ? 'serverTimezone()' : 'timezone()';
}
