import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { ADMIN } from '../../sandbox/clickhouse/users.ts';
import { finished, type PrintedMessage } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  clickHouseWith,
  lastState,
  numbers,
  type ReadOptions,
  sorted,
  sourceReader,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const WRITERS = 10;
/** The number of runs of each reader during which rows are written. It does not depend on the speed of the machine. */
const RUNS_WHILE_WRITING = 8;
const BETWEEN_RUNS_MS = 1_000;

const server = clickHouseWith('shop');
const { read, startRead } = sourceReader(server, 'shop', runInProcess);

/** How a writer inserts `count` rows, numbered from `from`. Their timestamp is the server's time when the statement begins. */
const STATEMENTS: ((table: string, from: number, count: number) => string)[] = [
  // Takes seconds; the rows become visible all at once at its end, or part by part.
  (table, from, count) =>
    `${insertInto(table)} FROM numbers(${from}, ${count}) WHERE NOT ignore(sleepEachRow(${3 / count})) SETTINGS max_block_size = 4`,
  (table, from, count) =>
    `${insertInto(table)} FROM numbers(${from}, ${count}) WHERE NOT ignore(sleepEachRow(${2 / count})) SETTINGS max_block_size = 4, min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1`,
  // At once, with one timestamp.
  (table, from, count) => `${insertInto(table)} FROM numbers(${from}, ${count})`,
];

function insertInto(table: string): string {
  return `INSERT INTO ${table} (custom_id, event_name, n) SELECT concat('u', toString(number % 5)), 'purchase', number`;
}

/** Writes in several connections until `isEnough`. Resolves to the number of rows, which are numbered from 0. */
async function write(table: string, isEnough: () => boolean): Promise<number> {
  let next = 0;
  const writer = async (client: ClickHouseClient): Promise<void> => {
    for (let turn = 0; !isEnough(); turn++) {
      const count = 1 + Math.floor(Math.random() * 60);
      const from = next;
      next += count;
      const statement = STATEMENTS[turn % STATEMENTS.length];
      await client.command({ query: statement?.(table, from, count) ?? '' });
    }
    await client.close();
  };
  const clients = Array.from({ length: WRITERS }, () =>
    createClient({ url: server().url, username: ADMIN.name, password: ADMIN.password, request_timeout: 60_000 }),
  );
  await Promise.all(clients.map(writer));
  return next;
}

/** Reads again and again from its last state, until all rows have been inserted. */
async function readAgainAndAgain(
  table: string,
  written: Promise<number>,
  { kill = false, ...options }: ReadOptions & { kill?: boolean },
  onRun: () => void,
): Promise<number[]> {
  let state: unknown[] = [];
  const delivered: number[] = [];
  let isLast = false;
  let runs = 0;
  for (;;) {
    const messages =
      kill && !isLast && runs % 2 === 1
        ? await readAndKill(table, state)
        : (await read(table, { ...options, state })).messages;
    runs += 1;
    onRun();
    delivered.push(...numbers({ messages }));
    const [last] = lastState({ messages });
    if (last !== undefined) state = [last];
    if (isLast) return delivered;
    isLast = await Promise.race([written.then(() => true), sleep(BETWEEN_RUNS_MS, false)]);
  }
}

/** Kills a read at any moment: before, between and after its first rows. Returns the messages that it wrote as whole lines. */
async function readAndKill(table: string, state: unknown[]): Promise<PrintedMessage[]> {
  const child = startRead(table, { state });
  const ended = finished(child);
  await sleep(Math.random() * 700);
  child.kill('SIGKILL');
  const { stdout } = await ended;
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line !== '').map((line): PrintedMessage => JSON.parse(line));
}

// In parallel, because most of the time is spent on writing rows for some seconds.
describe.concurrent.each(['DateTime64(6) DEFAULT now64(6)', 'DateTime DEFAULT now()'])(
  'while ten connections write rows with the cursor %s',
  (cursor) => {
    const table = cursor.startsWith('DateTime64') ? 'microseconds' : 'seconds';
    let total: number;
    let careful: number[];
    let killed: number[];
    let careless: number[];

    beforeAll(async () => {
      await server().execute(createTableSql(`shop.${table}`, 'n UInt64', { cursor }));
      const runs = [0, 0, 0];
      const written = write(`shop.${table}`, () => Math.min(...runs) >= RUNS_WHILE_WRITING);
      const read = (reader: number, options: ReadOptions & { kill?: boolean }): Promise<number[]> =>
        readAgainAndAgain(table, written, options, () => {
          runs[reader] = (runs[reader] ?? 0) + 1;
        });
      [total, careful, killed, careless] = await Promise.all([
        written,
        read(0, {}),
        read(1, { kill: true }),
        read(2, { config: { lookback_seconds: 0 } }),
      ]);
    });

    test('lookback: repeated reads send each row of concurrent writers once', () => {
      expect(total).toBeGreaterThan(500);
      expect(sorted(careful)).toEqual(upTo(total));
    });

    test('lookback: a reader that is killed now and then loses no row', () => {
      expect(sorted([...new Set(killed)])).toEqual(upTo(total));
    });

    test('without a lookback rows are lost: they become visible later than their timestamps', () => {
      expect(new Set(careless).size).toBeLessThan(total);
    });
  },
);
