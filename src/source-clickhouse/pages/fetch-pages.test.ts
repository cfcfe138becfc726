import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ClickHouseError } from '@clickhouse/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sourceError } from '../errors/codes.ts';
import type { RowSelection } from '../query/row-query.ts';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { type PositionAtRow, START } from '../state/position.ts';
import { type FetchOptions, fetchPages, type RowSource } from './fetch-pages.ts';
import type { Page } from './page-cutter.ts';

const CURSOR = '2026-01-01T00:00:00Z';

/** The position at a row of the one group that all rows here are in. The rows are in the order of their hashes. */
function atRow(rowHash: string, rows = 1): PositionAtRow {
  return { kind: 'inside-group', cursor: CURSOR, rowHash, rows };
}

function selection(): RowSelection {
  const column = { name: 'last_updated_at', type: parseClickHouseType('DateTime') };
  const codec = createCursorCodec(column.type);
  if (codec === undefined) throw new Error('It is no cursor.');
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
};

/** Rows in the order of their hashes; several may share one. */
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

/** What a server does with one answer, instead of sending all of it. */
type Ending = {
  /** After so many rows, */
  after: number;
  /** it sends this, */
  says?: string;
  /** and breaks the connection, or does nothing any more. */
  thereafter: 'ends' | 'breaks' | 'is silent';
};

