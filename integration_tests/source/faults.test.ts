import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readerWith } from '../../sandbox/clickhouse/users.ts';
import { type Finished, finished, launcherPath, type PrintedMessage } from '../../sandbox/launcher.ts';
import {
  after,
  breaksAfter,
  cut,
  during,
  type Fault,
  type Faults,
  FaultyProxy,
  FOR_ROWS,
  inPieces,
  says,
  stopsAfter,
} from '../support/faulty-proxy.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  clickHouseWith,
  errors,
  eventually,
  lastState,
  logs,
  numbers,
  type ReadOptions,
  records,
  sorted,
  sourceReader,
  states,
  statuses,
  upTo,
} from '../support/support.ts';
import { eventColumns } from '../support/tables.ts';

/** A user with small blocks, so that an exception arrives after rows that were already sent. */
const READER_OF_SMALL_BLOCKS = readerWith('reader_of_small_blocks', { settings: { max_block_size: 4 } });

const server = clickHouseWith('shop', [READER_OF_SMALL_BLOCKS]);
const { readArguments, read, startRead } = sourceReader(server, 'shop', runInProcess);

const EACH_ITS_OWN_STAMP = "toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number";
const GROUPS_OF_PAGES = "toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 2000)";
const ONE_STAMP = "toDateTime64('2026-01-01 00:00:00', 6, 'UTC')";
/** Always within the lookback in these tests. */
const RECENT = 'now64(6) - toIntervalSecond(number % 60)';

const COLUMNS = eventColumns('n Int32, note String');

type TableOptions = { stamp?: string; bytes?: number; order?: string };

/** Creates a table of numbered rows, each with a string of `bytes` bytes. A page has one mebibyte. */
async function table(
  name: string,
  rows: number,
  { stamp = EACH_ITS_OWN_STAMP, bytes = 1000, order = 'last_updated_at' }: TableOptions = {},
): Promise<void> {
  await server().execute(`CREATE TABLE shop.${name} (${COLUMNS}) ENGINE = MergeTree ORDER BY ${order}`);
  await insert(name, 0, rows, stamp, bytes);
}

async function insert(name: string, from: number, to: number, stamp: string, bytes = 1000): Promise<void> {
  await server().execute(
    `INSERT INTO shop.${name} (custom_id, event_name, last_updated_at, n, note) SELECT concat('u', toString(number % 7)), 'purchase', ${stamp}, number, repeat('x', ${bytes}) FROM numbers(${from}, ${to - from})`,
  );
}

type Through = { result: Finished; rowsAsked: number };

/** Reads through a proxy with faults for the responses with rows, and optionally for others; all faults must occur. */
async function readThrough(
  name: string,
  rowFaults: Fault[],
  options: ReadOptions & { lookUps?: Faults } = {},
): Promise<Through> {
  const { lookUps, config, ...rest } = options;
  const faults = [{ words: FOR_ROWS, faults: rowFaults }, ...(lookUps === undefined ? [] : [lookUps])];
  const proxy = await FaultyProxy.start(server(), faults);
  try {
    const result = await read(name, { ...rest, config: { ...config, port: proxy.port } });
    expect(proxy.failure).toBeUndefined();
    expect(proxy.faultsLeft).toBe(0);
    expectTrueStates(result);
    return { result, rowsAsked: proxy.rowsAsked };
  } finally {
    proxy.close();
  }
}

/** No state is ahead of the rows before it, and each counts them. */
function expectTrueStates({ messages }: Pick<Finished, 'messages'>): void {
  let cursor = '';
  let rows = 0;
  for (const { record, state } of messages) {
    if (record !== undefined) {
      const stamp = String(record.data.last_updated_at);
      if (stamp > cursor) cursor = stamp;
      rows += 1;
    }
    if (state === undefined) continue;
    if (rows > 0 && state.stream.stream_state.cursor !== null) {
      expect(String(state.stream.stream_state.cursor) <= cursor).toBe(true);
    }
    expect(state.sourceStats?.recordCount).toBe(rows);
    rows = 0;
  }
}

