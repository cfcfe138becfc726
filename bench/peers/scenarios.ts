import { setTimeout as sleep } from 'node:timers/promises';
import type { Limits } from '../../sandbox/batch-api/limits.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER_WITH_SETTINGS, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { DATABASE } from '../events-table.ts';
import { insertNumbered } from './numbered-table.ts';
import type { GroupMeasured } from './process-group.ts';

/** How long a destination stalls, in seconds. ClickHouse cuts a reader that does not read for 30. */
const STALL_SECONDS = 60;

const MICROSECOND = 'toIntervalMicrosecond(number)';
const AN_HOUR_AGO = `toStartOfHour(now64(6)) - toIntervalHour(1)`;

/** A user with small blocks: an exception arrives after rows that were already sent, also inside a page. */
export const READER_OF_SMALL_BLOCKS: SandboxUser = {
  ...READER_WITH_SETTINGS,
  name: 'reader_of_small_blocks',
  settings: { ...READER_WITH_SETTINGS.settings, max_block_size: 500, output_format_parallel_formatting: 0 },
};

/** A contender with its own table and Batch API. */
type Trial = {
  server: ClickHouseServer;
  table: string;
  batch: BatchApi;
  /** Delivers the new rows. `onCall` is called at each call to Batch, with its number. */
  run: (onCall?: (call: number, kill: () => void) => void) => Promise<GroupMeasured>;
};

export type Scenario = {
  name: string;
  /** The lookback of a contender that has such an option, in seconds. */
  lag?: number;
  /** The user that reads, if it is not the usual one. */
  user?: SandboxUser;
  /** Documented limits of Batch, instead of none. */
  limits?: Partial<Limits>;
  /** Whether it happens between the contender and Batch, so that it does not apply to a contender that only reads. */
  needsBatch: boolean;
  /** Inserts rows into the table and delivers them. Returns how many. */
  play: (trial: Trial) => Promise<number>;
};

const ties: Scenario = {
  name: 'ties',
  needsBatch: false,
  play: async ({ server, table, run }) => {
    await insertNumbered(server, table, 0, 500, `${AN_HOUR_AGO} + ${MICROSECOND}`);
    await insertNumbered(server, table, 500, 12_500, `${AN_HOUR_AGO} + toIntervalSecond(60)`);
    await insertNumbered(server, table, 12_500, 13_000, `${AN_HOUR_AGO} + toIntervalSecond(120) + ${MICROSECOND}`);
    await run();
    return 13_000;
  },
};

async function playLate({ server, table, run }: Trial): Promise<number> {
  await insertNumbered(server, table, 0, 2_000, 'now64(6) - toIntervalMillisecond(200000 - number * 100)');
  await run();
  await insertNumbered(server, table, 2_000, 2_100, 'now64(6) - toIntervalMillisecond(150000 - (number - 2000) * 100)');
  await run();
  return 2_100;
}

const late: Scenario = { name: 'late', needsBatch: false, play: playLate };

/** For contenders with an option for a lookback. */
const lateWithLag: Scenario = {
  name: 'late_lag',
  needsBatch: false,
  lag: 300,
  play: playLate,
};

const kill: Scenario = {
  name: 'kill',
  needsBatch: true,
  play: async ({ server, table, run }) => {
    await insertNumbered(server, table, 0, 30_000, `${AN_HOUR_AGO} + ${MICROSECOND}`);
    await run((call, kill) => {
      if (call === 75) kill();
    });
    await run();
    return 30_000;
  },
};

const exception: Scenario = {
  name: 'exception',
  needsBatch: false,
  user: READER_OF_SMALL_BLOCKS,
  play: async ({ server, table, run }) => {
    const whole = `${DATABASE}.${table}`;
    await insertNumbered(server, table, 0, 60_000, `${AN_HOUR_AGO} + ${MICROSECOND}`);
    await server.execute(
      `RENAME TABLE ${whole} TO ${whole}_rows`,
      `CREATE TABLE ${whole}_guard (n UInt64) ENGINE = MergeTree ORDER BY n`,
      `INSERT INTO ${whole}_guard VALUES (45000)`,
      `CREATE VIEW ${whole} AS SELECT * FROM ${whole}_rows
        WHERE throwIf(n IN (SELECT n FROM ${whole}_guard), 'broken off') = 0`,
    );
    await run();
    await server.execute(`TRUNCATE TABLE ${whole}_guard`);
    await run();
    return 60_000;
  },
};

const stall: Scenario = {
  name: 'stall',
  needsBatch: true,
  play: async ({ server, table, batch, run }) => {
    await insertNumbered(server, table, 0, 100_000, `${AN_HOUR_AGO} + ${MICROSECOND}`);
    const before = 10;
    batch.faults.add([
      { kind: 'delay', milliseconds: 0, times: before },
      { kind: 'delay', milliseconds: STALL_SECONDS * 1000, times: 1_000 },
    ]);
    let isOver: Promise<void> | undefined;
    await run((call) => {
      if (call > before) isOver ??= sleep(STALL_SECONDS * 1000).then(() => batch.faults.clear());
    });
    await isOver;
    await run();
    return 100_000;
  },
};

/** Two thirds of them exceed what Batch accepts at once. */
const paced: Scenario = {
  name: 'paced',
  needsBatch: true,
  limits: { updateRate: 300, updateBurst: 1_000 },
  play: async ({ server, table, run }) => {
    await insertNumbered(server, table, 0, 4_000, `${AN_HOUR_AGO} + ${MICROSECOND}`);
    await run();
    return 4_000;
  },
};

export const SCENARIOS: readonly Scenario[] = [ties, late, lateWithLag, kill, exception, stall, paced];
