import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferPool } from './buffer-pool.ts';
import { NotARowError, type Page, PageCutter, type RowsToDrop, takeFirstRows } from './page-cutter.ts';

const WHOLE = Number.POSITIVE_INFINITY;

/** Small buffers, so that rows are longer than a buffer, and pages end anywhere in one. */
function cutterOf(pageBytes: number, toDrop?: RowsToDrop): PageCutter {
  return new PageCutter(pageBytes, new BufferPool(300), toDrop);
}

/** A row as ClickHouse writes it, without its line feed. */
function row(hash: number | string, data: Record<string, unknown> = { custom_id: `u${hash}` }): string {
  return `{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,"data":${JSON.stringify(data)}},"row_hash":"${hash}"}`;
}

function rowsText(rows: readonly string[]): string {
  return rows.map((line) => `${line}\n`).join('');
}

/** Splits the bytes of a string at these places. Places can be equal, because an empty chunk is valid. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const bounds = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((bound, index) => bytes.subarray(bounds[index], bound));
}

function pagesOf(chunks: readonly Buffer[], pageBytes: number, toDrop?: RowsToDrop): Page[] {
  const cutter = cutterOf(pageBytes, toDrop);
  return [...chunks.map((chunk) => cutter.push(chunk)), cutter.end()].filter((page) => page !== undefined);
}

/** The properties of a page as strings, without its buffer. */
function inTexts({ buffer, ...page }: Page): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(page).map(([key, value]) => [key, Buffer.isBuffer(value) ? value.toString('latin1') : value]),
  );
}

function textOf(pages: readonly Page[]): string {
  return Buffer.concat(pages.map((page) => page.lines)).toString();
}

const anyPlaces = fc.array(fc.nat(), { maxLength: 20 });

/** Rows with few different hashes, so that equal hashes are adjacent, and with various data. */
const anyRows = fc.array(
  fc
    .tuple(
      fc.constantFrom('0', '7', '7', '18446744073709551615'),
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom(',"row_hash":"9"}', '\n', '{"exception": "x"}', '\u2028', '}', '__exception__\r\n'),
      ),
    )
    .map(([hash, text]) => row(hash, { custom_id: text })),
  { maxLength: 12 },
);

function hashOf(line: string): string {
  return JSON.parse(line).row_hash;
}

describe('PageCutter, with any split of the bytes,', () => {
  test('returns the same rows, byte for byte, in pages of any size', () => {
    fc.assert(
      fc.property(anyRows, anyPlaces, fc.integer({ min: 1, max: 2000 }), (rows, places, pageBytes) => {
        const pages = pagesOf(cut(rowsText(rows), places), pageBytes);
        expect(textOf(pages)).toBe(rowsText(rows));
      }),
    );
  });

  test('returns pages with correct properties', () => {
    fc.assert(
      fc.property(anyRows, anyPlaces, fc.integer({ min: 1, max: 2000 }), (rows, places, pageBytes) => {
        for (const page of pagesOf(cut(rowsText(rows), places), pageBytes)) {
          const lines = textOf([page]).trimEnd().split('\n');
          const hashes = lines.map(hashOf);
          expect(page.bytes).toBe(page.lines.length);
          expect(page.rows).toBe(lines.length);
          expect(page.lastLine.toString()).toBe(lines.at(-1));
          expect(page.lastRowHash).toBe(hashes.at(-1));
          const others = hashes.findLastIndex((hash) => hash !== page.lastRowHash);
          expect(page.rowsWithLastHash).toBe(hashes.length - 1 - others);
        }
      }),
    );
  });

  test('drops the rows that were read before', () => {
    fc.assert(
      fc.property(anyRows, anyPlaces, fc.nat(5), (rows, places, count) => {
        let kept = 0;
        while (kept < count && kept < rows.length && hashOf(rows[kept] ?? '') === '7') kept += 1;
        const pages = pagesOf(cut(rowsText(rows), places), 1, { rowHash: '7', rows: count });
        expect(textOf(pages)).toBe(rowsText(rows.slice(kept)));
      }),
    );
  });
});

