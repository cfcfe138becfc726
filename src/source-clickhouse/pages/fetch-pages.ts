import type { Readable } from 'node:stream';
import pRetry from 'p-retry';
import { BufferPool } from './buffer-pool.ts';
import { ByteQueue } from './byte-queue.ts';
import { type Page, PageCutter, type RowsToDrop } from './page-cutter.ts';
import { type PageSink, pipeResponse, ResponseWritable } from './response-writable.ts';

/** Bytes of a page: some 2,000 rows. After each page a state is written, so this bounds what a crash sends again. */
const PAGE_BYTES = 1024 * 1024;

/** Two chunks: Node reads a socket by 64 KiB. */
const TWO_CHUNKS_BYTES = 2 * 64 * 1024;

/** Bytes of pages that wait to be written. It is most of the memory that `read` uses. */
const QUEUE_BYTES = 48 * 1024 * 1024;

/** An answer that was left is asked for again when this much of the queue is left, so that writing never pauses. */
const RESUME_BELOW_BYTES = QUEUE_BYTES / 4;

/**
 * How long an answer is held open, in milliseconds, while the reader of our output takes nothing. The server gives up
 * after 30 s (http_send_timeout, see https://github.com/ClickHouse/ClickHouse/issues/64731) and its rows are then lost
 * in mid-air; well before that we leave by ourselves.
 */
const MAX_PAUSE_MS = 10_000;

/**
 * How long rows are asked for again while the server is away or overloaded, in milliseconds, counted from the last page
 * that came. A restart takes seconds, and a ClickHouse Cloud service up to a minute to wake.
 */
const RETRY_TIME_MS = 5 * 60_000;

/** Waits between attempts: from the first to the longest, doubling, each drawn between once and twice its length. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** Where the rows of a stream can be had from any position on. */
export type RowSource<Position> = {
  /** Asks for the rows after a position. `signal` cancels the request and its body. */
  open: (after: Position, signal: AbortSignal) => Promise<Readable>;
  /** Rows at the start of that answer that the position covers already. */
  rowsToDrop: (after: Position) => RowsToDrop | undefined;
  /** The position after a page that was read from `before` on. */
  positionAfter: (page: Page, before: Position) => Position;
  /** A failure of the body, as an error with advice. */
  failure: (error: unknown) => Error;
  /** Whether asking again may help. */
  isTransient: (error: Error) => boolean;
  /** Told of each failure that is not the end. */
  onRetry: (error: Error) => void;
};

export type FetchOptions = {
  pageBytes: number;
  /** Room behind a page for the chunk that fills it and a row that it leaves unfinished; also see `ResponseWritable`. */
  readAheadBytes: number;
  queueBytes: number;
  resumeBelowBytes: number;
  maxPauseMs: number;
  /** How long a transient failure is met by asking again, and the first wait before that. */
  retryTimeMs: number;
  firstRetryMs: number;
};

const DEFAULT_OPTIONS: FetchOptions = {
  pageBytes: PAGE_BYTES,
  readAheadBytes: TWO_CHUNKS_BYTES,
  queueBytes: QUEUE_BYTES,
  resumeBelowBytes: RESUME_BELOW_BYTES,
  maxPauseMs: MAX_PAUSE_MS,
  retryTimeMs: RETRY_TIME_MS,
  firstRetryMs: FIRST_RETRY_MS,
};

export type PositionedPage<Position> = Page & { position: Position };

/**
 * Reads all rows after a position, page by page, in order. The memory of a page is used again once the next one is asked
 * for: it has to be written out, or copied, by then.
 *
 * One answer is taken off the server at full speed into a queue of bounded size. When the queue is full and the taker
 * does not make room in time, the answer is left and asked for again, from the last page on, once there is room: nobody
 * waits holding an answer open, and a fast taker pays for one query and one sort alone, however large the table.
 *
 * Rows are trusted line by line, not answer by answer: they come in a total order that every line continues, so what
 * arrived whole before a failure is right. After a transient failure the rows behind it are asked for again.
 */
