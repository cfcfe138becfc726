import { isUtf8 } from 'node:buffer';
import { LINE_FEED } from '../../shared/ascii.ts';
import { sourceError } from '../errors/codes.ts';
import { isRow, readRowHash } from '../query/record-line.ts';
import type { BufferPool } from './buffer-pool.ts';

/** The maximum length of a line, in bytes. It limits the use of memory. Batch rejects events of more than 25 kB anyway. */
const MAX_ROW_BYTES = 32 * 1024 * 1024;

/** Complete lines that are ready to be written, with the values from which the position after the last row is computed. */
export type Page = {
  /** The lines in valid UTF-8. Bytes that are not UTF-8 are replaced. */
  lines: Buffer;
  /** The same lines, exactly as the server sent them. */
  sentLines: Buffer;
  /** The buffer of the lines, to be returned to the pool. */
  buffer: Buffer;
  bytes: number;
  rows: number;
  /** The last line, as the server sent it, without its line feed. */
  lastLine: Buffer;
  /** The hash of the last row, in decimal. */
  lastRowHash: string;
  /** The number of rows at the end of the page that have the hash of the last row. */
  rowsWithLastHash: number;
};

/** The rows to drop at the start of a response, because they were already read: up to `rows` rows with this hash. */
export type RowsToDrop = { rowHash: string; rows: number };

/**
 * Cuts the bytes of a response into pages. A page contains only rows: complete lines that start and end like a row. It never
 * contains a line that was cut off, or an exception that the server wrote after the rows, whatever the format of the exception.
 *
 * The chunks are copied into one buffer per page. So no chunk is kept for long, which makes garbage collection cheap.
 */
export class PageCutter {
  readonly #pageBytes: number;
  readonly #pool: BufferPool;
  #toDrop: RowsToDrop | undefined;
  #buffer: Buffer;
  /** The buffer has complete rows from `#start` to `#end`, and the bytes of an unfinished line from `#end` to `#filled`. */
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

  /** Adds bytes, and returns a page once there are enough for one. @throws NotARowError, or ConnectorError if a row is too long. */
  push(chunk: Buffer): Page | undefined {
    const newFrom = this.#filled;
    this.#append(chunk);
    this.#takeLines(newFrom);
    if (this.#filled - this.#end > MAX_ROW_BYTES) {
      throw sourceError(
        'row_too_long',
        `A row is longer than ${MAX_ROW_BYTES} bytes. Exclude the large column, with a view or by deselecting it.`,
      );
    }
    return this.#end - this.#start >= this.#pageBytes ? this.#cut() : undefined;
  }

  /** Returns the last page, after the response has ended. @throws NotARowError when the response ended inside a line. */
  end(): Page | undefined {
    if (this.#filled > this.#end) throw this.#notARow(this.#end);
    return this.rest();
  }

  /**
   * Returns the complete rows after the last page, if there are any. They are copied to a buffer of their size. Otherwise, each
   * small page would keep a whole large buffer in memory. If many responses break off early, many such pages wait in the queue,
   * which counts only the bytes of the rows.
   */
  rest(): Page | undefined {
    if (this.#rows === 0) return undefined;
    const lines = Buffer.from(this.#buffer.subarray(this.#start, this.#end));
    const page = createPage(lines, this.#rows, lines);
    this.#rows = 0;
    return page;
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

  /** Checks the lines that end at `newFrom` or later. */
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
 * Returns the first rows of a page, as a page in the same buffer.
 *
 * @param rows at least 1, and at most the number of rows of the page.
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

/** The response contains something that is not a row, or a row that was cut off. `rest` has its bytes and all bytes after it. */
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
    // Copied, because it may be used after the buffer of the page is reused.
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
