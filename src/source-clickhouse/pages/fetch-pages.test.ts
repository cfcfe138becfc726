import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ClickHouseError } from '@clickhouse/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { waitByTimer } from '../../shared/abort.ts';
import { sourceError } from '../errors/codes.ts';
import type { RowSelection } from '../query/row-query.ts';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { type PositionAtRow, START } from '../state/position.ts';
import { type FetchOptions, fetchPages, type RowSource } from './fetch-pages.ts';
import type { Page } from './page-cutter.ts';

const CURSOR = '2026-01-01T00:00:00Z';

/** The position at a row. All rows are in one group, in the order of their hashes. */
function atRow(rowHash: string, rows = 1): PositionAtRow {
  return { kind: 'inside-group', cursor: CURSOR, rowHash, rows };
}

function selection(): RowSelection {
  const column = { name: 'last_updated_at', type: parseClickHouseType('DateTime') };
  const codec = createCursorCodec(column.type);
  if (codec === undefined) throw new Error('It is not a cursor.');
  const columns = [column];
  return {
    stream: { name: 's', namespace: 'n' },
    table: { database: 'n', name: 's', columns },
    columns,
    cursor: { column, codec },
    final: false,
    partition: undefined,
    hashedColumns: columns,
    lagBound: undefined,
  };
}

const QUICK: FetchOptions = {
  pageBytes: 500,
  readAheadBytes: 400,
  queueBytes: 2000,
  resumeBelowBytes: 500,
  maxPauseMs: 20,
  retryTimeMs: 200,
  firstRetryMs: 1,
  wait: async () => {},
};

/** Rows with these hashes, which may repeat. */
function rowsWith(hashes: readonly number[]): string[] {
  return hashes.map((hash, index) => {
    const data = JSON.stringify({ last_updated_at: CURSOR, n: index, text: 'é' });
    const digits = String(1_000_000 + hash);
    return `{"type":"RECORD","record":{"stream":"s","namespace":"n","emitted_at":1,"data":${data}},"row_hash":"${digits}"}\n`;
  });
}

function manyRows(count: number): string[] {
  return rowsWith(Array.from({ length: count }, (_, index) => index));
}

function hashOf(row: string): string {
  return JSON.parse(row).row_hash;
}

/** What a server does instead of sending a whole response. */
type Ending = {
  /** After this number of rows, */
  after: number;
  /** it sends this, */
  says?: string;
  /** and ends the response, breaks the connection, or does nothing more. */
  thereafter: 'ends' | 'breaks' | 'is silent';
};

