import { beforeAll, describe, expect, test } from 'vitest';
import { runInProcess } from '../support/in-process.ts';
import {
  clickHouseWith,
  errors,
  expectSame,
  lastState,
  numbers,
  type ReadOptions,
  records,
  sorted,
  sourceReader,
  upTo,
} from '../support/support.ts';
import { FEW, MANY, MANY_ROWS } from './example-tables.ts';

const server = clickHouseWith('shop');
const { read } = sourceReader(server, 'shop', runInProcess);

beforeAll(() => server().execute(...FEW, ...MANY_ROWS));

describe('the option partition', () => {
  const part = (index: number, count: number): ReadOptions => ({ config: { partition: { index, count } } });

  test('partitions read each row exactly once together, all rows of a profile in the same partition', async () => {
    const parts = await Promise.all([0, 1, 2, 3].map((index) => read('many', part(index, 4))));
    expectSame(sorted(parts.flatMap(numbers)), upTo(MANY));
    const readers = parts.map((result) => new Set(records(result).map(({ custom_id }) => String(custom_id))));
    const profiles = readers.flatMap((reader) => [...reader]);
    expect(new Set(profiles).size).toBe(profiles.length);
    for (const result of parts) expect(numbers(result).length).toBeGreaterThan(MANY / 6);
  });

  test('partitions read rows without a custom_id, too', async () => {
    await server().execute(
      'CREATE TABLE shop.anonymous (custom_id Nullable(String), event_name String, last_updated_at DateTime64(6), n UInt64) ENGINE = MergeTree ORDER BY n',
      "INSERT INTO shop.anonymous SELECT if(number % 2 = 0, NULL, concat('u', toString(number))), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), number FROM numbers(20)",
    );
    const parts = await Promise.all([0, 1].map((index) => read('anonymous', part(index, 2))));
    expect(sorted(parts.flatMap(numbers))).toEqual(upTo(20));
  });

  test('a partition rejects the state of another partition, and of another number of partitions', async () => {
    const first = await read('few', part(0, 2));
    const state = lastState(first);
    const [same, ...others] = await Promise.all(
      [part(0, 2), part(1, 2), part(0, 3), {}].map((options) => read('few', { ...options, state })),
    );
    expect(same?.code).toBe(0);
    expect(same && numbers(same)).toEqual([]);
    for (const result of others) {
      expect(result.code).toBe(1);
      expect(errors(result)[0]?.message).toMatch(/is for part 0 of 2, but the configuration selects/);
    }
  });

  test('a partition index that is too large is a config_error', async () => {
    const result = await read('few', part(2, 2));
    expect(errors(result)[0]?.message).toMatch(/partition index must be less than count/);
  });
});