function delivered(...results: Pick<Finished, 'messages'>[]): number[] {
  return sorted(results.flatMap(numbers));
}

/** Resumes from the last state of a run, without faults. */
async function readOn(name: string, result: Pick<Finished, 'messages'>, options: ReadOptions = {}): Promise<Finished> {
  const rest = await read(name, { ...options, state: lastState(result) });
  expect(errors(rest)).toEqual([]);
  expect(rest.code).toBe(0);
  return rest;
}

function warnings(result: Finished): string[] {
  return logs(result).filter((line) => line.startsWith('WARN'));
}

describe.concurrent('a proxy that', () => {
  test('cuts responses in a row and between rows: the source retries and reads each row once', async () => {
    await table('cut', 5000, { stamp: GROUPS_OF_PAGES });
    const { result, rowsAsked } = await readThrough('cut', [
      cut({ rows: 1000, bytes: 500, by: 'break' }),
      cut({ rows: 1000, by: 'break' }),
      cut({ rows: 500, bytes: 1, by: 'chunk' }),
      cut({ rows: 500, bytes: 500, by: 'close' }),
      cut({ rows: 500, bytes: 500, says: '{"error":"upstream timed out"}\n', by: 'chunk' }),
    ]);
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(rowsAsked).toBe(6);
    expect(delivered(result)).toEqual(upTo(5000));
    // And not the contents of the rows.
    expect(warnings(result)).toEqual(
      Array(5).fill(
        expect.stringMatching(
          /^WARN cut: The connection to [\d.:]+ was cut\. .* Retrying: reading continues after the last page\.$/,
        ),
      ),
    );
    expect(warnings(result).join()).not.toContain('xxx');
  });

  test('cuts every response before it fills a page: the read still continues', async () => {
    await table('cut_short', 1000, { stamp: ONE_STAMP });
    const short = cut({ rows: 150, bytes: 500, by: 'break' });
    const { result, rowsAsked } = await readThrough('cut_short', [short, short, short, short, short, short]);
    expect(errors(result)).toEqual([]);
    expect(rowsAsked).toBe(7);
    // Each response continued where the previous one broke off.
    expect(states(result).length).toBeGreaterThanOrEqual(7);
    expect(delivered(result)).toEqual(upTo(1000));
  });

  test.each<[string, string, string, number]>([
    ['among rows with different timestamps', 'early_own', EACH_ITS_OWN_STAMP, 500],
    ['inside a large group with one timestamp', 'early_one', ONE_STAMP, 500],
    // The rows that the first run has delivered are read again.
    ['among rows of the lookback', 'early_recent', RECENT, 3000],
  ])(
    'ends responses early, with success, between two rows %s: the next run continues there',
    async (_, name, stamp, rows) => {
      await table(name, 4000, { stamp });
      const first = await readThrough(name, [cut({ rows: 2500, by: 'close' })]);
      const second = await readThrough(name, [cut({ rows, by: 'chunk' })], { state: lastState(first.result) });
      for (const { result } of [first, second]) {
        expect(errors(result)).toEqual([]);
        expect(numbers(result).length).toBeGreaterThan(0);
        expect(result.code).toBe(0);
      }
      const rest = await readOn(name, second.result);
      expect(delivered(first.result, second.result, rest)).toEqual(upTo(4000));
    },
  );

  test('ends a lookup early with success: the source retries, and no column is missing', async () => {
    await table('half_looked_up', 10);
    const lookUps = { words: 'system.columns', faults: [cut({ rows: 40, by: 'close' })] };
    const { result } = await readThrough('half_looked_up', [], { lookUps });
    expect(result.code).toBe(0);
    expect(warnings(result)).toEqual([expect.stringMatching(/Retrying\.$/)]);
    expect(Object.keys(records(result)[9] ?? {})).toEqual(['custom_id', 'event_name', 'last_updated_at', 'n', 'note']);
  });

  test('passes the bytes on in pieces: each row is read once', async () => {
    await table('pieces', 3000, { stamp: GROUPS_OF_PAGES });
    const seed = Date.now();
    const { result, rowsAsked } = await readThrough('pieces', [inPieces(randomFrom(seed))]);
    expect(delivered(result), `with the seed ${seed}`).toEqual(upTo(3000));
    expect(rowsAsked).toBe(1);
    expect(result.code).toBe(0);
  });

  test.each<[string, Fault, RegExp]>([
    [
      '502',
      says(502, '<html>Bad Gateway</html>'),
      /A proxy at .* answered, because it can't reach ClickHouse.*HTTP 502/,
    ],
    ['503', says(503, 'no healthy upstream'), /A proxy at .* answered, because it can't reach ClickHouse.*HTTP 503/],
    [
      '200 with a page of HTML',
      says(200, '<html>\n<body>Down for maintenance</body>\n</html>\n'),
      /a response that is not from ClickHouse \(HTTP 200\)|bytes that are neither a row/,
    ],
  ])('answers %s for a while: the source retries, before and among the rows', async (status, fault, expected) => {
    const name = `away_${status.slice(0, 3)}`;
    await table(name, 3000);
    const { result, rowsAsked } = await readThrough(name, [cut({ rows: 1500, by: 'break' }), fault], {
      lookUps: { words: 'system.columns', faults: [fault] },
    });
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(rowsAsked).toBe(3);
    expect(delivered(result)).toEqual(upTo(3000));
    const [first, , last] = warnings(result);
    expect(first).toMatch(expected);
    expect(last).toMatch(expected);
  });
});

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Cuts a response among its rows, and does something before the next one. */
function between(...statements: string[]): Fault[] {
  return [cut({ rows: 2500, bytes: 300, by: 'break' }), after(() => server().execute(...statements))];
}

const IN_GROUPS = { stamp: GROUPS_OF_PAGES, order: 'tuple()' };

describe.concurrent('between two responses of a run', () => {
  test.each<[string, string, string[]]>([
    ['a column is added', 'adds', ["ALTER TABLE shop.adds ADD COLUMN more String DEFAULT 'z'"]],
    ['parts are merged', 'merges', ['OPTIMIZE TABLE shop.merges FINAL']],
    ['the table is detached and attached', 'returns', ['DETACH TABLE shop.returns SYNC', 'ATTACH TABLE shop.returns']],
  ])('%s: the read continues, each row once', async (_, name, statements) => {
    await table(name, 2000, IN_GROUPS);
    await insert(name, 2000, 5000, GROUPS_OF_PAGES);
    const { result, rowsAsked } = await readThrough(name, between(...statements));
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(rowsAsked).toBe(2);
    expect(delivered(result, await readOn(name, result))).toEqual(upTo(5000));
  });

  test('rows are deleted, including the last one read: the others are read, each once', async () => {
    await table('deleted', 5000, IN_GROUPS);
    const { result } = await readThrough('deleted', between('DELETE FROM shop.deleted WHERE n % 4 != 1'));
    expect(result.code).toBe(0);
    // The last row of the first response, after which the second one begins.
    expect((numbers(result)[2499] ?? 1) % 4).not.toBe(1);
    const all = delivered(result, await readOn('deleted', result));
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((n) => n % 4 === 1)).toEqual(upTo(1250).map((n) => n * 4 + 1));
  });

  test('the table is emptied: the run succeeds, and rows that are inserted later are read', async () => {
    await table('emptied', 5000, IN_GROUPS);
    const { result } = await readThrough('emptied', between('TRUNCATE TABLE shop.emptied'));
    expect(result.code).toBe(0);
    await insert('emptied', 5000, 5010, GROUPS_OF_PAGES);
    expect(delivered(await readOn('emptied', result))).toEqual(upTo(5010).slice(5000));
  });

  test.each<[string, string, string[], string[], RegExp]>([
    [
      'the table is dropped',
      'drops',
      [
        'CREATE TABLE shop.drops_copy AS shop.drops',
        'INSERT INTO shop.drops_copy SELECT * FROM shop.drops',
        'DROP TABLE shop.drops SYNC',
      ],
      ['RENAME TABLE shop.drops_copy TO shop.drops'],
      /table was dropped or renamed/,
    ],
    [
      'the table is detached',
      'leaves',
      ['DETACH TABLE shop.leaves SYNC'],
      ['ATTACH TABLE shop.leaves'],
      /table was dropped or renamed/,
    ],
    [
      'the table is exchanged for one that lacks a column',
      'swaps',
      [
        'CREATE TABLE shop.swaps_new AS shop.swaps',
        'ALTER TABLE shop.swaps_new DROP COLUMN note',
        'EXCHANGE TABLES shop.swaps AND shop.swaps_new',
      ],
      ['EXCHANGE TABLES shop.swaps AND shop.swaps_new'],
      /A column no longer exists.*Refresh the schema/,
    ],
  ])(
    '%s: the run fails, and when it is back its state leads to the rest',
    async (_, name, statements, undo, expected) => {
      await table(name, 5000, IN_GROUPS);
      const { result } = await readThrough(name, between(...statements));
      expect(result.code).toBe(1);
      expect(statuses(result).at(-1)).toBe('INCOMPLETE');
      expect(errors(result)).toEqual([
        expect.objectContaining({ failure_type: 'config_error', message: expect.stringMatching(expected) }),
      ]);
      expect(numbers(result).length).toBeGreaterThan(0);
      await server().execute(...undo);
      expect(delivered(result, await readOn(name, result))).toEqual(upTo(5000));
    },
  );

  test('a column that is read is dropped: the run fails, and the next run reads the last group again with a warning', async () => {
    await table('narrower', 5000, IN_GROUPS);
    const { result } = await readThrough('narrower', between('ALTER TABLE shop.narrower DROP COLUMN note'));
    expect(result.code).toBe(1);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/A column no longer exists/) },
    ]);
    await expectLastGroupAgain('narrower', result);
  });
});