function connectionReset(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** A server that holds rows in memory and gives them as fast as they are taken. */
class Server implements RowSource {
  readonly clickhouse: RowSource['clickhouse'] = {
    bytes: (_, { row_hash }, signal) => this.open(String(row_hash ?? ''), signal),
    explainError: (cause) =>
      sourceError(this.errorsPass ? 'clickhouse_busy' : 'clickhouse_query_failed', 'with advice', { cause }),
  };
  readonly selection = selection();
  readonly maxRows = Number.POSITIVE_INFINITY;
  readonly emittedAt = 1;
  /** The row hashes from which rows were asked for; "" for all. */
  readonly asked: string[] = [];
  readonly answers: Readable[] = [];
  /** Of each answer, when it is closed. */
  readonly closed: Promise<unknown>[] = [];
  /** Bytes that were taken off it. */
  sent = 0;
  /** What was told of errors that were not the end. */
  readonly warnings: string[] = [];
  /** Whether its errors are of a kind that passes. */
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
    const ending = this.#endings[this.asked.length] ?? { after: this.#rows.length, thereafter: 'ends' };
    this.asked.push(after);
    const rows = this.#rows.slice(0, ending.after).filter((row) => hashOf(row) >= after);
    const bytes = Buffer.from(rows.join('') + (ending.says ?? ''));
    let sent = 0;
    const answer = new Readable({
      highWaterMark: this.#chunkBytes,
      // A network brings one thing after the other, and what is waited for happens in between.
      read: () =>
        setImmediate(() => {
          if (answer.destroyed) return;
          const chunk = bytes.subarray(sent, sent + this.#chunkBytes);
          sent += chunk.length;
          this.sent += chunk.length;
          if (chunk.length > 0) answer.push(chunk);
          else if (ending.thereafter === 'ends') answer.push(null);
          else if (ending.thereafter === 'breaks') answer.destroy(connectionReset());
        }),
    });
    const cancel = (): void => {
      answer.destroy();
    };
    signal.addEventListener('abort', cancel);
    this.answers.push(answer);
    this.closed.push(
      new Promise<void>((resolve) => {
        answer.once('close', () => {
          signal.removeEventListener('abort', cancel);
          resolve();
        });
      }),
    );
    return answer;
  }

  warn(message: string): void {
    this.warnings.push(message);
  }
}

function textOf(page: Page): string {
  return page.lines.toString();
}

/** Takes all pages as fast as they come. Gives their text, and the error at the end if there was one. */
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

describe('all rows are read once, in order,', () => {
  test('in pages of the asked size, from one answer', async () => {
    const rows = manyRows(100);
    const server = new Server(rows);
    const sizes: number[] = [];
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK), ({ bytes }) => {
      sizes.push(bytes);
    });
    expect(error).toBeUndefined();
    expect(text).toBe(rows.join(''));
    expect(server.asked).toEqual(['']);
    // A page is cut at the first row end behind its size, so no longer than with the chunk that brings it.
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(500);
    expect(Math.max(...sizes)).toBeLessThan(500 + 300 + Buffer.byteLength(rows[0] ?? ''));
  });

  test('when there are none', async () => {
    expect(await takeAll(fetchPages(new Server([]), START, running(), QUICK))).toEqual({ text: '', error: undefined });
  });

  test('from a position on, without those that it covers', async () => {
    const rows = rowsWith([1, 2, 2, 2, 3]);
    const server = new Server(rows);
    const { text } = await takeAll(fetchPages(server, atRow('1000002', 2), running(), QUICK));
    expect(text).toBe(rows.slice(3).join(''));
  });

  test('with the position behind each page', async () => {
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

  test('whatever the sizes and however the taker dawdles', async () => {
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
            // The answer is left for want of patience, or all of it has come.
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

describe('while the taker stalls', () => {
  const rows = manyRows(200);

  test('no more is taken off the server than the queue holds', async () => {
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), { ...QUICK, maxPauseMs: 60_000 });
    const first = await pages.next();
    expect(first.done).toBe(false);
    await nextTurns(50);
    // The queue's bytes, the page that is being made, and what the stream reads ahead.
    expect(server.sent).toBeLessThanOrEqual(2000 + 500 + 3 * 300);
    expect(server.sent).toBeGreaterThanOrEqual(2000);
    await pages.return(undefined);
  });

  test('the answer is left when patience is over, and asked for again where it was left', async () => {
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), QUICK);
    const first = await pages.next();
    if (first.done) throw new Error('There is no page.');
    const firstText = textOf(first.value);
    await server.closed[0];
    expect(server.asked).toEqual(['']);

    const rest = await takeAll(pages);
    expect(rest.error).toBeUndefined();
    expect(firstText + rest.text).toBe(rows.join(''));
    expect(server.asked).toHaveLength(2);
    // Behind the last whole page that was in the queue.
    const again = rows.findIndex((row) => hashOf(row) === server.asked[1]);
    const queued = Buffer.byteLength(rows.slice(0, again + 1).join(''));
    expect(queued).toBeGreaterThanOrEqual(2000);
    expect(queued).toBeLessThanOrEqual(2000 + 500 + 300);
  });

  test('it is not asked for again before there is room', async () => {
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
    while (server.asked.length === 1) await next();
    // Less than resumeBelowBytes was left of what had been taken off the server.
    expect(queued - taken()).toBeLessThan(500 + 500 + 3 * 300);
    expect(sizes.length).toBeGreaterThan(3);
    await pages.return(undefined);
  });

  test('rows that are alike are told apart over every leaving', async () => {
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
    expect(server.asked.length).toBeGreaterThan(2);
  });

  test('patience ends also when memory is cleaned up in the meantime', async () => {
    const gc = collectGarbage();
    const server = new Server(rows);
    const pages = fetchPages(server, START, running(), { ...QUICK, maxPauseMs: 100 });
    await pages.next();
    let left = false;
    server.closed[0]?.then(() => {
      left = true;
    });
    // Far off: on a busy machine a collection takes long, and what was cleaned up never comes.
    const deadline = Date.now() + 10_000;
    while (!left && Date.now() < deadline) {
      gc();
      await nextTurn();
    }
    expect(left).toBe(true);
    await pages.return(undefined);
  });
});

describe('a taker that keeps up', () => {
  test('reads from one answer, without a warning on stderr, however many pages there are', async () => {
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
      expect(server.asked).toEqual(['']);
      await nextTurn();
    } finally {
      process.off('warning', warned);
    }
    expect(warnings).toEqual([]);
  });
});

