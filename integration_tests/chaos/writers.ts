import fc from 'fast-check';
import type { CrashingClickHouse } from './clickhouse.ts';
import type { Moment } from './faults.ts';
import { insertRows, type TablePlan } from './table.ts';

/** Of the lookback, how much the stamp of a row may be older than its statement. The rest is for the statement. */
const LATE_SHARE = 0.4;
const LATEST_MS = 30_000;

/** An INSERT while a run is under way, or before its first row (after 0 rows). */
export type WritePlan = {
  at: Moment;
  /** Numbers of the rows, which no other statement has. */
  from: number;
  count: number;
  /** How much older their stamp is than the statement. */
  lateMs: number;
  pace: keyof typeof TAILS;
};

/** How long a slow statement takes, in seconds. */
const SLOW_SECONDS = 0.4;

/** In so many parts one appears part by part. */
const BLOCKS = 10;

/** What makes a statement show its rows at once, all of them at its end, or part by part. */
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

/** A statement in a run over this table, but for the numbers of its rows. */
export function writePlan({ rows, lookbackSeconds }: TablePlan): fc.Arbitrary<Omit<WritePlan, 'from'>> {
  return fc.record({
    at: fc.oneof(fc.constant(0), fc.nat(rows)).map((count): Moment => ({ after: 'rows', count })),
    count: fc.integer({ min: 1, max: 300 }),
    lateMs: fc.nat(Math.min(LATEST_MS, lookbackSeconds * 1000 * LATE_SHARE)),
    pace: fc.constantFrom(...paces),
  });
}

/** A statement that was carried out: since when its rows, if there are any, could be read. Milliseconds since 1970. */
export type Written = { from: number; count: number; visibleAt: number };

/** Those who insert rows while a source reads. */
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
    // Rejects the promise that waits for all.
    writing.catch(() => undefined);
    this.#writing.push(writing);
  }

  /** Resolves when all statements have ended. */
  finished(): Promise<Written[]> {
    return Promise.all(this.#writing);
  }

  async #write({ from, count, lateMs, pace }: WritePlan): Promise<Written> {
    const stamp = `now64(6) - toIntervalMillisecond(${lateMs})`;
    const tail = TAILS[pace](count);
    try {
      await this.#clickhouse.server.execute(insertRows(this.#table, this.#plan, { from, count, stamp, tail }));
    } catch {
      // The server was killed. Not repeated: rows that were written all the same would be there twice. What there is
      // can be read once it is back.
    }
    await this.#clickhouse.isBack();
    return { from, count, visibleAt: Date.now() };
  }
}
