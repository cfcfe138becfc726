import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readerWith, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { finished, type PrintedMessage } from '../../sandbox/launcher.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  checkStatus,
  clickHouseWith,
  errors,
  eventually,
  expectSame,
  lastState,
  logs,
  numbers,
  records,
  sourceConfiguration,
  sourceReader,
  states,
  statuses,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { eventColumns } from '../support/tables.ts';

const ROWS = 60_000;
const NOTE_BYTES = 1200;
/** The same number of bytes in smaller rows, of which a query keeps more. */
const UNSORTED_ROWS = 300_000;
const SLOW_ROWS = 600;

/** A read needs several queries, and therefore several intervals. */
const SELDOM = readerWith('seldom', { settings: {}, quota: { seconds: 1, queries: 1 } });
const NEVER_AGAIN = readerWith('never_again', { settings: {}, quota: { seconds: 86_400, queries: 1 } });
const SINGLE = readerWith('single', {
  settings: { max_concurrent_queries_for_user: 1, max_threads: 1, max_block_size: 1 },
});
/** Memory for one of two large queries. The number of threads determines how large a query is. */
const CRAMPED = readerWith('cramped', {
  settings: {
    readonly: 2,
    max_memory_usage_for_user: 450_000_000,
    memory_usage_overcommit_max_wait_microseconds: 100_000,
    max_threads: 2,
  },
});
const TINY = readerWith('tiny', { settings: { max_memory_usage: 20_000_000 } });
/** The server sleeps for nearly all of its two seconds, so that some rows arrive in time on a busy machine, too. */
const HURRIED = readerWith('hurried', {
  settings: { max_execution_time: 2, max_threads: 1, max_block_size: 20 },
});
const FEW_ROWS = readerWith('few_rows', { settings: { max_rows_to_read: ROWS / 3 } });
const FEW_BYTES = readerWith('few_bytes', { settings: { max_bytes_to_read: 10_000_000 } });
const SHORT_RESULT = readerWith('short_result', { settings: { max_result_rows: 1_000 } });
const SMALL_RESULT = readerWith('small_result', { settings: { max_result_bytes: 100_000 } });
const HALF_A_RESULT = readerWith('half_a_result', { settings: { max_result_rows: ROWS / 2 } });

const COLUMNS = eventColumns('n UInt64, note String');

function events(rows: number, noteBytes: number): string {
  return `SELECT concat('u', toString(n % 1000)), 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + n, number AS n, repeat('x', ${noteBytes}) FROM numbers(${rows})`;
}

const server = clickHouseWith('shop', [
  SELDOM,
  NEVER_AGAIN,
  SINGLE,
  CRAMPED,
  TINY,
  HURRIED,
  FEW_ROWS,
  FEW_BYTES,
  SHORT_RESULT,
  SMALL_RESULT,
  HALF_A_RESULT,
]);
const { read, startRead } = sourceReader(server, 'shop', runInProcess);
const file = temporaryFiles();

beforeAll(async () => {
  await server().execute(
    `CREATE TABLE shop.sorted (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at`,
    `INSERT INTO shop.sorted ${events(ROWS, NOTE_BYTES)}`,
    `CREATE VIEW shop.few AS SELECT * FROM shop.sorted WHERE n < 10`,
    // All rows have to be sorted before the first one is sent, and that takes memory.
    `CREATE TABLE shop.unsorted (${COLUMNS}) ENGINE = MergeTree ORDER BY n`,
    `INSERT INTO shop.unsorted ${events(UNSORTED_ROWS, 200)}`,
    // Takes six seconds, in which rows arrive continuously: 40 of them fill the buffer that the server sends.
    `CREATE TABLE shop.slow_rows (${COLUMNS}) ENGINE = MergeTree ORDER BY last_updated_at SETTINGS index_granularity = 20`,
    `INSERT INTO shop.slow_rows ${events(SLOW_ROWS, 24_000)}`,
    'CREATE VIEW shop.slow AS SELECT *, sleepEachRow(0.01) AS pause FROM shop.slow_rows',
  );
});