describe.concurrent('between two responses of a run the type is changed', () => {
  test('of a column that is read: the run fails, and the next run reads the last group again with a warning', async () => {
    await table('retyped', 5000, IN_GROUPS);
    const { result, rowsAsked } = await readThrough(
      'retyped',
      between('ALTER TABLE shop.retyped MODIFY COLUMN n String'),
    );
    expectChangedTable(result);
    expect(rowsAsked).toBe(2);
    await expectLastGroupAgain('retyped', result);
  });

  test('of a column that is not read: the run fails, too', async () => {
    await table('unread', 5000, IN_GROUPS);
    const stream = { name: 'unread', json_schema: { properties: { n: {} } } };
    const catalog = { streams: [{ stream, sync_mode: 'incremental' }] };
    const { result } = await readThrough(
      'unread',
      between('ALTER TABLE shop.unread MODIFY COLUMN note Variant(String, UInt64)'),
      {
        catalog,
      },
    );
    expectChangedTable(result);
    await expectLastGroupAgain('unread', result);
  });

  test('of the cursor: the run fails, and the next run continues when the type is back', async () => {
    await table('recursored', 5000, IN_GROUPS);
    const alter = 'ALTER TABLE shop.recursored MODIFY COLUMN last_updated_at';
    const { result } = await readThrough('recursored', between(`${alter} DateTime64(3)`));
    expectChangedTable(result);
    const refused = await read('recursored', { state: lastState(result) });
    expect(numbers(refused)).toEqual([]);
    expect(errors(refused)).toMatchObject([
      {
        failure_type: 'config_error',
        message: expect.stringMatching(/was DateTime64\(6\)\. Its type is now DateTime64\(3\)/),
      },
    ]);
    await server().execute(`${alter} DateTime64(6)`);
    expect(delivered(result, await readOn('recursored', result))).toEqual(upTo(5000));
  });
});