export async function* fetchPages<Position>(
  source: RowSource<Position>,
  start: Position,
  stop: AbortSignal,
  options: FetchOptions = DEFAULT_OPTIONS,
): AsyncGenerator<PositionedPage<Position>> {
  const queue = new ByteQueue<PositionedPage<Position>>();
  const pool = new BufferPool(options.pageBytes + options.readAheadBytes);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  stop.addEventListener('abort', leave);
  if (stop.aborted) leave();
  const fetching = fetchIntoQueue({ queue, pool, source, options, signal: leaving.signal }, start);
  try {
    for await (const page of queue) {
      yield page;
      pool.give(page.buffer);
    }
  } finally {
    stop.removeEventListener('abort', leave);
    leave();
    await fetching;
  }
}

type Fetching<Position> = {
  queue: ByteQueue<PositionedPage<Position>>;
  pool: BufferPool;
  source: RowSource<Position>;
  options: FetchOptions;
  /** Aborted when nobody takes pages any more. */
  signal: AbortSignal;
};

async function fetchIntoQueue<Position>(fetching: Fetching<Position>, start: Position): Promise<void> {
  const { queue, source, options, signal } = fetching;
  let position = start;
  try {
    for (;;) {
      const after = position;
      const response = await pRetry(() => fetchResponse(fetching, after), {
        retries: Number.POSITIVE_INFINITY,
        maxRetryTime: options.retryTimeMs,
        minTimeout: options.firstRetryMs,
        maxTimeout: LONGEST_RETRY_MS,
        randomize: true,
        signal,
        shouldRetry: ({ error }) => !signal.aborted && source.isTransient(error),
        onFailedAttempt: ({ error }) => {
          if (!signal.aborted && source.isTransient(error)) source.onRetry(error);
        },
      });
      if (response.complete) break;
      position = response.position;
      if (!(await queue.waitBelow(options.resumeBelowBytes, signal))) break;
    }
    queue.end();
  } catch (error) {
    queue.end(signal.aborted ? {} : { error });
  }
}

/** What came of an answer: all of it, or what came until it was left or broke off. */
type Fetched<Position> = { complete: true } | { complete: false; position: Position };

async function fetchResponse<Position>(
  { queue, pool, source, options, signal }: Fetching<Position>,
  after: Position,
): Promise<Fetched<Position>> {
  // A signal that aborted before is not heard by what only listens for the event.
  signal.throwIfAborted();
  let position = after;
  let pages = 0;
  let isLeft = false;
  const stream = await source.open(after, signal);
  const cutter = new PageCutter(options.pageBytes, pool, source.rowsToDrop(after));
  const sink: PageSink = {
    push: (page) => {
      position = source.positionAfter(page, position);
      pages += 1;
      queue.push({ ...page, position });
    },
    waitForCapacity: () => {
      // Not every answer hears the signal while chunks come one after the other.
      if (signal.aborted) return Promise.reject(signal.reason);
      if (queue.bytes < options.queueBytes) return undefined;
      return queue.waitBelow(options.queueBytes, signal, options.maxPauseMs).then((inTime) => {
        isLeft = !inTime;
        if (isLeft) throw new Error('Nobody made room for more of the answer.');
      });
    },
  };
  const response = new ResponseWritable(cutter, sink, options.readAheadBytes);
  try {
    await pipeResponse(stream, response);
    return { complete: true };
  } catch (error) {
    if (isLeft) return { complete: false, position };
    const failure = source.failure(response.exception ?? error);
    if (signal.aborted) throw failure;
    // What came whole is right, however little: were it asked for again, answers that are always cut before they fill a
    // page would lead nowhere.
    const rest = cutter.rest();
    if (rest !== undefined) sink.push(rest);
    if (pages === 0 || !source.isTransient(failure)) throw failure;
    // It went on before it broke off: the next answer begins behind what came, with all the time for its own failures.
    source.onRetry(failure);
    return { complete: false, position };
  }
}