function configuration(user: SandboxUser): Record<string, unknown> {
  return sourceConfiguration(server(), 'shop', server().connection(user));
}

/** Resolves when a WARN with these words is printed after at least `afterRows` rows. */
async function warned(child: ChildProcess, words: RegExp, afterRows = 0): Promise<void> {
  let rows = 0;
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.startsWith('{"type":"RECORD"')) rows += 1;
      if (!line.startsWith('{"type":"LOG"')) return;
      const { log }: PrintedMessage = JSON.parse(line);
      if (log?.level === 'WARN' && words.test(log.message) && rows >= afterRows) resolve();
    });
    child.once('close', () => reject(new Error(`It ended without a warning like ${words}.`)));
  });
}

/** A query of a user. It is running once it has read more than `rowsRead` rows. */
type Occupant = { query: string; settings: Record<string, string>; rowsRead: number };

const BUSY: Occupant = {
  query: 'SELECT sleepEachRow(0.1) FROM numbers(10000)',
  settings: {},
  rowsRead: 0,
};

/** Uses 270 MB and requests no more. */
const GREEDY: Occupant = {
  query:
    'SELECT sleepEachRow(0.1) FROM numbers(10000) WHERE number IN (SELECT number FROM numbers(9000000) SETTINGS max_block_size = 65000)',
  // Never the query that is stopped when another one requests too much.
  settings: { max_block_size: '1', memory_overcommit_ratio_denominator_for_user: '0' },
  rowsRead: 9_000_000,
};

/** Resolves when the query of a user is running, to a function that ends it. */
async function occupy(user: SandboxUser, { query, settings, rowsRead }: Occupant): Promise<() => Promise<void>> {
  const id = `occupant_${user.name}`;
  const login = Buffer.from(`${user.name}:${user.password}`).toString('base64');
  const ended = fetch(`${server().url}/?${new URLSearchParams({ ...settings, query_id: id })}`, {
    method: 'POST',
    headers: { authorization: `Basic ${login}` },
    body: query,
  })
    .then((response) => response.text())
    .catch(() => {});
  const isUnderWay = async (): Promise<void> =>
    expect(
      await server().query(`SELECT 1 FROM system.processes WHERE query_id = '${id}' AND read_rows > ${rowsRead}`),
    ).toHaveLength(1);
  await eventually(isUnderWay);
  return async () => {
    await isUnderWay();
    await server().execute(`KILL QUERY WHERE query_id = '${id}' SYNC`);
    await ended;
  };
}

describe.concurrent('retries when a limit of the server is reached, and reads each row once:', () => {
  test('a quota of queries (201)', async () => {
    const result = await read('few', { user: SELDOM });
    expect(errors(result)).toEqual([]);
    expect(numbers(result)).toEqual(upTo(10));
    expect(logs(result)).toContainEqual(expect.stringMatching(/^WARN .+code 201, QUOTA_EXCEEDED.+ Retrying/));
  });

  test.each<[string, SandboxUser, Occupant, string, number, RegExp]>([
    ['queries at a time (202)', SINGLE, BUSY, 'few', 10, /code 202, TOO_MANY_SIMULTANEOUS_QUERIES/],
    ['memory (241)', CRAMPED, GREEDY, 'unsorted', UNSORTED_ROWS, /code 241, MEMORY_LIMIT_EXCEEDED/],
  ])('%s', async (_, user, occupant, table, rows, words) => {
    const letGo = await occupy(user, occupant);
    const child = startRead(table, { user });
    const ended = finished(child);
    await warned(child, words);
    await letGo();
    const result = await ended;
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expectSame(numbers(result), upTo(rows));
  });

  test('time (159), which runs out several times while rows arrive', async () => {
    const result = await read('slow', { user: HURRIED });
    expect(errors(result)).toEqual([]);
    expectSame(numbers(result), upTo(SLOW_ROWS));
    const warnings = logs(result).filter((line) => /code 159, TIMEOUT_EXCEEDED/.test(line));
    expect(warnings.length).toBeGreaterThan(1);
  });
});