/** The run failed after some rows because the table has changed. */
function expectChangedTable(result: Finished): void {
  expect(result.code).toBe(1);
  expect(numbers(result).length).toBeGreaterThan(0);
  expect(statuses(result).at(-1)).toBe('INCOMPLETE');
  expect(errors(result)).toMatchObject([
    {
      failure_type: 'transient_error',
      message: expect.stringMatching(
        /A column was dropped or its type was changed while the table was being read.*Run again/,
      ),
    },
  ]);
}

/** The next run reads the rest of the 5,000 rows. Only rows of the last group of 2,000 are read twice. */
async function expectLastGroupAgain(name: string, result: Finished): Promise<void> {
  const rest = await readOn(name, result);
  expect(warnings(rest)).toContainEqual(expect.stringMatching(/dropped or their type was changed.*may be sent twice/));
  const last = numbers(result).at(-1) ?? 0;
  expect([...new Set(delivered(result, rest))]).toEqual(upTo(5000));
  const again = new Set(numbers(rest));
  const twice = numbers(result).filter((n) => again.has(n));
  expect(twice.every((n) => Math.floor(n / 2000) === Math.floor(last / 2000))).toBe(true);
}

/** A table so large that the server is still reading it when the first rows have arrived. */
const LARGE = {
  bytes: 20_000,
  stamp: "toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 500)",
  order: 'tuple()',
};
const LARGE_ROWS = 2100;

