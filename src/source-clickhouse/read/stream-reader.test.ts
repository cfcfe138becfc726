import { Readable, Writable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { ConnectorError } from '../../protocol/errors.ts';
import { MessageOutput } from '../../protocol/output.ts';
import { sourceError } from '../errors/codes.ts';
import type { LookbackWindow } from '../query/lookback-window.ts';
import type { RowSelection } from '../query/row-query.ts';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import type { Column } from '../schema/table.ts';
import { BYTES_PER_EMITTED_ROW, MAX_EMITTED_ROWS } from '../state/emitted-rows.ts';
import { parseStreamState, STATE_VERSION } from '../state/stream-state.ts';
import { RowLimit } from './row-limit.ts';
import { readStreamRows } from './stream-reader.ts';

// integration_tests/source/late-rows.test.ts tests it with a real server. These tests need exact responses.

// Smaller limits than the usual ones, so that each test needs fewer rows. late-rows.test.ts reads with the usual ones.
const PAGE_BYTES = 64 * 1024;
vi.mock(import('../pages/fetch-pages.ts'), async (original) => {
  const { fetchPages, ...rest } = await original();
  return {
    ...rest,
    fetchPages: (source, start, stop) => fetchPages(source, start, stop, { pageBytes: PAGE_BYTES }),
  };
});
// Not by import(), whose type says that the constant has its usual value.
vi.mock('../state/emitted-rows.ts', async (original) => ({ ...(await original<object>()), MAX_EMITTED_ROWS: 30_000 }));

const STREAM = { name: 'events', namespace: 'shop' };
const CURSOR_TYPE = parseClickHouseType('DateTime64(3)');
/** A state as it is stored. */
type StoredState = {
  version: number;
  cursor: string | null;
  cursor_column: string;
  cursor_type: string;
  tie_break?: { row_hash: string; rows: number; ended?: boolean };
  recent_rows?: Record<string, string>;
  hashed_columns?: [name: string, type: string][];
};

const START: StoredState = {
  version: STATE_VERSION,
  cursor: null,
  cursor_column: 'last_updated_at',
  cursor_type: 'DateTime64(3)',
};

function selection(added: Column[] = []): RowSelection {
  const column = { name: 'last_updated_at', type: CURSOR_TYPE };
  const codec = createCursorCodec(CURSOR_TYPE);
  if (codec === undefined) throw new Error('It is not a cursor.');
  const columns = [column];
  return {
    stream: STREAM,
    table: { database: 'shop', name: 'events', columns: [...columns, ...added] },
    columns,
    cursor: { column, codec },
    final: false,
    partition: undefined,
    hashedColumns: columns,
    lagBound: undefined,
  };
}

/** A time in milliseconds after noon. */
function at(milliseconds: number): string {
  return new Date(Date.UTC(2026, 0, 1, 12) + milliseconds).toISOString();
}

/** The only row with this time. */
function row(milliseconds: number): string {
  return `{"type":"RECORD","record":{"stream":"events","data":{"last_updated_at":"${at(milliseconds)}"}},"row_hash":"${milliseconds}"}\n`;
}

const WINDOW: LookbackWindow = { now: at(1_000_000), lookbackStart: at(100), lagBound: undefined };

const RECORD_START = Buffer.from('{"type":"RECORD"');

type Message = {
  type: string;
  state?: { stream: { stream_state: StoredState }; sourceStats: { recordCount: number } };
  log?: { message: string };
};

type Emitting = {
  state?: StoredState;
  window?: LookbackWindow;
  error?: Error;
  limit?: number;
  /** Columns that are not in the hashes of the state. */
  added?: Column[];
};

/** Reads a response with these lines, and an error at its end if there is one. */
async function emit(
  lines: Iterable<string>,
  { state = START, window = WINDOW, error, limit, added = [] }: Emitting = {},
): Promise<{ rows: number; states: StoredState[]; counted: number; logs: string[]; thrown: unknown }> {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      // A copy: the source reads the next page into the same memory.
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  function* response(): Generator<Buffer> {
    let chunk = '';
    for (const line of lines) {
      chunk += line;
      if (chunk.length < 16 * 1024) continue;
      yield Buffer.from(chunk);
      chunk = '';
    }
    yield Buffer.from(chunk);
    if (error !== undefined) throw error;
  }
  const context = {
    clickhouse: {
      bytes: async () => Readable.from(response(), { objectMode: true }),
      explainError: (cause: unknown) => sourceError('table_missing', 'It broke.', { cause }),
    },
    output: new MessageOutput(stream),
    stop: new AbortController().signal,
    rowLimit: new RowLimit(limit),
    now: () => 0,
  };
  let thrown: unknown;
  await readStreamRows(context, STREAM, selection(added), parseStreamState('events', state), window).catch(
    (cause: unknown) => {
      thrown = cause;
    },
  );
  const { rows, messages } = parseOutput(Buffer.concat(chunks));
  const states = messages.flatMap((message) => message.state ?? []);
  return {
    rows,
    states: states.map((each) => each.stream.stream_state),
    counted: states.reduce((sum, { sourceStats }) => sum + sourceStats.recordCount, 0),
    logs: messages.flatMap(({ log }) => log?.message ?? []),
    thrown,
  };
}

/** Counts the RECORD messages and parses the others: to parse the rows would take most of the test's time. */
function parseOutput(output: Buffer): { rows: number; messages: Message[] } {
  let rows = 0;
  const messages: Message[] = [];
  for (let start = 0; start < output.length; ) {
    const end = output.indexOf('\n', start);
    if (output.compare(RECORD_START, 0, RECORD_START.length, start, start + RECORD_START.length) === 0) rows += 1;
    else messages.push(JSON.parse(output.toString('utf8', start, end)));
    start = end + 1;
  }
  return { rows, messages };
}

function rowsOf(...times: number[]): string[] {
  return times.map(row);
}

function* rowsUpTo(count: number, from = 0): Generator<string> {
  for (let time = from; time < count; time++) yield row(time);
}

describe('I3: the checkpoint', () => {
  test('is the last row if it is before the lookback', async () => {
    const { states } = await emit(rowsOf(1, 2, 3));
    expect(states.at(-1)).toMatchObject({ cursor: at(3), tie_break: { row_hash: '3', rows: 1, ended: true } });
    expect(states.at(-1)?.recent_rows).toBeUndefined();
    expect(states.at(-1)?.hashed_columns).toEqual([['last_updated_at', 'DateTime64(3)']]);
  });

  test('is the last row before the lookback; the state remembers the rows after it', async () => {
    const { states } = await emit(rowsOf(1, 2, 100, 101));
    expect(states.at(-1)?.cursor).toBe(at(2));
    expect(states.at(-1)?.tie_break).toBeUndefined();
    expect(states.at(-1)?.recent_rows).toEqual({ '2026-01-01T12:00:00': expect.stringMatching(/^.{22}$/) });
  });

  test('stays when all rows are inside the lookback, but moves to the end of its group', async () => {
    expect((await emit(rowsOf(100, 101))).states.at(-1)?.cursor).toBeNull();
    const halfRead = { ...START, cursor: at(50), tie_break: { row_hash: '50', rows: 1 } };
    const { states } = await emit(rowsOf(100, 101), { state: halfRead });
    expect(states.at(-1)).toMatchObject({ cursor: at(50) });
    expect(states.at(-1)?.tie_break).toBeUndefined();
  });

  test('stays inside its group if a longer lookback now covers the group', async () => {
    const halfRead = { ...START, cursor: at(200), tie_break: { row_hash: '7', rows: 1 } };
    const { states, rows } = await emit(rowsOf(200), { state: halfRead });
    expect(rows).toBe(1);
    expect(states.at(-1)).toMatchObject({ cursor: at(200), tie_break: { row_hash: '7', rows: 1 } });
    expect(states.at(-1)?.recent_rows).toBeDefined();
    // The next run recognises the row.
    expect((await emit(rowsOf(200), { state: states.at(-1) ?? START })).rows).toBe(0);
  });
});

describe('if a column was added after the state was written,', () => {
  const added = [{ name: 'item', type: parseClickHouseType('UInt8') }];
  const all = [
    ['last_updated_at', 'DateTime64(3)'],
    ['item', 'UInt8'],
  ];
  /** A row with the new column, which is not in its row hash. */
  const widened = (milliseconds: number, item: number): string =>
    row(milliseconds).replace('"row_hash"', `"full_hash":"${item}","row_hash"`);

  test('the state after the last row has hashes of all columns', async () => {
    const before = (await emit(rowsOf(1, 100))).states.at(-1);
    const response = [widened(100, 0), widened(100, 1)];
    const { rows, states } = await emit(response, { state: before ?? START, added });
    expect([rows, states.at(-1)?.cursor, states.at(-1)?.hashed_columns]).toEqual([1, at(1), all]);
    // A new row that differs only in the new column is not confused with them.
    const hashed = (item: number): string => row(100).replace('"row_hash":"100"', `"row_hash":"${item}"`);
    expect((await emit([hashed(7), hashed(0), hashed(1)], { state: states.at(-1) ?? START })).rows).toBe(1);
  });

  test('the state keeps the old hashes while it is inside a group', async () => {
    const halfRead = { ...START, cursor: at(200), tie_break: { row_hash: '7', rows: 1 } };
    const { states } = await emit([widened(200, 0)], { state: halfRead, added });
    expect(states.at(-1)).toMatchObject({ tie_break: { row_hash: '7' }, hashed_columns: [all[0]] });
    const limited = await emit([widened(1, 0), widened(2, 0)], { limit: 1, added });
    expect(limited.states.at(-1)).toMatchObject({ tie_break: { row_hash: '1' }, hashed_columns: [all[0]] });
  });

  test('the state has hashes of all columns also if rows are left to a later run each time', async () => {
    function* lines(): Generator<string> {
      for (let time = 50; time < MAX_EMITTED_ROWS + 500; time++) yield widened(time, time);
    }
    const { states } = await emit(lines(), { added });
    expect([states.at(-1)?.cursor, states.at(-1)?.hashed_columns]).toEqual([at(99), all]);
  });
});

describe('states cover all rows that were written,', () => {
  // Here a state has more bytes than a page, so not every page has a state.
  test.each([7_300, 7_950, 8_600])('if the response breaks off after %i rows inside the lookback', async (count) => {
    const { rows, states, counted, thrown } = await emit(rowsUpTo(count, 1_000), { error: new Error('broken') });
    expect(thrown).toBeInstanceOf(ConnectorError);
    expect(rows).toBeGreaterThan(5_600);
    expect(counted).toBe(rows);
    const remembered = Object.values(states.at(-1)?.recent_rows ?? {}).join('').length / BYTES_PER_EMITTED_ROW;
    expect(remembered).toBe(rows);
  });

  test.each([7_300, 7_950, 8_600])(
    "and no others, if the row after %i rows inside the lookback can't be read",
    async (count) => {
      const broken = row(500_000).replace('"last_updated_at":', '');
      function* lines(): Generator<string> {
        yield* rowsUpTo(count, 1_000);
        yield broken;
        yield* rowsUpTo(count + 1_250, count);
      }
      const { rows, states, counted, thrown } = await emit(lines());
      expect(thrown).toBeInstanceOf(Error);
      expect(rows).toBeGreaterThan(5_600);
      expect(counted).toBeLessThanOrEqual(rows);
      const remembered = Object.values(states.at(-1)?.recent_rows ?? {}).join('').length / BYTES_PER_EMITTED_ROW;
      expect(remembered).toBe(counted);
    },
  );

  test('and are fewer if they are large', async () => {
    const { states, counted } = await emit(rowsUpTo(29_000, 1_000));
    expect(counted).toBe(28_000);
    const sizes = states.map((state) => JSON.stringify(state).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2 * 28_000 * row(10_000).length);
  });
});

describe('if more rows are inside the lookback than can be remembered,', () => {
  test('I5: the others are left to a later run, with a warning', async () => {
    const { rows, states, logs, thrown } = await emit(rowsUpTo(MAX_EMITTED_ROWS + 500, 50));
    expect(thrown).toBeUndefined();
    expect(rows).toBe(MAX_EMITTED_ROWS + 50);
    expect(states.at(-1)?.cursor).toBe(at(99));
    expect(logs.at(-1)).toContain(`A later run reads the rows from ${at(MAX_EMITTED_ROWS + 100)} on,`);
  });

  test('the run fails with cursor_in_future if they are in the future', async () => {
    const window = { ...WINDOW, now: at(12_000) };
    const { rows, states, thrown } = await emit(rowsUpTo(MAX_EMITTED_ROWS + 500), { window });
    expect(thrown).toMatchObject({
      failureType: 'config_error',
      message: expect.stringContaining('last_updated_at is in the future'),
    });
    expect(rows).toBe(MAX_EMITTED_ROWS + 100);
    expect(states.at(-1)?.cursor).toBe(at(99));
  });
});

describe('a row limit', () => {
  test('can end inside a page: the state is at the last row, without "ended"', async () => {
    const { rows, states, counted } = await emit(rowsOf(1, 2, 3, 4, 5), { limit: 3 });
    expect([rows, counted, states.length]).toEqual([3, 3, 1]);
    expect(states[0]).toMatchObject({ cursor: at(3), tie_break: { row_hash: '3', rows: 1 } });
    expect(states[0]?.tie_break?.ended).toBeUndefined();
  });

  test('does not count rows that were emitted before, and remembers none after it', async () => {
    const before = (await emit(rowsOf(100, 101, 102))).states.at(-1);
    const { rows, states } = await emit(rowsOf(100, 101, 102, 103, 104, 105), { state: before ?? START, limit: 2 });
    expect(rows).toBe(2);
    expect(Object.values(states.at(-1)?.recent_rows ?? {}).join('')).toHaveLength(5 * BYTES_PER_EMITTED_ROW);
    const rest = await emit(rowsOf(100, 101, 102, 103, 104, 105), { state: states.at(-1) ?? START });
    expect(rest.rows).toBe(1);
  });

  test('can equal the number of rows', async () => {
    const { rows, counted } = await emit(rowsOf(1, 2, 3), { limit: 3 });
    expect([rows, counted]).toEqual([3, 3]);
  });
});
