import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { clickHouseWith, sourceReader } from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

/** Together they are larger than the memory that a read may have. */
const ROWS = 1_500_000;
const MEGABYTE = 1024 * 1024;

const server = clickHouseWith('shop');
const { startRead } = sourceReader(server, 'shop');

beforeAll(() =>
  server().execute(
    createTableSql('shop.one_stamp', 'n UInt32'),
    `INSERT INTO shop.one_stamp SELECT concat('u', toString(number % 1000)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number FROM numbers(${ROWS})`,
  ),
);

/** What was read of the table, row by row, without keeping the lines. */
type Tally = {
  /** How often each row was read, by its number. */
  times: Uint8Array;
  rows: number;
  states: number;
  lastState: unknown;
  /** The maximum number of rows between two states. */
  pageRows: number;
};

/** Resumes from a state, counts the rows, and kills the process after a number of them. Returns its peak memory in bytes. */
async function readInto(tally: Tally, killAtRows = Number.POSITIVE_INFINITY): Promise<{ peak: number }> {
  const state = tally.lastState === undefined ? undefined : [tally.lastState];
  const child = startRead('one_stamp', { state });
  const exit = once(child, 'exit');
  let peak = 0;
  /** Whether these are enough rows. */
  const take = (line: string): boolean => {
    const n = /"n":(\d+)\}\},"row_hash"/.exec(line)?.[1];
    if (n !== undefined) {
      tally.times[Number(n)] = (tally.times[Number(n)] ?? 0) + 1;
      tally.rows += 1;
    } else if (line.includes('"type":"STATE"')) {
      const { state } = JSON.parse(line);
      tally.lastState = state;
      tally.states += 1;
      tally.pageRows = Math.max(tally.pageRows, state.sourceStats.recordCount);
      peak = peakMemory(child.pid) ?? peak;
    }
    return tally.rows === killAtRows;
  };
  let rest = '';
  // Not with readline: waiting for each of a million lines takes longer than reading them.
  for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (!lines.some(take)) continue;
    child.kill('SIGKILL');
    break;
  }
  await exit;
  return { peak };
}

/** The peak memory of a process in bytes, as Linux counts it; undefined when it has ended. */
function peakMemory(pid: number | undefined): number | undefined {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

test('I3, I5: a million and a half rows with one cursor value are read in bounded memory, and resumed after SIGKILL without losing a row', async () => {
  const tally: Tally = { times: new Uint8Array(ROWS), rows: 0, states: 0, lastState: undefined, pageRows: 0 };
  await readInto(tally, 350_000);
  expect(tally.states).toBeGreaterThan(25);
  expect(tally.lastState).toMatchObject({ stream: { stream_state: { tie_break: { rows: 1 } } } });
  const before = tally.rows;
  await readInto(tally, 600_000);
  const { peak } = await readInto(tally);

  expect(tally.times.every((times) => times > 0)).toBe(true);
  // After each kill, at most the rows since the last state are sent again.
  expect(before).toBe(350_000);
  expect(tally.rows - ROWS).toBeLessThanOrEqual(2 * tally.pageRows);
  expect(tally.pageRows).toBeLessThan(10_000);
  expect(tally.times.reduce((most, times) => Math.max(most, times))).toBeLessThanOrEqual(3);
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(200 * MEGABYTE);
});