function connectionReset(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** A server with rows in memory that sends them as fast as they are read. */
class Server implements RowSource {
  readonly clickhouse: RowSource['clickhouse'] = {
    bytes: (_, { row_hash }, signal) => this.open(String(row_hash ?? ''), signal),
    explainError: (cause) =>
      sourceError(this.errorsPass ? 'clickhouse_busy' : 'clickhouse_query_failed', 'with advice', { cause }),
  };
  readonly selection = selection();
  readonly maxRows = Number.POSITIVE_INFINITY;
  readonly emittedAt = 1;
  /** The row hash that each query starts from; "" for all rows. */
  readonly queriedFrom: string[] = [];
  readonly responses: Readable[] = [];
  /** Resolve when each response is closed. */
  readonly closed: Promise<unknown>[] = [];
  /** Bytes that were read from it. */
  sent = 0;
  /** The warnings before retries. */
  readonly warnings: string[] = [];
  /** Whether its errors are transient. */
  errorsPass = false;
  readonly #rows: readonly string[];
  readonly #chunkBytes: number;
  readonly #endings: (Ending | undefined)[];

  constructor(rows: readonly string[], options: { chunkBytes?: number; endings?: (Ending | undefined)[] } = {}) {
    this.#rows = rows;
    this.#chunkBytes = options.chunkBytes ?? 300;
    this.#endings = options.endings ?? [];
  }

  async open(after: string, signal: AbortSignal): Promise<Readable> {
    signal.throwIfAborted();
    const ending = this.#endings[this.queriedFrom.length] ?? { after: this.#rows.length, thereafter: 'ends' };
    this.queriedFrom.push(after);
    const rows = this.#rows.slice(0, ending.after).filter((row) => hashOf(row) >= after);
    const bytes = Buffer.from(rows.join('') + (ending.says ?? ''));
    let sent = 0;
    const response = new Readable({
      highWaterMark: this.#chunkBytes,
      // As on a network, other events happen between two chunks.
      read: () =>
        setImmediate(() => {
          if (response.destroyed) return;
          const chunk = bytes.subarray(sent, sent + this.#chunkBytes);
          sent += chunk.length;
          this.sent += chunk.length;
          if (chunk.length > 0) response.push(chunk);
          else if (ending.thereafter === 'ends') response.push(null);
          else if (ending.thereafter === 'breaks') response.destroy(connectionReset());
        }),
    });
    const cancel = (): void => {
      response.destroy();
    };
    signal.addEventListener('abort', cancel);
    this.responses.push(response);
    this.closed.push(
      new Promise<void>((resolve) => {
        response.once('close', () => {
          signal.removeEventListener('abort', cancel);
          resolve();
        });
      }),
    );
    return response;
  }

  warn(message: string): void {
    this.warnings.push(message);
  }
}

function textOf(page: Page): string {
  return page.lines.toString();
}

/** Reads all pages as fast as they come. Returns their text, and the error at the end if there was one. */
async function takeAll(
  pages: AsyncIterable<Page>,
  onPage: (page: Page) => Promise<void> | void = () => {},
): Promise<{ text: string; error: unknown }> {
  let text = '';
  try {
    for await (const page of pages) {
      text += textOf(page);
      await onPage(page);
    }
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}

function running(): AbortSignal {
  return new AbortController().signal;
}

const collectGarbage = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
};

describe('fetchPages reads all rows once, in order,', () => {
  test('in pages of the given size, from one response', async () => {
    const rows = manyRows(100);
    const server = new Server(rows);
    const sizes: number[] = [];
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK), ({ bytes }) => {
      sizes.push(bytes);
    });
    expect(error).toBeUndefined();
    expect(text).toBe(rows.join(''));
    expect(server.queriedFrom).toEqual(['']);
    // A page is cut at the first end of a row after its size, so it is at most one chunk longer.
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(500);
    expect(Math.max(...sizes)).toBeLessThan(500 + 300 + Buffer.byteLength(rows[0] ?? ''));
  });

  test('and no page if there are none', async () => {
    expect(await takeAll(fetchPages(new Server([]), START, running(), QUICK))).toEqual({ text: '', error: undefined });
  });

  test('after a position, without the rows that it covers', async () => {
    const rows = rowsWith([1, 2, 2, 2, 3]);
    const server = new Server(rows);
    const { text } = await takeAll(fetchPages(server, atRow('1000002', 2), running(), QUICK));
    expect(text).toBe(rows.slice(3).join(''));
  });

  test('with the position after each page', async () => {
    const server = new Server(rowsWith([1, 2, 2, 2, 2, 2, 3]), { chunkBytes: 100 });
    const positions: PositionAtRow[] = [];
    for await (const { position } of fetchPages(server, START, running(), { ...QUICK, pageBytes: 1 })) {
      positions.push(position);
    }
    expect(positions).toEqual([
      atRow('1000001', 1),
      atRow('1000002', 1),
      atRow('1000002', 2),
      atRow('1000002', 3),
      atRow('1000002', 4),
      atRow('1000002', 5),
      atRow('1000003', 1),
    ]);
  });

  test('with any sizes, and any pauses of the reader', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(9), { maxLength: 60 }),
        fc.record({
          chunkBytes: fc.integer({ min: 1, max: 3000 }),
          pageBytes: fc.integer({ min: 1, max: 2000 }),
          queueBytes: fc.integer({ min: 1, max: 4000 }),
          maxPauseMs: fc.constantFrom(0, 1),
        }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (hashes, { chunkBytes, ...options }, stalls) => {
          const rows = rowsWith(hashes.toSorted((a, b) => a - b));
          const server = new Server(rows, { chunkBytes });
          let page = 0;
          const pages = fetchPages(server, START, running(), {
            ...QUICK,
            ...options,
            resumeBelowBytes: options.queueBytes / 4,
          });
          const { text, error } = await takeAll(pages, async () => {
            // Until the response is left, or all of it was read.
            if (stalls[page++]) await Promise.race([server.closed.at(-1), nextTurns(20)]);
          });
          expect(error).toBeUndefined();
          expect(text).toBe(rows.join(''));
        },
      ),
      { numRuns: 60 },
    );
  });
});