/** The condition in SQL for queries of rows of a table. */
function forRowsOf(name: string): string {
  return `user = 'batch_reader' AND query LIKE '%FROM shop.${name} AS %TSVRaw%'`;
}

/** How many queries for rows of a table are running on the server. */
async function queriesFor(name: string, more = '1'): Promise<number> {
  const [row] = await server().query<{ queries: string }>(
    `SELECT count() AS queries FROM system.processes WHERE ${forRowsOf(name)} AND ${more}`,
  );
  return Number(row?.queries);
}

/** Does something while the server is sending a response. */
function inTheMiddle(name: string, act: () => Promise<unknown>): Fault {
  return during(200, async () => {
    expect(await queriesFor(name)).toBe(1);
    await act();
  });
}

describe.concurrent('during a response', () => {
  test("the table is altered, its rows are deleted, its parts are merged and it is truncated: the response doesn't change", async () => {
    await table('changes', LARGE_ROWS, LARGE);
    const { result, rowsAsked } = await readThrough('changes', [
      inTheMiddle('changes', () =>
        server().execute(
          "ALTER TABLE shop.changes ADD COLUMN more String DEFAULT 'z'",
          'DELETE FROM shop.changes WHERE n % 2 = 0',
          'ALTER TABLE shop.changes MODIFY COLUMN n String',
          'ALTER TABLE shop.changes DROP COLUMN note',
          'OPTIMIZE TABLE shop.changes FINAL',
          'TRUNCATE TABLE shop.changes',
        ),
      ),
    ]);
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(rowsAsked).toBe(1);
    expect(delivered(result)).toEqual(upTo(LARGE_ROWS));
  });

  test("the table is exchanged and dropped: the response doesn't change", async () => {
    await table('goes', LARGE_ROWS, LARGE);
    let dropped: Promise<void> | undefined;
    const { result, rowsAsked } = await readThrough('goes', [
      inTheMiddle('goes', async () => {
        await server().execute(
          'CREATE TABLE shop.comes (n String) ENGINE = Memory',
          'EXCHANGE TABLES shop.goes AND shop.comes',
        );
        // It waits for the response.
        dropped = server().execute('DROP TABLE shop.comes SYNC');
      }),
    ]);
    await dropped;
    expect(errors(result)).toEqual([]);
    expect(rowsAsked).toBe(1);
    expect(delivered(result)).toEqual(upTo(LARGE_ROWS));
  });

  test('the query is killed: the source retries, each row once', async () => {
    await table('killed', LARGE_ROWS, LARGE);
    let killed: Promise<void> | undefined;
    const { result, rowsAsked } = await readThrough('killed', [
      inTheMiddle('killed', async () => {
        // It waits for the query, which only notices it when its rows are read.
        killed = server().execute(`KILL QUERY WHERE ${forRowsOf('killed')} SYNC`);
        await eventually(async () => expect(await queriesFor('killed', 'is_cancelled')).toBe(1));
      }),
    ]);
    await killed;
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(rowsAsked).toBe(2);
    expect(delivered(result)).toEqual(upTo(LARGE_ROWS));
    expect(warnings(result)).toEqual([expect.stringMatching(/QUERY_WAS_CANCELLED.*Retrying/)]);
  });
});

