import { beforeAll, describe, expect, test } from 'vitest';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  catalogOf,
  clickHouseWith,
  errors,
  expectSame,
  logs,
  numbers,
  ofStream,
  sorted,
  sourceReader,
  states,
  statuses,
  upTo,
} from '../support/support.ts';
import { eventColumns } from '../support/tables.ts';

const server = clickHouseWith('shop');
const { readArguments } = sourceReader(server, 'shop');

const COLUMNS = eventColumns('n UInt32, note String');

/** Creates a table of rows from SQL that uses `number`. */
async function table(name: string, rows: number, stamp: string, n = 'number', note = "''"): Promise<void> {
  await server().execute(
    `CREATE TABLE shop.${name} (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.${name} SELECT 'u', 'purchase', ${stamp}, ${n}, ${note} FROM numbers(${rows})`,
  );
}

const OLD = "toDateTime64('2026-01-01 00:00:00', 6, 'UTC')";

beforeAll(async () => {
  // The first thirty rows share a timestamp, and three of them each are equal; the others are within the lookback.
  await table(
    'tied',
    60,
    `if(number < 30, ${OLD}, now64(6) - 60 + intDiv(number, 5))`,
    'if(number < 30, number % 10, number)',
  );
  await table('long', 6_000, `${OLD} + intDiv(number, 700)`, 'number', "repeat('x', 400)");
  for (const name of ['one', 'two', 'three']) await table(name, 10, OLD);
});

/** A chain of runs, each of which begins with the last states of the previous one. */
function runs(...tables: string[]): (limit?: number) => Promise<Finished> {
  const catalog = catalogOf('incremental', ...tables);
  const kept = new Map<string, unknown>();
  return async (limit) => {
    const args = readArguments('', { catalog, state: [...kept.values()] });
    const result = await runInProcess('source-clickhouse', [
      ...args,
      ...(limit === undefined ? [] : ['--limit', `${limit}`]),
    ]);
    for (const state of states(result)) kept.set(state.stream.stream_descriptor.name, state);
    return result;
  };
}

function counted(result: Finished): number {
  return states(result).reduce((sum, { sourceStats }) => sum + (sourceStats?.recordCount ?? 0), 0);
}

describe.concurrent('the option --limit', () => {
  test('ends a read among equal cursors, equal rows and rows of the lookback; the next runs read the rest once', async () => {
    const read = runs('tied');
    const all: number[] = [];
    for (const limit of [7, 28, 9]) {
      const result = await read(limit);
      expect([result.code, statuses(result).at(-1)]).toEqual([0, 'COMPLETE']);
      expect([limit, numbers(result).length, counted(result)]).toEqual([limit, limit, limit]);
      expect(result.messages.at(-2)?.log?.message).toMatch(/ rows read.*, as many as the limit allows\.$/);
      all.push(...numbers(result));
    }
    const rest = await read();
    expect(counted(rest)).toBe(16);
    expect(sorted([...all, ...numbers(rest)])).toEqual(sorted(upTo(60).map((n) => (n < 30 ? n % 10 : n))));
  });

  test('ends a read anywhere in a page, and bounds the estimate', async () => {
    const read = runs('long');
    const first = await read(3_001);
    const second = await read(2_998);
    const last = await read(100);
    expect([first, second, last].map((result) => numbers(result).length)).toEqual([3_001, 2_998, 1]);
    expectSame(sorted([first, second, last].flatMap(numbers)), upTo(6_000));
    expect(states(first).length).toBeGreaterThan(1);
    const estimates = [first, last].map(
      ({ messages }) => messages.find(({ trace }) => trace?.estimate)?.trace?.estimate?.row_estimate,
    );
    expect(estimates[0]).toBe(3_001);
    expect(estimates[1]).toBeLessThanOrEqual(100);
  });

  test('counts the rows of all streams together: the other streams are read by the next run', async () => {
    const read = runs('one', 'two', 'three');
    const limited = await read(15);
    expect(['one', 'two', 'three'].map((name) => numbers(ofStream(limited, name)).length)).toEqual([10, 5, 0]);
    expect(statuses(limited).filter((status) => status === 'COMPLETE')).toHaveLength(2);
    expect(logs(limited)).toContain('INFO three: not read, because the row limit was reached.');
    const rest = await read(15);
    expect(rest.code).toBe(0);
    expect(['one', 'two', 'three'].map((name) => numbers(ofStream(rest, name)).length)).toEqual([0, 5, 10]);
    expect(sorted([...numbers(ofStream(limited, 'two')), ...numbers(ofStream(rest, 'two'))])).toEqual(upTo(10));
  });

  test('--limit 0 is refused', async () => {
    const result = await run('source-clickhouse', [...readArguments('one'), '--limit', '0']);
    expect(result.code).toBe(2);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/^--limit must be one whole number of rows/) },
    ]);
  });
});