async function nextTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

describe('while the reader is slow (backpressure),', () => {
  const rows = manyRows(200);

  test('I5: no more is read from the server than the queue can hold', async () => {
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), { ...QUICK, maxPauseMs: 60_000 });
    const first = await pages.next();
    expect(first.done).toBe(false);
    await nextTurns(50);
    // The bytes of the queue, of the current page, and of the stream's buffer.
    expect(server.sent).toBeLessThanOrEqual(2000 + 500 + 3 * 300);
    expect(server.sent).toBeGreaterThanOrEqual(2000);
    await pages.return(undefined);
  });

  test('I6: the response is closed after the maximum pause, and a new query starts after its last page', async () => {
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), QUICK);
    const first = await pages.next();
    if (first.done) throw new Error('There is no page.');
    const firstText = textOf(first.value);
    await server.closed[0];
    expect(server.queriedFrom).toEqual(['']);

    const rest = await takeAll(pages);
    expect(rest.error).toBeUndefined();
    expect(firstText + rest.text).toBe(rows.join(''));
    expect(server.queriedFrom).toHaveLength(2);
    // After the last complete page in the queue.
    const again = rows.findIndex((row) => hashOf(row) === server.queriedFrom[1]);
    const queued = Buffer.byteLength(rows.slice(0, again + 1).join(''));
    expect(queued).toBeGreaterThanOrEqual(2000);
    expect(queued).toBeLessThanOrEqual(2000 + 500 + 300);
  });

  test('no new query is sent before the queue has space', async () => {
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), QUICK);
    const sizes: number[] = [];
    const next = async (): Promise<void> => {
      const page = await pages.next();
      if (page.done) throw new Error('There is no page.');
      sizes.push(page.value.bytes);
      await nextTurns(5);
    };
    await next();
    await server.closed[0];
    const queued = server.sent;
    const taken = (): number => sizes.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0);
    while (server.queriedFrom.length === 1) await next();
    // Less than resumeBelowBytes was left of what had been read from the server.
    expect(queued - taken()).toBeLessThan(500 + 500 + 3 * 300);
    expect(sizes.length).toBeGreaterThan(3);
    await pages.return(undefined);
  });

  test('equal rows are counted across responses, so that each is read once', async () => {
    const alike = rowsWith(Array.from({ length: 150 }, (_, index) => (index < 20 ? 1 : 2)));
    const server = new Server(alike);
    const { text, error } = await takeAll(
      fetchPages(server, START, running(), { ...QUICK, maxPauseMs: 1 }),
      async () => {
        await Promise.race([server.closed.at(-1), nextTurns(50)]);
      },
    );
    expect(error).toBeUndefined();
    expect(text).toBe(alike.join(''));
    expect(server.queriedFrom.length).toBeGreaterThan(2);
  });

  test('I6: the maximum pause also ends after a garbage collection', async () => {
    const gc = collectGarbage();
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), { ...QUICK, maxPauseMs: 100 });
    await pages.next();
    let left = false;
    server.closed[0]?.then(() => {
      left = true;
    });
    // Long, because a garbage collection takes long on a busy machine. A collected timer never fires.
    const deadline = Date.now() + 10_000;
    while (!left && Date.now() < deadline) {
      gc();
      await nextTurn();
    }
    expect(left).toBe(true);
    await pages.return(undefined);
  });
});