describe('a failure', () => {
  const rows = manyRows(20);

  /** The text is that of whole rows from the first on, and nothing else. */
  function expectWholeRows(text: string): void {
    expect(rows.join('').startsWith(text)).toBe(true);
    expect(text === '' || text.endsWith('}\n')).toBe(true);
  }

  test('in the answer comes after the pages that were whole, with advice', async () => {
    const server = new Server(rows, { endings: [{ after: 15, thereafter: 'breaks' }] });
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expectWholeRows(text);
    expect(text.length).toBeGreaterThan(1000);
    expect(error).toMatchObject({
      message: 'with advice',
      cause: { name: 'CutOffError', cause: { code: 'ECONNRESET' } },
    });
    expect(server.answers[0]?.destroyed).toBe(true);
  });

  test.each(['breaks', 'ends'] as const)(
    'in the answer comes after all rows that were whole, also when they fill no page: it %s',
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

  test('does not come before the pages that wait in the queue', async () => {
    const server = new Server(rows, { endings: [{ after: 15, thereafter: 'breaks' }] });
    const pages = fetchPages(server, START, running(), { ...QUICK, queueBytes: 100_000, maxPauseMs: 60_000 });
    const first = await pages.next();
    if (first.done) throw new Error('There is no page.');
    // All of it is in the queue, and the failure behind it.
    await nextTurns(50);
    const rest = await takeAll(pages);
    expect((textOf(first.value) + rest.text).length).toBeGreaterThan(1000);
    expect(rest.error).toMatchObject({ message: 'with advice' });
  });

  test('to open an answer is passed on as it is', async () => {
    const refused = new Error('refused, with advice');
    const server = new Server(rows);
    server.open = () => Promise.reject(refused);
    expect(await takeAll(fetchPages(server, START, running(), QUICK))).toEqual({ text: '', error: refused });
  });

  test('to open an answer again comes after what the queue held', async () => {
    const refused = new Error('refused, with advice');
    const server = new Server(manyRows(100));
    const open = server.open.bind(server);
    server.open = (after, signal) => (server.asked.length === 0 ? open(after, signal) : Promise.reject(refused));
    const pages = fetchPages(server, START, running(), QUICK);
    const first = await pages.next();
    if (first.done) throw new Error('There is no page.');
    await server.closed[0];
    const { text, error } = await takeAll(pages);
    expect(Buffer.byteLength(textOf(first.value) + text)).toBeGreaterThanOrEqual(2000);
    expect(error).toBe(refused);
  });

  test('to tell the position behind a page ends the reading', async () => {
    const server = new Server(rows.map((row) => row.replace('last_updated_at', 'another')));
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expect(text).toBe('');
    expect(error).toMatchObject({
      message: 'with advice',
      cause: { message: 'The row holds no usable last_updated_at.' },
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
  ])('that the server writes behind the rows, as %s,', (_, says) => {
    test.each(['breaks', 'ends'] as const)('is told in its words when the connection %s', async (thereafter) => {
      for (let chunkBytes = 1; chunkBytes <= 400; chunkBytes++) {
        const server = new Server(rows, { chunkBytes, endings: [{ after: chunkBytes % 16, says, thereafter }] });
        const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
        expectWholeRows(text);
        const { cause } = error as Error;
        expect(cause, `in chunks of ${chunkBytes} bytes`).toBeInstanceOf(ClickHouseError);
        expect(cause).toMatchObject({ code: '241', type: 'MEMORY_LIMIT_EXCEEDED' });
      }
    });

    test('is told in its words when the rows before it had to wait for the taker', async () => {
      for (let after = 6; after <= 15; after++) {
        const server = new Server(rows, { chunkBytes: 100, endings: [{ after, says, thereafter: 'breaks' }] });
        const pages = fetchPages(server, START, running(), { ...QUICK, queueBytes: 500, maxPauseMs: 60_000 });
        const taken: string[] = [];
        const failed = (async () => {
          for await (const page of pages) {
            taken.push(textOf(page));
            // By then the server has sent what it is let send.
            await nextTurns(100);
          }
        })();
        await expect(failed).rejects.toMatchObject({ cause: { code: '241', type: 'MEMORY_LIMIT_EXCEEDED' } });
        expect(taken.join('')).toBe(rows.slice(0, after).join(''));
      }
    });

    test('is told in its words when it comes in an answer that was asked for again', async () => {
      const server = new Server(rows, { endings: [{ after: 0, says, thereafter: 'breaks' }] });
      const behind = atRow(hashOf(rows[3] ?? ''));
      const { text, error } = await takeAll(fetchPages(server, behind, running(), QUICK));
      expect(text).toBe('');
      expect((error as Error).cause).toMatchObject({ code: '241', type: 'MEMORY_LIMIT_EXCEEDED' });
    });
  });

  test('that is an endless text is not read to its end', async () => {
    const says = `${exception}${'x'.repeat(5_000_000)}`;
    const server = new Server(rows, {
      chunkBytes: 1000,
      endings: [{ after: 1, says: `\n${says}`, thereafter: 'breaks' }],
    });
    const { error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expect((error as Error).cause).toMatchObject({ code: '241' });
    expect(server.sent).toBeLessThan(40_000);
    expect(server.answers[0]?.destroyed).toBe(true);
  });

  describe('of which no byte is shown:', () => {
    const data = 'Code: 60. DB::Exception: secret (UNKNOWN_TABLE) (version 26.7.2.1)';
    const holding = (rows[7] ?? '').replace('"data":{', `"data":{"log":"${data}",`);

    test.each<[string, says: string, cause: Record<string, unknown>]>([
      ['a row that holds the text of an exception and was cut off', holding.slice(0, -20), { name: 'CutOffError' }],
      ['such a row, and an exception behind it', `${holding.slice(0, -20)}${exception}\n`, { code: '241' }],
      ['a row behind an empty line, as with extremes', `\n${holding}`, { name: 'UnreadableResponseError' }],
      ['a page of a proxy', '<html>secret</html>\n', { name: 'UnreadableResponseError' }],
    ])('%s', async (_, says, cause) => {
      const server = new Server(rows, { endings: [{ after: 7, says, thereafter: 'ends' }] });
      const { error } = await takeAll(fetchPages(server, START, running(), QUICK));
      expect(holding).toContain('secret');
      expect(error).toMatchObject({ cause });
      expect(String((error as Error).cause)).not.toContain('secret');
    });
  });

  test('that is a row cut off is one, although the connection ended well', async () => {
    const cutOff = (rows[7] ?? '').slice(0, -20);
    const server = new Server(rows, { endings: [{ after: 7, says: cutOff, thereafter: 'ends' }] });
    const { text, error } = await takeAll(fetchPages(server, START, running(), QUICK));
    expectWholeRows(text);
    expect(error).toMatchObject({ message: 'with advice' });
  });
});

describe('the end before the end', () => {
  const rows = manyRows(500);

  test('a taker that leaves closes the answer', async () => {
    const server = new Server(rows);
    for await (const _ of fetchPages(server, START, running(), QUICK)) break;
    expect(server.answers.map((answer) => answer.destroyed)).toEqual([true]);
    expect(server.asked).toHaveLength(1);
  });

  test('a taker that leaves does not wait for an answer that is silent', async () => {
    const server = new Server(rows, { endings: [{ after: 20, thereafter: 'is silent' }] });
    for await (const _ of fetchPages(server, START, running(), QUICK)) break;
    expect(server.answers.map((answer) => answer.destroyed)).toEqual([true]);
  });

  test('a stop ends the pages without an error, and closes the answer', async () => {
    const stop = new AbortController();
    const server = new Server(rows);
    const { text, error } = await takeAll(fetchPages(server, START, stop.signal, QUICK), () => stop.abort());
    expect(error).toBeUndefined();
    expect(rows.join('').startsWith(text)).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThan(4000);
    expect(server.answers.map((answer) => answer.destroyed)).toEqual([true]);
    expect(server.asked).toHaveLength(1);
  });

  test('a stop while the answer is silent ends at once', async () => {
    const stop = new AbortController();
    const server = new Server(rows, { endings: [{ after: 20, thereafter: 'is silent' }] });
    const reading = takeAll(fetchPages(server, START, stop.signal, QUICK));
    await nextTurns(20);
    stop.abort();
    const { error } = await reading;
    expect(error).toBeUndefined();
  });

  test('a stop while the taker stalls ends at once, and nothing is asked for again', async () => {
    const stop = new AbortController();
    const server = new Server(rows);
    // As the client of ClickHouse does with a signal that has come already.
    const open = server.open.bind(server);
    server.open = (after) => open(after, running());
    const pages = fetchPages(server, START, stop.signal, { ...QUICK, maxPauseMs: 60_000 });
    await pages.next();
    await nextTurns(20);
    stop.abort();
    const { error } = await takeAll(pages);
    expect(error).toBeUndefined();
    expect(server.asked).toHaveLength(1);
    expect(server.answers.map((answer) => answer.destroyed)).toEqual([true]);
  });

  test('a stop is heard between two chunks, also when the server does not hear it', async () => {
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
    expect(server.answers.map((answer) => answer.destroyed)).toEqual([true]);
  });

  test('a stop before the start asks for nothing', async () => {
    const server = new Server(rows);
    const open = server.open.bind(server);
    server.open = (after) => open(after, running());
    expect(await takeAll(fetchPages(server, START, AbortSignal.abort(), QUICK))).toEqual({
      text: '',
      error: undefined,
    });
    expect(server.asked).toEqual([]);
  });

  test('nothing is asked for before the first page is', async () => {
    const server = new Server(rows);
    fetchPages(server, START, running(), QUICK);
    await nextTurns(5);
    expect(server.asked).toEqual([]);
  });
});

describe('a failure that passes', () => {
  test('costs no row and doubles none: the rows behind the last page are asked for again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ after: fc.nat(60), says: fc.constantFrom('', 'Code: 241. DB::Exception: memory. (MEMORY)\n') }),
          { maxLength: 5 },
        ),
        async (failures) => {
          const rows = manyRows(60);
          const server = new Server(rows, { endings: failures.map((ending) => ({ ...ending, thereafter: 'breaks' })) });
          server.errorsPass = true;
          const { text, error } = await takeAll(
            fetchPages(server, START, running(), { ...QUICK, retryTimeMs: 10_000 }),
          );
          expect(error).toBeUndefined();
          expect(text).toBe(rows.join(''));
          expect(server.warnings).toHaveLength(failures.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('is the end all the same when it lasts too long', async () => {
    const rows = manyRows(20);
    const endings = Array.from({ length: 1000 }, (): Ending => ({ after: 10, thereafter: 'breaks' }));
    const server = new Server(rows, { endings });
    server.errorsPass = true;
    const { text, error } = await takeAll(fetchPages(server, START, running(), { ...QUICK, retryTimeMs: 30 }));
    expect(error).toMatchObject({ message: 'with advice' });
    expect(rows.slice(0, 10).join('').startsWith(text)).toBe(true);
    expect(server.warnings.length).toBeGreaterThan(0);
  });

  test('is not waited for when the reading is stopped', async () => {
    const server = new Server(manyRows(20), { endings: [{ after: 0, thereafter: 'breaks' }] });
    server.errorsPass = true;
    const stop = new AbortController();
    const pages = takeAll(
      fetchPages(server, START, stop.signal, { ...QUICK, firstRetryMs: 60_000, retryTimeMs: 120_000 }),
    );
    await expect.poll(() => server.warnings.length, { interval: 1 }).toBe(1);
    stop.abort();
    expect((await pages).error).toBeUndefined();
  });
});