describe.concurrent('an exception of the server', () => {
  const view = (name: string, condition = '1'): string =>
    `CREATE OR REPLACE VIEW shop.${name} AS SELECT * FROM shop.fused WHERE ${condition}`;
  /** How many rows the first page has. */
  let border = 0;

  beforeAll(async () => {
    await table('fused', 500, { bytes: 20_000, order: 'last_updated_at SETTINGS index_granularity = 4' });
    const { messages } = await read('fused');
    border = numbers({
      messages: messages.slice(
        0,
        messages.findIndex(({ state }) => state !== undefined),
      ),
    }).length;
  });

  test.each<[string, string, () => number]>([
    ['in the first row', 'first', () => 0],
    ['in the last row of a page', 'before', () => border - 1],
    ['in the first row of a page', 'behind', () => border],
    ['in the last row', 'last', () => 499],
  ])('%s keeps the rows before it, and is reported', async (_, name, fuseAt) => {
    expect(border).toBeGreaterThan(40);
    const fuse = fuseAt();
    await server().execute(view(name, `throwIf(n = ${fuse} AND note != '', 'kaboom') = 0`));
    const result = await read(name, { user: READER_OF_SMALL_BLOCKS });
    expectTrueStates(result);
    expect(result.code).toBe(1);
    expect(statuses(result).at(-1)).toBe('INCOMPLETE');
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/ClickHouse said: kaboom.*Fix the row/) },
    ]);
    const seen = numbers(result);
    expect(seen).toEqual(upTo(seen.length));
    expect(seen.length).toBeLessThanOrEqual(fuse);
    // The rows that the server was working on are missing.
    expect(seen.length).toBeGreaterThanOrEqual(fuse - 40);
    await server().execute(view(name));
    expect(delivered(result, await readOn(name, result))).toEqual(upTo(500));
  });
});

/** Reads the rows of a process, and calls `act` after `rows` of them. Returns everything that it printed. */
async function takeRows(child: ChildProcess, rows: number, act: () => void): Promise<Pick<Finished, 'messages'>> {
  const exit = once(child, 'exit');
  const messages: PrintedMessage[] = [];
  let left = rows;
  if (left === 0) act();
  for await (const line of wholeLines(child)) {
    messages.push(JSON.parse(line));
    if (!line.startsWith('{"type":"RECORD"')) continue;
    left -= 1;
    if (left === 0) act();
  }
  await exit;
  return { messages };
}

/** The lines that a process prints, without an incomplete last line. */
async function* wholeLines(child: ChildProcess): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

describe.concurrent.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  const suffix = signal.toLowerCase();

  test('before the first row ends the read at once without a STATE, and the next run reads all rows', async () => {
    const name = `sorts_${suffix}`;
    await table(`${name}_rows`, 500, { bytes: 20_000, order: 'tuple()' });
    const view = `CREATE OR REPLACE VIEW shop.${name} AS SELECT * FROM shop.${name}_rows`;
    // A hundred seconds of work before the first row.
    await server().execute(`${view} WHERE sleepEachRow(0.2) = 0 AND note != ''`);
    const child = startRead(name);
    const ended = finished(child);
    await eventually(async () => expect(await queriesFor(name)).toBe(1));
    const asked = Date.now();
    child.kill(signal);
    const result = await ended;
    expect(Date.now() - asked).toBeLessThan(50_000);
    expect(result.signal).toBe(signal);
    expect(errors(result)).toEqual([]);
    expect(statuses(result)).toEqual(['STARTED', 'INCOMPLETE']);
    expect(states(result)).toEqual([]);
    await server().execute(view);
    expect(delivered(await readOn(name, result))).toEqual(upTo(500));
  });

  test('I4: among the rows ends the read with a STATE, and the next run reads the rest, each row once', async () => {
    const name = `streams_${suffix}`;
    await table(name, 1000, LARGE);
    const child = startRead(name);
    const result = await takeRows(child, 300, () => child.kill(signal));
    expectTrueStates(result);
    expect(child.signalCode).toBe(signal);
    expect(statuses(result)).toEqual(['STARTED', 'RUNNING', 'INCOMPLETE']);
    const rest = await readOn(name, result);
    expect(numbers(rest).length).toBeGreaterThan(0);
    expect(delivered(result, rest)).toEqual(upTo(1000));
  });
});