describe('a page', () => {
  test('is cut at the end of a row once it has enough bytes', () => {
    const cutter = cutterOf(2 * (row(1).length + 1));
    expect(cutter.push(Buffer.from(`${row(1)}\n${row(2)}`))).toBeUndefined();
    const page = cutter.push(Buffer.from(`\n${row(3)}`));
    expect(textOf(page ? [page] : [])).toBe(rowsText([row(1), row(2)]));
    expect(cutter.push(Buffer.from('\n'))).toBeUndefined();
    const last = cutter.end();
    expect(textOf(last ? [last] : [])).toBe(rowsText([row(3)]));
  });

  test('I5: keeps no more memory than its rows need, if the response breaks off after few of them', () => {
    const cutter = new PageCutter(1_000_000, new BufferPool(1_500_000));
    cutter.push(Buffer.from(`${row(1)}\n${row(2)}`));
    const page = cutter.rest();
    expect(textOf(page ? [page] : [])).toBe(rowsText([row(1)]));
    expect(page?.buffer.buffer.byteLength).toBeLessThan(10_000);
    expect(cutter.rest()).toBeUndefined();
  });

  test('is never empty', () => {
    expect(cutterOf(1).end()).toBeUndefined();
    expect(pagesOf([Buffer.alloc(0)], 1)).toEqual([]);
    expect(pagesOf([Buffer.from(rowsText([row(1)]))], 1)).toHaveLength(1);
  });

  test('counts rows with the same hash at its end across chunks', () => {
    const chunks = [`${row(1)}\n${row(7)}\n`, `${row(7)}\n`, `${row(7)}\n${row(7)}\n`].map((text) => Buffer.from(text));
    const [page] = pagesOf(chunks, WHOLE);
    expect(page).toMatchObject({ rows: 5, lastRowHash: '7', rowsWithLastHash: 4 });
  });

  test('does not count rows with the same hash in the page before', () => {
    const chunks = [`${row(7)}\n${row(7)}\n`, `${row(7)}\n`].map((text) => Buffer.from(text));
    expect(pagesOf(chunks, 1).map(({ rowsWithLastHash }) => rowsWithLastHash)).toEqual([2, 1]);
  });

  test('keeps every digit of the hash', () => {
    const [page] = pagesOf([Buffer.from(rowsText([row('18446744073709551615')]))], WHOLE);
    expect(page?.lastRowHash).toBe('18446744073709551615');
    const [first] = pagesOf([Buffer.from(rowsText([row('0')]))], WHOLE);
    expect(first?.lastRowHash).toBe('0');
  });

  test('does not confuse a column "row_hash" with the hash', () => {
    const [page] = pagesOf([Buffer.from(rowsText([row('7', { custom_id: 'u', row_hash: '5' })]))], WHOLE);
    expect(page?.lastRowHash).toBe('7');
  });
});

describe('rows that were read before', () => {
  function kept(rows: readonly string[], toDrop: RowsToDrop): number[] {
    return textOf(pagesOf([Buffer.from(rowsText(rows))], WHOLE, toDrop))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).record.data.n);
  }

  const rows = [row(7, { n: 1 }), row(7, { n: 2 }), row(7, { n: 3 }), row(8, { n: 4 }), row(7, { n: 5 })];

  test.each<[string, RowsToDrop, number[]]>([
    ['are dropped', { rowHash: '7', rows: 2 }, [3, 4, 5]],
    ['are only those with their hash', { rowHash: '7', rows: 9 }, [4, 5]],
    ['are none when the first row has another hash', { rowHash: '8', rows: 1 }, [1, 2, 3, 4, 5]],
    ['are none with a hash that only contains theirs', { rowHash: '77', rows: 1 }, [1, 2, 3, 4, 5]],
  ])('%s', (_, toDrop, expected) => {
    expect(kept(rows, toDrop)).toEqual(expected);
  });

  test('can be all rows of the response', () => {
    expect(pagesOf([Buffer.from(rowsText(rows.slice(0, 3)))], 1, { rowHash: '7', rows: 3 })).toEqual([]);
  });
});

