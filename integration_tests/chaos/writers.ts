import fc from 'fast-check';
import type { CrashingClickHouse } from './clickhouse.ts';
import type { Moment } from './faults.ts';
import { insertRows, type TablePlan } from './table.ts';

/**
 * How much older than its INSERT the timestamp of a row may be, as a share of the lookback. The rest is for the time that the
 * INSERT takes.
 */
const LATE_SHARE = 0.4;
const LATEST_MS = 30_000;

/** An INSERT during a run, or before the run's first row (after 0 rows). */
export type WritePlan = {
  at: Moment;
  /** The number of the first row. Each INSERT has its own numbers. */
  from: number;
  count: number;
  /** How much older than the INSERT the timestamp of the rows is, in milliseconds. */
  lateMs: number;
  pace: keyof typeof TAILS;
};

/** How long a slow INSERT takes, in seconds. */
const SLOW_SECONDS = 0.4;

/** The number of parts in which the rows of a `part_by_part` INSERT appear. */
const BLOCKS = 10;

/** The SQL with which the rows of an INSERT appear at once, at the end of a slow INSERT, or part by part during it. */
const TAILS = {
  at_once: () => '',
  at_its_end: (count: number) => slowly(count),
  part_by_part: (count: number) => `${slowly(count)}, min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1`,
};

function slowly(count: number): string {
  const rowsInBlock = Math.ceil(count / BLOCKS);
  return `WHERE NOT ignore(sleepEachRow(${SLOW_SECONDS / count})) SETTINGS max_block_size = ${rowsInBlock}`;
}

const paces: readonly (keyof typeof TAILS)[] = ['at_once', 'at_its_end', 'part_by_part'];

/** Draws an INSERT into this table, without the number of its first row. */
export function writePlan({ rows, lookbackSeconds }: TablePlan): fc.Arbitrary<Omit<WritePlan, 'from'>> {
  return fc.record({
    at: fc.oneof(fc.constant(0), fc.nat(rows)).map((count): Moment => ({ after: 'rows', count })),
    count: fc.integer({ min: 1, max: 300 }),
    lateMs: fc.nat(Math.min(LATEST_MS, lookbackSeconds * 1000 * LATE_SHARE)),
    pace: fc.constantFrom(...paces),
  });
}

/** An INSERT that has ended, and a time at which its rows were visible, in milliseconds since 1970. */
export type Written = { from: number; count: number; visibleAt: number };

/** Inserts rows while the source reads. */
export class Writers {
  readonly #clickhouse: CrashingClickHouse;
  readonly #table: string;
  readonly #plan: TablePlan;
  readonly #writing: Promise<Written>[] = [];

  constructor(clickhouse: CrashingClickHouse, table: string, plan: TablePlan) {
    this.#clickhouse = clickhouse;
    this.#table = table;
    this.#plan = plan;
  }

  write(plan: WritePlan): void {
    const writing = this.#write(plan);
    // `finished` rejects instead.
    writing.catch(() => undefined);
    this.#writing.push(writing);
  }

  /** Resolves when all INSERTs have ended. */
  finished(): Promise<Written[]> {
    return Promise.all(this.#writing);
  }

  async #write({ from, count, lateMs, pace }: WritePlan): Promise<Written> {
    const stamp = `now64(6) - toIntervalMillisecond(${lateMs})`;
    const tail = TAILS[pace](count);
    try {
      await this.#clickhouse.server.execute(insertRows(this.#table, this.#plan, { from, count, stamp, tail }));
    } catch {
      // The server was killed. The INSERT is not repeated, because some of its rows may have been written. These rows can be
      // read after the restart.
    }
    await this.#clickhouse.isBack();
    return { from, count, visibleAt: Date.now() };
  }
}