describe('a fast reader', () => {
  test('needs only one response for any number of pages, without a warning on stderr', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error): void => {
      warnings.push(warning.message);
    };
    process.on('warning', warned);
    try {
      const rows = manyRows(500);
      const server = new Server(rows);
      const { text } = await takeAll(fetchPages(server, START, running(), QUICK), nextTurn as () => Promise<void>);
      expect(text).toBe(rows.join(''));
      expect(server.queriedFrom).toEqual(['']);
      await nextTurn();
    } finally {
      process.off('warning', warned);
    }
    expect(warnings).toEqual([]);
  });
});

describe('an error', () => {
  const rows = manyRows(20);

  /** The text has complete rows from the first row on, and nothing else. */
  function expectWholeRows(text: string): void {
    expect(rows.join('').startsWith(text)).toBe(true);
    expect(text === '' || text.endsWith('}\n')).toBe(true);
  }

  test('in a response comes after the complete pages, explained', async () => {
    const server = new Server(rows, { endings: [{ after: 15, thereafter: 'breaks' }] });
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expectWholeRows(text);
    expect(text.length).toBeGreaterThan(1000);
    expect(error).toMatchObject({
      message: 'with advice',
      cause: { name: 'CutOffError', cause: { code: 'ECONNRESET' } },
    });
    expect(server.responses[0]?.destroyed).toBe(true);
  });

  test.each(['breaks', 'ends'] as const)(
    'in a response comes after all complete rows, also if they fill no page: the response %s',
    async (thereafter) => {
      for (let after = 0; after <= 12; after++) {
        const says = (rows[after] ?? '').slice(0, -20);
        const server = new Server(rows, { endings: [{ after, says, thereafter }] });
        const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
        expect(text).toBe(rows.slice(0, after).join(''));
        expect(error).toMatchObject({ message: 'with advice' });
      }
    },
  );

  test('does not come before the pages in the queue', async () => {
    const server = new Server(rows, { endings: [{ after: 15, thereafter: 'breaks' }] });
    const pages = fetchPages(server, START, running(), { ...QUICK, queueBytes: 100_000, maxPauseMs: 60_000 });
    const first = await pages.next();
    if (first.done) throw new Error('There is no page.');
    // The queue has all pages, and the error after them.
    await nextTurns(50);
    const rest = await takeAll(pages);
    expect((textOf(first.value) + rest.text).length).toBeGreaterThan(1000);
    expect(rest.error).toMatchObject({ message: 'with advice' });
  });

  test('of a query is thrown unchanged', async () => {
    const refused = new Error('refused, with advice');
    const server = new Server(rows);
    server.open = () => Promise.reject(refused);
    expect(await takeAll(fetchPages(server, START, running(), QUICK))).toEqual({ text: '', error: refused });
  });

  test('of a second query comes after the pages in the queue', async () => {
    const refused = new Error('refused, with advice');
    const server = new Server(manyRows(100));
    const open = server.open.bind(server);
    server.open = (after, signal) => (server.queriedFrom.length === 0 ? open(after, signal) : Promise.reject(refused));
    const pages = fetchPages(server, START, running(), QUICK);
    const first = await pages.next();
    if (first.done) throw new Error('There is no page.');
    await server.closed[0];
    const { text, error } = await takeAll(pages);
    expect(Buffer.byteLength(textOf(first.value) + text)).toBeGreaterThanOrEqual(2000);
    expect(error).toBe(refused);
  });

  test('is thrown if a row has no cursor', async () => {
    const server = new Server(rows.map((row) => row.replace('last_updated_at', 'another')));
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expect(text).toBe('');
    expect(error).toMatchObject({
      message: 'with advice',
      cause: { message: 'The row has no usable last_updated_at.' },
    });
  });

  const exception =
    'Code: 241. DB::Exception: Query memory limit exceeded: would use 1.00 GiB. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)';

  describe.each([
    [
      'the tagged block of 25.11 and later',
      `\r\n__exception__\r\nabcdefghijklmnop\r\n${exception}\n121 abcdefghijklmnop\r\n__exception__\r\n`,
    ],
    ['the JSON line of 23.9 to 25.10', `{"exception": ${JSON.stringify(exception)}}\n`],
    ['the bare text of older servers', `${exception}\n`],
  ])('that the server writes after the rows, as %s,', (_, says) => {
    test.each(['breaks', 'ends'] as const)('is the cause when the connection %s', async (thereafter) => {
      for (let chunkBytes = 1; chunkBytes <= 400; chunkBytes++) {
        const server = new Server(rows, { chunkBytes, endings: [{ after: chunkBytes % 16, says, thereafter }] });
        const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
        expectWholeRows(text);
        const { cause } = error as Error;
        expect(cause, `in chunks of ${chunkBytes} bytes`).toBeInstanceOf(ClickHouseError);
        expect(cause).toMatchObject({ code: '241', type: 'MEMORY_LIMIT_EXCEEDED' });
      }
    });

    test('is the cause when the rows before it waited for a slow reader', async () => {
      for (let after = 6; after <= 15; after++) {
        const server = new Server(rows, { chunkBytes: 100, endings: [{ after, says, thereafter: 'breaks' }] });
        const pages = fetchPages(server, START, running(), { ...QUICK, queueBytes: 500, maxPauseMs: 60_000 });
        const taken: string[] = [];
        const failed = (async () => {
          for await (const page of pages) {
            taken.push(textOf(page));
            // By then the server has sent all that backpressure allows.
            await nextTurns(100);
          }
        })();
        await expect(failed).rejects.toMatchObject({ cause: { code: '241', type: 'MEMORY_LIMIT_EXCEEDED' } });
        expect(taken.join('')).toBe(rows.slice(0, after).join(''));
      }
    });

    test('is the cause when it comes in a response that starts after a position', async () => {
      const server = new Server(rows, { endings: [{ after: 0, says, thereafter: 'breaks' }] });
      const after = atRow(hashOf(rows[3] ?? ''));
      const { text, error } = await takeAll(fetchPages(server, after, running(), QUICK));
      expect(text).toBe('');
      expect((error as Error).cause).toMatchObject({ code: '241', type: 'MEMORY_LIMIT_EXCEEDED' });
    });
  });

  test('that never ends is not read to its end', async () => {
    const says = `${exception}${'x'.repeat(5_000_000)}`;
    const server = new Server(rows, {
      chunkBytes: 1000,
      endings: [{ after: 1, says: `\n${says}`, thereafter: 'breaks' }],
    });
    const { error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expect((error as Error).cause).toMatchObject({ code: '241' });
    expect(server.sent).toBeLessThan(40_000);
    expect(server.responses[0]?.destroyed).toBe(true);
  });

  describe('I9: contains no byte of', () => {
    const data = 'Code: 60. DB::Exception: secret (UNKNOWN_TABLE) (version 26.7.2.1)';
    const holding = (rows[7] ?? '').replace('"data":{', `"data":{"log":"${data}",`);

    test.each<[string, says: string, cause: Record<string, unknown>]>([
      ['a row that contains the text of an exception and was cut off', holding.slice(0, -20), { name: 'CutOffError' }],
      ['such a row with an exception after it', `${holding.slice(0, -20)}${exception}\n`, { code: '241' }],
      ['a row after an empty line, as with extremes', `\n${holding}`, { name: 'UnreadableResponseError' }],
      ['an HTML page of a proxy', '<html>secret</html>\n', { name: 'UnreadableResponseError' }],
    ])('%s', async (_, says, cause) => {
      const server = new Server(rows, { endings: [{ after: 7, says, thereafter: 'ends' }] });
      const { error } = await takeAll(fetchPages(server, START, running(), QUICK));
      expect(holding).toContain('secret');
      expect(error).toMatchObject({ cause });
      expect(String((error as Error).cause)).not.toContain('secret');
    });
  });

  test('is thrown for a row that was cut off, although the connection ended normally', async () => {
    const cutOff = (rows[7] ?? '').slice(0, -20);
    const server = new Server(rows, { endings: [{ after: 7, says: cutOff, thereafter: 'ends' }] });
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expectWholeRows(text);
    expect(error).toMatchObject({ message: 'with advice' });
  });
});

describe('a read that ends early', () => {
  const rows = manyRows(500);

  test('closes the response when the reader stops', async () => {
    const server = new Server(rows);
    for await (const _ of fetchPages(server, START, running(), QUICK)) break;
    expect(server.responses.map((response) => response.destroyed)).toEqual([true]);
    expect(server.queriedFrom).toHaveLength(1);
  });

  test('does not wait for a silent response when the reader stops', async () => {
    const server = new Server(rows, { endings: [{ after: 20, thereafter: 'is silent' }] });
    for await (const _ of fetchPages(server, START, running(), QUICK)) break;
    expect(server.responses.map((response) => response.destroyed)).toEqual([true]);
  });

  test('ends without an error after a stop, and closes the response', async () => {
    const stop = new AbortController();
    const server = new Server(rows);
    const { text, error } = await takeAll(fetchPages(server, START, stop.signal, QUICK), () => stop.abort());
    expect(error).toBeUndefined();
    expect(rows.join('').startsWith(text)).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThan(4000);
    expect(server.responses.map((response) => response.destroyed)).toEqual([true]);
    expect(server.queriedFrom).toHaveLength(1);
  });

  test('ends at once after a stop while the response is silent', async () => {
    const stop = new AbortController();
    const server = new Server(rows, { endings: [{ after: 20, thereafter: 'is silent' }] });
    const reading = takeAll(fetchPages(server, START, stop.signal, QUICK));
    await nextTurns(20);
    stop.abort();
    const { error } = await reading;
    expect(error).toBeUndefined();
  });

  test('ends at once after a stop while the reader is slow, without another query', async () => {
    const stop = new AbortController();
    const server = new Server(rows);
    // As the client of ClickHouse does with a signal that is already aborted.
    const open = server.open.bind(server);
    server.open = (after) => open(after, running());
    const pages = fetchPages(server, START, stop.signal, { ...QUICK, maxPauseMs: 60_000 });
    await pages.next();
    await nextTurns(20);
    stop.abort();
    const { error } = await takeAll(pages);
    expect(error).toBeUndefined();
    expect(server.queriedFrom).toHaveLength(1);
    expect(server.responses.map((response) => response.destroyed)).toEqual([true]);
  });

  test('ends after a stop between two chunks, also if the stream ignores the signal', async () => {
    const stop = new AbortController();
    const server = new Server(rows);
    const open = server.open.bind(server);
    server.open = (after) => open(after, running());
    const pages = fetchPages(server, START, stop.signal, { ...QUICK, queueBytes: 1_000_000 });
    await pages.next();
    stop.abort();
    const { error } = await takeAll(pages);
    expect(error).toBeUndefined();
    expect(server.sent).toBeLessThan(5000);
    expect(server.responses.map((response) => response.destroyed)).toEqual([true]);
  });

  test('sends no query after a stop', async () => {
    const server = new Server(rows);
    const open = server.open.bind(server);
    server.open = (after) => open(after, running());
    expect(await takeAll(fetchPages(server, START, AbortSignal.abort(), QUICK))).toEqual({
      text: '',
      error: undefined,
    });
    expect(server.queriedFrom).toEqual([]);
  });

  test('sends no query before the first page is requested', async () => {
    const server = new Server(rows);
    fetchPages(server, START, running(), QUICK);
    await nextTurns(5);
    expect(server.queriedFrom).toEqual([]);
  });
});

describe('a transient error', () => {
  test('I3: is retried from the last page on, so that no row is lost or duplicated', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ after: fc.nat(60), says: fc.constantFrom('', 'Code: 241. DB::Exception: memory. (MEMORY)\n') }),
          { maxLength: 5 },
        ),
        async (errors) => {
          const rows = manyRows(60);
          const server = new Server(rows, { endings: errors.map((ending) => ({ ...ending, thereafter: 'breaks' })) });
          server.errorsPass = true;
          const { text, error } = await takeAll(
            fetchPages(server, START, running(), { ...QUICK, retryTimeMs: 10_000 }),
          );
          expect(error).toBeUndefined();
          expect(text).toBe(rows.join(''));
          expect(server.warnings).toHaveLength(errors.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('is retried after growing delays, until a full page arrives', async () => {
    const rows = manyRows(60);
    const [few, page] = [1, 6];
    expect(Buffer.byteLength(rows.slice(0, page).join(''))).toBeGreaterThan(QUICK.pageBytes + 300);
    const untilLongest = Array.from({ length: 16 }, (): number => few);
    // Each response breaks off after this number of new rows.
    const newRows = [...untilLongest, page, few, 0, few];
    let after = 0;
    const endings = newRows.map((count): Ending => {
      after += count;
      return { after, thereafter: 'breaks' };
    });
    const server = new Server(rows, { endings });
    server.errorsPass = true;
    const delays: number[] = [];
    const wait = async (milliseconds: number): Promise<void> => void delays.push(milliseconds);
    const { text, error } = await takeAll(
      fetchPages(server, START, running(), { ...QUICK, retryTimeMs: 60_000, wait }),
    );
    expect(error).toBeUndefined();
    expect(text).toBe(rows.join(''));
    // The delay after a response without new rows is not in this list, but it counts.
    expect(delays).toEqual([...untilLongest.map((_, index) => Math.min(2 ** index, 30_000)), 1, 2, 8]);
    const attempts = server.warnings.map((warning) => Number(/Attempt (\d+) failed/.exec(warning)?.[1]));
    expect(attempts).toEqual([...untilLongest.map((_, index) => index + 1), 1, 2, 3, 4]);
  });

  test('ends the read if the retries last too long', async () => {
    const rows = manyRows(20);
    const endings = Array.from({ length: 1000 }, (): Ending => ({ after: 10, thereafter: 'breaks' }));
    const server = new Server(rows, { endings });
    server.errorsPass = true;
    const { text, error } = await takeAll(fetchPages(server, START, running(), { ...QUICK, retryTimeMs: 30 }));
    expect(error).toMatchObject({ message: 'with advice' });
    expect(rows.slice(0, 10).join('').startsWith(text)).toBe(true);
    expect(server.warnings.length).toBeGreaterThan(0);
  });

  test.each([0, 2])('is not retried after a stop, if it follows %i rows', async (after) => {
    const server = new Server(manyRows(20), { endings: [{ after, thereafter: 'breaks' }] });
    server.errorsPass = true;
    const stop = new AbortController();
    const pages = takeAll(
      fetchPages(server, START, stop.signal, {
        ...QUICK,
        firstRetryMs: 60_000,
        retryTimeMs: 120_000,
        wait: waitByTimer,
      }),
    );
    await expect.poll(() => server.warnings.length, { interval: 1 }).toBe(1);
    stop.abort();
    expect((await pages).error).toBeUndefined();
    expect(server.queriedFrom).toHaveLength(1);
  });
});