describe('a limit of the server that stays', () => {
  test('is reported by check at once, with what to do', async () => {
    const { status, message } = await checkStatus(
      'source-clickhouse',
      file('source.json', { ...configuration(NEVER_AGAIN), table: 'sorted' }),
    );
    expect(status).toBe('FAILED');
    expect(message).toMatch(/code 201, QUOTA_EXCEEDED.+"never_again" was reached\. If this continues, raise the limit/);
  });

  test.each<[string, SandboxUser, number]>([
    ['a quota', NEVER_AGAIN, 201],
    ['memory', TINY, 241],
  ])('%s ends a lookup as a transient_error when the time for retries is over', async (_, user, code) => {
    const warnings: string[] = [];
    const clickhouse = new ClickHouse(sourceConfigurationSchema.parse(configuration(user)), {
      retryTimeMs: 2_000,
      firstRetryMs: 50,
      warn: (message) => warnings.push(message),
    });
    const failed = clickhouse.rows(
      'SELECT max(x) FROM (SELECT groupArray(note) AS x FROM shop.sorted)',
      {},
      z.unknown(),
    );
    await expect(failed).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(new RegExp(`code ${code}.+was reached\\. If this continues, raise the limit`)),
    });
    await clickhouse.close();
    expect(warnings.length).toBeGreaterThan(1);
  });

  test.each([
    { code: 158, user: FEW_ROWS, advice: 'max_rows_to_read = 0' },
    { code: 307, user: FEW_BYTES, advice: 'max_bytes_to_read = 0' },
    { code: 396, user: SHORT_RESULT, advice: 'max_result_rows = 0, max_rows_to_sort = 0' },
    { code: 396, user: SMALL_RESULT, advice: 'max_result_bytes = 0, max_bytes_to_sort = 0' },
  ])(
    'is a config_error without a retry when each attempt would reach it: $code of $user.name',
    async ({ code, user, advice }) => {
      const result = await read('unsorted', { user });
      expect(result.code).toBe(1);
      expect(records(result)).toEqual([]);
      expect(statuses(result)).toEqual(['STARTED', 'INCOMPLETE']);
      expect(errors(result)).toMatchObject([
        {
          failure_type: 'config_error',
          message: expect.stringMatching(
            new RegExp(
              `code ${code}.+too low for the query.+ALTER USER \`${user.name}\` MODIFY SETTING ${advice}(\n|$)`,
              's',
            ),
          ),
        },
      ]);
      expect(logs(result)).toEqual([]);
    },
  );
});

describe('a limit of the server that is reached among the rows', () => {
  test('keeps the rows and states before it, and the next run resumes there', async () => {
    const broken = await read('sorted', { user: HALF_A_RESULT });
    // Also while rows wait to be read: the server's error after them is not lost with the connection.
    expect(errors(broken)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/code 396.+max_result_rows/) },
    ]);
    expect(broken.code).toBe(1);
    expect(logs(broken).filter((line) => line.startsWith('WARN'))).toEqual([]);
    const seen = numbers(broken);
    expect(seen.length).toBeGreaterThan(1000);
    expect(states(broken).reduce((sum, { sourceStats }) => sum + (sourceStats?.recordCount ?? 0), 0)).toBe(seen.length);
    const rest = await read('sorted', { state: lastState(broken) });
    expectSame([...numbers(broken), ...numbers(rest)], upTo(ROWS));
  });

  test('leaves a STATE to resume from after SIGTERM', async () => {
    const child = startRead('slow', { user: HURRIED });
    const ended = finished(child);
    await warned(child, /code 159, TIMEOUT_EXCEEDED/, 1);
    child.kill('SIGTERM');
    const stopped = await ended;
    expect(stopped.signal).toBe('SIGTERM');
    expect(numbers(stopped).length).toBeGreaterThan(0);
    const rest = await read('slow', { state: lastState(stopped) });
    expect(numbers(rest).length).toBeGreaterThan(0);
    expectSame([...numbers(stopped), ...numbers(rest)], upTo(SLOW_ROWS));
  });
});