describe.concurrent('SIGKILL', () => {
  test('I3: SIGKILL at any moment loses no row, and rows that a STATE covers are sent once', async () => {
    const seed = Date.now();
    const random = randomFrom(seed);
    await table('crashes', 0);
    let state: unknown[] = [];
    let kept: number[] = [];
    let rows = 0;
    for (let run = 0; run < 7; run++) {
      const more = 500 + Math.floor(random() * 2500);
      // Later than the old rows of earlier runs: a state may be past their groups, so a row that joins one is late.
      const old = `${GROUPS_OF_PAGES} + ${run * 3600}`;
      await insert('crashes', rows, rows + more, run % 2 === 0 ? old : RECENT, 400);
      rows += more;
      const child = startRead('crashes', { state });
      const { messages } = await takeRows(child, Math.floor(random() * more), () => child.kill('SIGKILL'));
      expectTrueStates({ messages });
      const covered = messages.findLastIndex((message) => message.state !== undefined);
      kept = [...kept, ...numbers({ messages: messages.slice(0, covered + 1) })];
      if (covered !== -1) state = lastState({ messages });
    }
    const rest = await read('crashes', { state });
    expect(rest.code).toBe(0);
    expect(sorted([...kept, ...numbers(rest)]), `with the seed ${seed}`).toEqual(upTo(rows));
  });
});

describe.concurrent('I10: a closed stdout ends the source and its query', () => {
  /** Returns the output of the shell when both ends of the pipe have ended, and how long that took, in milliseconds. */
  async function readLines(name: string, lines: number): Promise<{ result: Finished; milliseconds: number }> {
    const command = [launcherPath('source-clickhouse'), ...readArguments(name)].join(' ');
    const begun = Date.now();
    const shell = spawn('/bin/sh', ['-c', `{ ${command}; echo "code $?" >&2; } | head -n ${lines} | wc -l`]);
    return { result: await finished(shell), milliseconds: Date.now() - begun };
  }

  test('at once, while rows stream', async () => {
    await table('left_alone', 1000, LARGE);
    const { result } = await readLines('left_alone', 100);
    expect(result.stdout.trim()).toBe('100');
    expect(result.stderr).toBe('code 1\n');
    await eventually(async () => expect(await queriesFor('left_alone')).toBe(0));
  });

  test('soon, before the first row', async () => {
    // A hundred seconds of work.
    await table('sorts_alone_rows', 500, { bytes: 20_000, order: 'tuple()' });
    await server().execute(
      `CREATE VIEW shop.sorts_alone AS SELECT * FROM shop.sorts_alone_rows WHERE sleepEachRow(0.2) = 0 AND note != ''`,
    );
    // STARTED and the estimate. At its next write, the source notices that the reader is gone.
    const { result, milliseconds } = await readLines('sorts_alone', 2);
    expect(result.stderr).toBe('code 1\n');
    expect(milliseconds).toBeLessThan(60_000);
    await eventually(async () => expect(await queriesFor('sorts_alone')).toBe(0));
  });
});

