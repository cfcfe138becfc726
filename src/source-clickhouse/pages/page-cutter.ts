import { isUtf8 } from 'node:buffer';
import { LINE_FEED } from '../../shared/ascii.ts';
import { sourceError } from '../errors/codes.ts';
import { isRow, readRowHash } from '../query/record-line.ts';
import type { BufferPool } from './buffer-pool.ts';

/** The longest row that is read, in bytes of its RECORD line. It bounds memory; Batch refuses events over 25 kB anyway. */
const MAX_ROW_BYTES = 32 * 1024 * 1024;

/** Whole row lines, ready to be written, and where the last of them stands in the order of the rows. */
export type Page = {
  /** In UTF-8, whatever the rows held. */
  lines: Buffer;
  /** The same lines as the server sent them. */
  sentLines: Buffer;
  /** The buffer in which the lines stand, to be given back to the pool. */
  buffer: Buffer;
  bytes: number;
  rows: number;
  /** The last line as the server sent it, without its line feed. */
  lastLine: Buffer;
  /** The hash of the last row, in decimal, and how many rows at the end of the page share it. */
  lastRowHash: string;
  rowsWithLastHash: number;
};

/** Rows at the start of an answer that were read before: so many at the most, if they have this hash. */
export type RowsToDrop = { rowHash: string; rows: number };

/**
 * Cuts the bytes of an answer into pages. Only what is certainly a row gets into a page: a whole line that begins and
 * ends as every row does. An exception that the server writes after the rows, in whichever form its version has, does
 * not pass; nor does a line that was cut off.
 *
 * The chunks are copied into one buffer a page: they are many, and Node collects those cheaply that live for a moment.
 */
export class PageCutter {
  readonly #pageBytes: number;
  readonly #pool: BufferPool;
  #toDrop: RowsToDrop | undefined;
  #buffer: Buffer;
  /** In the buffer, rows stand between `#start` and `#end`, and bytes of an unfinished line from there to `#filled`. */
  #start = 0;
  #end = 0;
  #filled = 0;
  #rows = 0;

  /**
   * @param pageBytes a page is cut as soon as it has so many.
   * @param pool where the buffers of the pages come from.
   */
  constructor(pageBytes: number, pool: BufferPool, toDrop?: RowsToDrop) {
    this.#pageBytes = pageBytes;
    this.#pool = pool;
    this.#toDrop = toDrop;
    this.#buffer = pool.take();
  }

  /** Takes the next bytes; gives a page when there is enough for one. Throws when a line is no row. */
  push(chunk: Buffer): Page | undefined {
    const newFrom = this.#filled;
    this.#append(chunk);
    this.#takeLines(newFrom);
    if (this.#filled - this.#end > MAX_ROW_BYTES) {
      throw sourceError(
        'row_too_long',
        `A row is longer than ${MAX_ROW_BYTES} bytes. Leave the large column out, with a view or in the selected columns.`,
      );
    }
    return this.#end - this.#start >= this.#pageBytes ? this.#cut() : undefined;
  }

  /** The answer ended: gives what is left. Throws when it ended inside a line. */
  end(): Page | undefined {
    if (this.#filled > this.#end) throw this.#notARow(this.#end);
    return this.rest();
  }

  /** The whole rows that have come since the last page. */
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

  /** Looks at the lines that end in the bytes from `newFrom` on. */
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
 * The first rows of a page, as a page of their own in the same buffer.
 *
 * @param rows at least one, and not more than the page has.
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

/** What came where a row should be, or a row that was cut off; `rest` is everything from there on. */
export class NotARowError extends Error {
  readonly rest: Buffer;

  constructor(rest: Buffer) {
    super('The answer holds something that is no row.');
    this.name = 'NotARowError';
    this.rest = rest;
  }
}

function readLastRow(rows: Buffer): Pick<Page, 'lastLine' | 'lastRowHash' | 'rowsWithLastHash'> {
  let lastLine: Buffer | undefined;
  let lastRowHash = '';
  let rowsWithLastHash = 0;
  for (const line of iterateLinesBackwards(rows)) {
    // A copy, as it outlives the page.
    lastLine ??= Buffer.from(line);
    if (rowsWithLastHash === 0) lastRowHash = readRowHash(line);
    else if (readRowHash(line) !== lastRowHash) break;
    rowsWithLastHash += 1;
  }
  if (lastLine === undefined) throw new Error('A page without rows was cut.');
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
