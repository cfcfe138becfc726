import { isUtf8 } from 'node:buffer';
import { LINE_FEED } from '../../shared/ascii.ts';
import { sourceError } from '../errors/codes.ts';
import { isRow, readRowHash } from '../query/record-line.ts';
import type { BufferPool } from './buffer-pool.ts';

/** The maximum length of a line, in bytes. It bounds memory; Batch rejects events over 25 kB anyway. */
const MAX_ROW_BYTES = 32 * 1024 * 1024;

/** Complete lines, ready to be written, and the last row's place in the order. */
export type Page = {
  /** In UTF-8, whatever the rows contain. */
  lines: Buffer;
  /** The same lines, as the server sent them. */
  sentLines: Buffer;
  /** The buffer of the lines, to be returned to the pool. */
  buffer: Buffer;
  bytes: number;
  rows: number;
  /** The last line, as the server sent it, without its line feed. */
  lastLine: Buffer;
  /** The hash of the last row, in decimal, and the number of rows with this hash at the end of the page. */
  lastRowHash: string;
  rowsWithLastHash: number;
};

/** Rows at the start of a response that were read before: those with this hash, at most `rows`. */
export type RowsToDrop = { rowHash: string; rows: number };

/**
 * Cuts the bytes of a response into pages. A page contains only rows: complete lines that start and end as every row does. It
 * contains no exception that the server writes after the rows, in the format of any version, and no line that was cut off.
 *
 * The chunks are copied into one buffer per page, because Node collects short-lived chunks cheaply.
 */
export class PageCutter {
  readonly #pageBytes: number;
  readonly #pool: BufferPool;
  #toDrop: RowsToDrop | undefined;
  #buffer: Buffer;
  /** In the buffer, complete rows are from `#start` to `#end`, and the bytes of an unfinished line from there to `#filled`. */
  #start = 0;
  #end = 0;
  #filled = 0;
  #rows = 0;

  /**
   * @param pageBytes a page is cut once it has this many bytes.
   * @param pool provides the buffers of the pages.
   */
  constructor(pageBytes: number, pool: BufferPool, toDrop?: RowsToDrop) {
    this.#pageBytes = pageBytes;
    this.#pool = pool;
    this.#toDrop = toDrop;
    this.#buffer = pool.take();
  }

  /** Adds bytes; returns a page once there are enough. @throws NotARowError */
  push(chunk: Buffer): Page | undefined {
    const newFrom = this.#filled;
    this.#append(chunk);
    this.#takeLines(newFrom);
    if (this.#filled - this.#end > MAX_ROW_BYTES) {
      throw sourceError(
        'row_too_long',
        `A row is longer than ${MAX_ROW_BYTES} bytes. Leave out the large column, with a view or in the selected columns.`,
      );
    }
    return this.#end - this.#start >= this.#pageBytes ? this.#cut() : undefined;
  }

  /** The response ended: returns the last page. @throws NotARowError when it ended inside a line. */
  end(): Page | undefined {
    if (this.#filled > this.#end) throw this.#notARow(this.#end);
    return this.rest();
  }

  /** The complete rows after the last page. */
  rest(): Page | undefined {
    return this.#rows > 0 ? this.#cut() : undefined;
  }

  #append(chunk: Buffer): void {
    if (this.#filled + chunk.length > this.#buffer.length) {
      const larger = this.#pool.take(2 * (this.#filled + chunk.length));
      this.#buffer.copy(larger, 0, 0, this.#filled);
      this.#pool.give(this.#buffer);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#filled);
    this.#filled += chunk.length;
  }

  /** Checks the lines that end in the bytes from `newFrom` on. */
  #takeLines(newFrom: number): void {
    const filled = this.#buffer.subarray(0, this.#filled);
    for (let end = filled.indexOf(LINE_FEED, newFrom); end !== -1; end = filled.indexOf(LINE_FEED, this.#end)) {
      if (!isRow(filled, this.#end, end)) throw this.#notARow(this.#end);
      if (this.#toDrop !== undefined && this.#wasRead(filled.subarray(this.#end, end), this.#toDrop)) {
        this.#start = end + 1;
      } else {
        this.#rows += 1;
      }
      this.#end = end + 1;
    }
  }

  #wasRead(line: Buffer, toDrop: RowsToDrop): boolean {
    if (toDrop.rows > 0 && readRowHash(line) === toDrop.rowHash) {
      toDrop.rows -= 1;
      return true;
    }
    this.#toDrop = undefined;
    return false;
  }

  #cut(): Page {
    const buffer = this.#buffer;
    const page = createPage(buffer.subarray(this.#start, this.#end), this.#rows, buffer);
    const unfinished = buffer.subarray(this.#end, this.#filled);
    this.#buffer = this.#pool.take(unfinished.length);
    unfinished.copy(this.#buffer);
    this.#start = 0;
    this.#end = 0;
    this.#filled = unfinished.length;
    this.#rows = 0;
    return page;
  }

  #notARow(from: number): NotARowError {
    return new NotARowError(Buffer.from(this.#buffer.subarray(from, this.#filled)));
  }
}

/**
 * The first rows of a page, as a page in the same buffer.
 *
 * @param rows at least 1, and at most the rows of the page.
 */
export function takeFirstRows({ sentLines, buffer }: Page, rows: number): Page {
  let end = 0;
  for (let row = 0; row < rows; row++) end = sentLines.indexOf(LINE_FEED, end) + 1;
  return createPage(sentLines.subarray(0, end), rows, buffer);
}

function createPage(sentLines: Buffer, rows: number, buffer: Buffer): Page {
  const lines = isUtf8(sentLines) ? sentLines : Buffer.from(sentLines.toString('utf8'));
  return { lines, sentLines, buffer, bytes: lines.length, rows, ...readLastRow(sentLines) };
}

/** The response contains something else than a row, or a row that was cut off; `rest` has all bytes from there on. */
export class NotARowError extends Error {
  readonly rest: Buffer;

  constructor(rest: Buffer) {
    super('The response contains a line that is not a row.');
    this.name = 'NotARowError';
    this.rest = rest;
  }
}

function readLastRow(rows: Buffer): Pick<Page, 'lastLine' | 'lastRowHash' | 'rowsWithLastHash'> {
  let lastLine: Buffer | undefined;
  let lastRowHash = '';
  let rowsWithLastHash = 0;
  for (const line of iterateLinesBackwards(rows)) {
    // A copy, because it is used longer than the page.
    lastLine ??= Buffer.from(line);
    if (rowsWithLastHash === 0) lastRowHash = readRowHash(line);
    else if (readRowHash(line) !== lastRowHash) break;
    rowsWithLastHash += 1;
  }
  if (lastLine === undefined) throw new Error('A page has no rows.');
  return { lastLine, lastRowHash, rowsWithLastHash };
}

function* iterateLinesBackwards(rows: Buffer): Generator<Buffer> {
  let end = rows.length - 1;
  while (end > 0) {
    const start = rows.lastIndexOf(LINE_FEED, end - 1) + 1;
    yield rows.subarray(start, end);
    end = start - 1;
  }
}