describe.concurrent('I6: a reader of stdout that stalls until the source closes the response', () => {
  /** More than the source keeps in memory. */
  const STALLED_ROWS = 2700;
  type Stalled = { child: ChildProcess; proxy: FaultyProxy };
  const stalled = new Map<string, Stalled>();

  beforeAll(async () => {
    for (const name of ['left_dropped', 'left_retyped', 'left_stopped']) {
      await table(name, STALLED_ROWS, LARGE);
      // These fill the memory of the source. Bytes that a socket still accepts would not show that it has closed the response.
      const proxy = await FaultyProxy.start(server(), [{ words: FOR_ROWS, faults: [stopsAfter(2600)] }]);
      stalled.set(name, { child: startRead(name, { config: { port: proxy.port } }), proxy });
    }
    for (const { proxy } of stalled.values()) {
      await eventually(() => expect(proxy.rowsLeft).toBe(1));
    }
  });

  afterAll(() => {
    for (const { proxy } of stalled.values()) proxy.close();
  });

  async function resume(name: string): Promise<Finished> {
    const { child } = stalled.get(name) ?? {};
    if (child === undefined) throw new Error(`${name} is not read.`);
    const result = await finished(child);
    expectTrueStates(result);
    return result;
  }

  test('while the table is dropped: the run fails after the rows that it had', async () => {
    await server().execute(
      'CREATE TABLE shop.left_copy AS shop.left_dropped',
      'INSERT INTO shop.left_copy SELECT * FROM shop.left_dropped',
      'DROP TABLE shop.left_dropped SYNC',
    );
    const result = await resume('left_dropped');
    expect(result.code).toBe(1);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/table was dropped or renamed/) },
    ]);
    await server().execute('RENAME TABLE shop.left_copy TO shop.left_dropped');
    const rest = await readOn('left_dropped', result);
    expect(numbers(rest).length).toBeGreaterThan(0);
    expect(delivered(result, rest)).toEqual(upTo(STALLED_ROWS));
  });

  test('while a type is changed: the run fails after the rows that it had', async () => {
    const alter = 'ALTER TABLE shop.left_retyped MODIFY COLUMN n';
    await server().execute(`${alter} String`);
    const result = await resume('left_retyped');
    expectChangedTable(result);
    await server().execute(`${alter} Int32`);
    const rest = await readOn('left_retyped', result);
    expect(numbers(rest).length).toBeGreaterThan(0);
    expect(delivered(result, rest)).toEqual(upTo(STALLED_ROWS));
  });

  test('with SIGTERM: the source writes its rows and their STATE, then ends', async () => {
    stalled.get('left_stopped')?.child.kill('SIGTERM');
    const result = await resume('left_stopped');
    expect(result.signal).toBe('SIGTERM');
    expect(errors(result)).toEqual([]);
    expect(statuses(result).at(-1)).toBe('INCOMPLETE');
    const rest = await readOn('left_stopped', result);
    expect(numbers(rest).length).toBeGreaterThan(0);
    expect(delivered(result, rest)).toEqual(upTo(STALLED_ROWS));
  });
});

// Not in parallel with the others, which use the same server.
describe('the server is killed and started again', () => {
  let restarted: Promise<void> | undefined;

  async function crash(): Promise<void> {
    await server().kill();
    // The source retries in the meantime.
    restarted = server().restart();
  }

  test('retries during lookups and during a response, with rows of the lookback in the state: each row once', async () => {
    await table('crashed', 500, { ...LARGE, stamp: RECENT });
    const first = await read('crashed');
    await insert('crashed', 500, 1000, RECENT, LARGE.bytes);
    const lookUp = await readThrough('crashed', [cut({ rows: 800, by: 'close' })], {
      state: lastState(first),
      lookUps: { words: 'now64', faults: [breaksAfter(crash)] },
    });
    await restarted;
    await insert('crashed', 1000, LARGE_ROWS, RECENT, LARGE.bytes);
    const page = await readThrough('crashed', [inTheMiddle('crashed', crash)], { state: lastState(lookUp.result) });
    await restarted;
    for (const { result } of [lookUp, page]) {
      expect(errors(result)).toEqual([]);
      expect(result.code).toBe(0);
      expect(numbers(result).length).toBeGreaterThan(0);
    }
    expect(lookUp.rowsAsked).toBe(1);
    expect(page.rowsAsked).toBeGreaterThan(1);
    expect(delivered(first, lookUp.result, page.result)).toEqual(upTo(LARGE_ROWS));
    expect(numbers(await readOn('crashed', page.result))).toEqual([]);
  });
});