describe('rejects what the server sends in the place of a row:', () => {
  const exception = 'Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.11.1.1)';
  const text = rowsText([row(1), row(2), row(3)]);

  const says: [string, string][] = [
    [
      'the tagged block of 25.11 and later',
      `\r\n__exception__\r\nabcdefghijklmnop\r\n${exception}\n96 abcdefghijklmnop\r\n__exception__\r\n`,
    ],
    ['the JSON line of 23.9 to 25.10', `{"exception": ${JSON.stringify(exception)}}\n`],
    ['the bare text of older servers', `${exception}\n`],
    ['a bare text that is cut off', exception.slice(0, 40)],
    ['an empty line', '\n'],
    ['a row that is cut off', row(4).slice(0, -3)],
    ['a row without its line feed', row(4)],
    ['a row that is cut off, with an exception in its line', `${row(4).slice(0, -30)}${exception}\n`],
    [
      'a row that is cut off, with the JSON of a proxy in its line',
      `${row(4).slice(0, -30)}{"error":"upstream timed out"}\n`,
    ],
    ['a row that is cut off, with digits in its line', `${row(4).slice(0, -30)}:"1"}\n`],
    ['a row without a hash', `${row('')}\n`],
    ['an object that is not a row', '{"type":"LOG","log":{}}\n'],
    ['a row after a space', ` ${row(4)}\n`],
    ['a row with a carriage return', `${row(4)}\r\n`],
  ];

  /** Pushes all chunks, then ends. Returns the rows, the error, and the bytes after the error. */
  function tryAll(chunks: readonly Buffer[]): { rows: string; error: unknown; unread: string } {
    const cutter = cutterOf(1);
    const pages: Page[] = [];
    let pushed = 0;
    try {
      for (const chunk of chunks) {
        pushed += 1;
        const page = cutter.push(chunk);
        if (page !== undefined) pages.push(page);
      }
      const page = cutter.end();
      if (page !== undefined) pages.push(page);
      return { rows: textOf(pages), error: undefined, unread: '' };
    } catch (error) {
      return { rows: textOf(pages), error, unread: Buffer.concat(chunks.slice(pushed)).toString() };
    }
  }

  describe.each(says)('%s', (_, said) => {
    test('throws, and only rows come before it', () => {
      fc.assert(
        fc.property(anyPlaces, (places) => {
          const { rows, error } = tryAll(cut(text + said, places));
          expect(error).toBeInstanceOf(NotARowError);
          expect(text.startsWith(rows)).toBe(true);
        }),
      );
    });

    test('throws also if a row follows', () => {
      const cutter = cutterOf(WHOLE);
      const line = said.endsWith('\n') ? said : `${said}\n`;
      const push = () => cutter.push(Buffer.from(`${text}${line}${row(5)}\n`));
      // With its line feed, it is a row.
      if (said === row(4)) expect(push).not.toThrow();
      else expect(push).toThrow(NotARowError);
    });

    test('the error has all of its bytes, with any split', () => {
      fc.assert(
        fc.property(anyPlaces, (places) => {
          const { error, unread } = tryAll(cut(text + said, places));
          if (!(error instanceof NotARowError)) throw error;
          expect((error.rest.toString() + unread).trimEnd()).toBe(said.trimEnd());
        }),
      );
    });

    test('throws in the place of the first row, also if rows are dropped', () => {
      fc.assert(
        fc.property(anyPlaces, (places) => {
          const cutter = cutterOf(WHOLE, { rowHash: '1', rows: 1 });
          const chunks = cut(said, places);
          let pushed = 0;
          let error: unknown;
          try {
            for (const chunk of chunks) {
              pushed += 1;
              cutter.push(chunk);
            }
            cutter.end();
          } catch (thrown) {
            error = thrown;
          }
          if (!(error instanceof NotARowError)) throw error ?? new Error('It was treated as a row.');
          const unread = Buffer.concat(chunks.slice(pushed)).toString();
          expect((error.rest.toString() + unread).trimEnd()).toBe(said.trimEnd());
        }),
      );
    });
  });

  test('accepts rows that contain such text', () => {
    const rows = [
      row(1, { note: `\r\n__exception__\r\n${exception}` }),
      row(2, { exception }),
      row(3, { '{"exception": "': 1 }),
    ];
    expect(textOf(pagesOf([Buffer.from(rowsText(rows))], 1))).toBe(rowsText(rows));
  });
});

describe('a row that is too long', () => {
  const megabyte = Buffer.alloc(1024 * 1024, 'x');

  test('I5: is rejected with row_too_long', () => {
    const cutter = cutterOf(1);
    cutter.push(Buffer.from(`${row(1)}\n`));
    const push = () => {
      for (let megabytes = 0; megabytes <= 32; megabytes++) cutter.push(megabyte);
    };
    expect(push).toThrow(
      'A row is longer than 33554432 bytes. Exclude the large column, with a view or by deselecting it.',
    );
  });

  test('is a config_error', () => {
    const cutter = cutterOf(1);
    try {
      for (let megabytes = 0; megabytes <= 32; megabytes++) cutter.push(megabyte);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'ConnectorError', failureType: 'config_error' });
    }
  });

  test('is a single row: several rows can be longer together', () => {
    const cutter = cutterOf(WHOLE);
    const long = Buffer.from(`${row(1, { note: 'x'.repeat(1024 * 1024) })}\n`);
    // Each chunk ends inside a row.
    cutter.push(long.subarray(0, 100));
    for (let rows = 0; rows < 40; rows++) cutter.push(Buffer.concat([long.subarray(100), long.subarray(0, 100)]));
    cutter.push(long.subarray(100));
    expect(cutter.end()?.rows).toBe(41);
  });
});

describe('takeFirstRows', () => {
  test('returns the same page as a response with only these rows', () => {
    fc.assert(
      fc.property(
        anyRows.filter(({ length }) => length > 0),
        fc.nat(),
        (rows, any) => {
          const count = 1 + (any % rows.length);
          const [whole] = pagesOf([Buffer.from(rowsText(rows))], WHOLE);
          const [expected] = pagesOf([Buffer.from(rowsText(rows.slice(0, count)))], WHOLE);
          if (whole === undefined || expected === undefined) throw new Error('There is no page.');
          const first = takeFirstRows(whole, count);
          expect(inTexts(first)).toEqual(inTexts(expected));
          expect(first.buffer).toBe(whole.buffer);
        },
      ),
    );
  });

  test('keeps the bytes of the last line, also if the page is not UTF-8', () => {
    const line = Buffer.from(row('7', { custom_id: '\u00e9' }), 'latin1');
    const [page] = pagesOf([line, Buffer.from('\n'), Buffer.from(rowsText([row('8')]))], WHOLE);
    if (page === undefined) throw new Error('There is no page.');
    expect(takeFirstRows(page, 1).lastLine.equals(line)).toBe(true);
  });
});
