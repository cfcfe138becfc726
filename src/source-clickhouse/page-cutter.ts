import { ConnectorError } from '../protocol/failure.ts';
import { ROW_LINE_START } from './row-query.ts';

const LINE_FEED = 0x0a;
const CLOSING_BRACE = 0x7d;
const QUOTE = 0x22;
const ROW_START = Buffer.from(ROW_LINE_START);
const ROW_HASH_KEY = Buffer.from(',"row_hash":"');
const LONGEST_TAIL_BYTES = ROW_HASH_KEY.length + '18446744073709551615"}'.length;

/** The longest row that is read, in bytes of its RECORD line. It bounds memory; Batch refuses events over 25 kB anyway. */
const MAX_ROW_BYTES = 32 * 1024 * 1024;

/** Whole row lines, ready to be written, and where the last of them stands in the order of the rows. */
export type Page = {
  lines: Buffer[];
  bytes: number;
  rows: number;
  /** The last line, without its line feed. */
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
 */
export class PageCutter {
  readonly #pageBytes: number;
  #toDrop: RowsToDrop | undefined;
  #lines: Buffer[] = [];
  #bytes = 0;
  #rows = 0;
  #unfinished: Buffer[] = [];
  #unfinishedBytes = 0;

  constructor(pageBytes: number, toDrop?: RowsToDrop) {
    this.#pageBytes = pageBytes;
    this.#toDrop = toDrop;
  }

  /** Takes the next bytes; gives a page when there is enough for one. Throws when a line is no row. */
  push(chunk: Buffer): Page | undefined {
    const firstEnd = chunk.indexOf(LINE_FEED);
    if (firstEnd === -1) {
      this.#keepUnfinished(chunk);
      return undefined;
    }
    let start = 0;
    if (this.#unfinished.length > 0) {
      start = firstEnd + 1;
      this.#add(Buffer.concat([...this.#unfinished, chunk.subarray(0, start)]), chunk.subarray(start));
      this.#unfinished = [];
      this.#unfinishedBytes = 0;
    }
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end > start) this.#add(chunk.subarray(start, end), chunk.subarray(end));
    if (end < chunk.length) this.#keepUnfinished(chunk.subarray(end));
    return this.#bytes >= this.#pageBytes ? this.#cut() : undefined;
  }

  /** The answer ended: gives what is left. Throws when it ended inside a line. */
  end(): Page | undefined {
    if (this.#unfinishedBytes > 0) throw new NotARowError(Buffer.concat(this.#unfinished));
    return this.#rows > 0 ? this.#cut() : undefined;
  }

  #keepUnfinished(bytes: Buffer): void {
    this.#unfinished.push(bytes);
    this.#unfinishedBytes += bytes.length;
    if (this.#unfinishedBytes > MAX_ROW_BYTES) {
      throw new ConnectorError(
        'config_error',
        `A row is longer than ${MAX_ROW_BYTES} bytes. Leave the large column out, with a view or in the selected columns.`,
      );
    }
  }

  /** `behind` is what came with these lines and follows them, should they turn out to be none. */
  #add(lines: Buffer, behind: Buffer): void {
    const fresh = this.#toDrop === undefined ? lines : this.#dropRead(lines, this.#toDrop);
    if (fresh.length === 0) return;
    this.#rows += countRows(fresh, behind);
    this.#bytes += fresh.length;
    this.#lines.push(fresh);
  }

  #dropRead(lines: Buffer, toDrop: RowsToDrop): Buffer {
    let start = 0;
    while (start < lines.length && toDrop.rows > 0) {
      const end = lines.indexOf(LINE_FEED, start);
      if (rowHash(lines.subarray(start, end)) !== toDrop.rowHash) break;
      toDrop.rows -= 1;
      start = end + 1;
    }
    if (start < lines.length) this.#toDrop = undefined;
    return lines.subarray(start);
  }

  #cut(): Page {
    const lines = this.#lines;
    const page: Page = { lines, bytes: this.#bytes, rows: this.#rows, ...lastRow(lines) };
    this.#lines = [];
    this.#bytes = 0;
    this.#rows = 0;
    return page;
  }
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

/** Counts the lines, each of which must begin and end as a row does. `lines` ends with a line feed. */
function countRows(lines: Buffer, behind: Buffer): number {
  let rows = 0;
  let start = 0;
  while (start < lines.length) {
    const end = lines.indexOf(LINE_FEED, start);
    const isRow =
      lines[end - 1] === CLOSING_BRACE &&
      lines[end - 2] === QUOTE &&
      end - start > ROW_START.length &&
      lines.compare(ROW_START, 0, ROW_START.length, start, start + ROW_START.length) === 0;
    if (!isRow) throw new NotARowError(Buffer.concat([lines.subarray(start), behind]));
    rows += 1;
    start = end + 1;
  }
  return rows;
}

function lastRow(blocks: readonly Buffer[]): Pick<Page, 'lastLine' | 'lastRowHash' | 'rowsWithLastHash'> {
  let lastLine: Buffer | undefined;
  let lastRowHash = '';
  let rowsWithLastHash = 0;
  for (const line of linesFromTheEnd(blocks)) {
    lastLine ??= line;
    if (rowsWithLastHash === 0) {
      lastRowHash = rowHash(line);
      if (lastRowHash === '') throw new NotARowError(line);
    } else if (rowHash(line) !== lastRowHash) break;
    rowsWithLastHash += 1;
  }
  if (lastLine === undefined) throw new Error('A page without rows was cut.');
  return { lastLine, lastRowHash, rowsWithLastHash };
}

function* linesFromTheEnd(blocks: readonly Buffer[]): Generator<Buffer> {
  for (const block of blocks.toReversed()) {
    let end = block.length - 1;
    while (end > 0) {
      const start = block.lastIndexOf(LINE_FEED, end - 1) + 1;
      yield block.subarray(start, end);
      end = start - 1;
    }
  }
}

/** The row hash at the end of a line, in decimal; "" when there is none. */
function rowHash(line: Buffer): string {
  const tail = line.subarray(Math.max(0, line.length - LONGEST_TAIL_BYTES));
  const key = tail.lastIndexOf(ROW_HASH_KEY);
  if (key === -1) return '';
  return tail.toString('latin1', key + ROW_HASH_KEY.length, tail.length - 2);
}
