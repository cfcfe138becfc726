import fc from 'fast-check';
import { createTableSql } from '../support/tables.ts';

/** The table of a round, and the lookback with which the source reads it. */
export type TablePlan = {
  /** The number of rows before the first run. */
  rows: number;
  profiles: number;
  cursor: 'DateTime64(6)' | 'DateTime';
  stamps: keyof typeof STAMPS;
  isSortedByCursor: boolean;
  /** The size of a column that is not sent. With it, a few rows fill several pages of the source. */
  paddingBytes: number;
  /** One in this many rows has no event name, so it is rejected. null: no row. */
  badEvery: number | null;
  lookbackSeconds: number;
};

const LONG_AGO = 'now64(6) - toIntervalDay(3)';
const JUST_NOW = 'now64(6) - toIntervalMillisecond(number % 3000)';

/** The timestamps of the rows in SQL, computed from the row's number. `now64` is the same for all rows of a statement. */
const STAMPS = {
  one: LONG_AGO,
  in_groups: `${LONG_AGO} + toIntervalSecond(intDiv(number, 300))`,
  each_its_own: `${LONG_AGO} + toIntervalMillisecond(number)`,
  just_now: JUST_NOW,
  some_just_now: `if(number % 2 = 0, ${LONG_AGO} + toIntervalMillisecond(number), ${JUST_NOW})`,
};

const stampKinds: readonly (keyof typeof STAMPS)[] = ['one', 'in_groups', 'each_its_own', 'just_now', 'some_just_now'];

export const tablePlan: fc.Arbitrary<TablePlan> = fc.record({
  rows: fc.integer({ min: 20, max: 1_200 }),
  profiles: fc.constantFrom(7, 60, 700),
  cursor: fc.constantFrom<TablePlan['cursor']>('DateTime64(6)', 'DateTime'),
  stamps: fc.constantFrom(...stampKinds),
  isSortedByCursor: fc.boolean(),
  paddingBytes: fc.constantFrom(0, 2_000, 6_000),
  badEvery: fc.constantFrom(null, 5, 40),
  lookbackSeconds: fc.constantFrom(5, 60, 300),
});

/** Returns the id of a row, which is the same as `insertRows` computes in SQL. */
export function rowId(number: number): string {
  return `row-${String(number).padStart(6, '0')}`;
}

export function createTable(name: string, { cursor, isSortedByCursor }: TablePlan): string {
  return createTableSql(name, 'id String, colour String, padding String', {
    cursor,
    orderBy: isSortedByCursor ? 'last_updated_at' : 'tuple()',
  });
}

/** The statement that fills a new table. */
export function firstRows(name: string, plan: TablePlan): string {
  return insertRows(name, plan, { from: 0, count: plan.rows, stamp: STAMPS[plan.stamps] });
}

/** @param stamp the timestamp, in SQL. @param tail the SQL after the FROM clause. */
export function insertRows(
  name: string,
  { profiles, paddingBytes, badEvery }: TablePlan,
  { from, count, stamp, tail = '' }: { from: number; count: number; stamp: string; tail?: string },
): string {
  const eventName = badEvery === null ? "'purchase'" : `if(number % ${badEvery} = 0, '', 'purchase')`;
  return `INSERT INTO ${name} (custom_id, event_name, last_updated_at, id, colour, padding)
    SELECT concat('u', toString(number % ${profiles})), ${eventName}, ${stamp},
      concat('row-', leftPad(toString(number), 6, '0')), 'red', repeat('x', ${paddingBytes})
    FROM numbers(${from}, ${count}) ${tail}`;
}
