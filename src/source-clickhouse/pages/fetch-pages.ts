import { ConnectorError, codeOf } from '../../protocol/errors.ts';
import { retryFor } from '../../shared/retry.ts';
import type { ClickHouse } from '../client/client.ts';
import { CutOffError } from '../errors/response-errors.ts';
import { buildRowQuery, type RowSelection } from '../query/row-query.ts';
import { isSchemaChanged } from '../query/schema-guard.ts';
import { isInsideGroup, type Position } from '../state/position.ts';
import { BufferPool } from './buffer-pool.ts';
import { ByteQueue } from './byte-queue.ts';
import { type Page, PageCutter } from './page-cutter.ts';
import { addPosition, type PositionedPage } from './positioned-page.ts';
import { type PageSink, pipeResponse, ResponseWritable } from './response-writable.ts';

/** The bytes of a page, about 2,000 rows. A state follows each page, so this limits what is sent again after a crash. */
const PAGE_BYTES = 1024 * 1024;

/** Node reads a socket in chunks of 64 KiB. */
const TWO_CHUNKS_BYTES = 2 * 64 * 1024;

/** The maximum bytes of pages that wait to be written. It is most of the memory that `read` uses. */
const QUEUE_BYTES = 48 * 1024 * 1024;

/** After a response was closed, the next query is sent when the queue has less than this, so that writing never pauses. */
const RESUME_BELOW_BYTES = QUEUE_BYTES / 4;

/**
 * How long a response is held open, in milliseconds, while the reader of our output accepts nothing. After 30 s the server
 * closes it (http_send_timeout, see https://github.com/ClickHouse/ClickHouse/issues/64731), and rows in transit are lost. So
 * the source closes it well before that.
 */
const MAX_PAUSE_MS = 10_000;

/**
 * How long a query is retried while the server is unavailable or overloaded, in milliseconds after the last page. A restart
 * takes seconds, and a ClickHouse Cloud service needs up to a minute to wake.
 */
const RETRY_TIME_MS = 5 * 60_000;

/** The first and the longest delay between attempts. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** Where the rows of a stream come from. */
export type RowSource = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>;
  selection: RowSelection;
  /** The maximum number of rows after a position: with a LIMIT, the server sorts faster. */
  maxRows: number;
  /** The time in the messages, in milliseconds since the epoch. */
  emittedAt: number;
  /** Receives a warning before each retry. */
  warn: (message: string) => void;
};

export type FetchOptions = {
  pageBytes: number;
  /** Space after a page for the chunk that fills it, and for the start of the next row; also see `ResponseWritable`. */
  readAheadBytes: number;
  queueBytes: number;
  resumeBelowBytes: number;
  maxPauseMs: number;
  /** How long a query is retried after transient errors (0: not at all), and the first delay. */
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

/**
 * Reads all rows after a position, page by page, in order. The memory of a page is reused once the next page is requested, so
 * write or copy the page before that.
 *
 * The response is read at full speed into a queue of bounded size. If the queue is full and the reader doesn't make space in
 * time, the response is closed (backpressure). Once there is space, a new query starts after the last page. So no response is
 * held open while the reader is slow, and a fast reader needs only one query and one sort, whatever the size of the table.
 *
 * Rows are checked line by line. They have a total order, so all complete lines before an error are valid. After a transient
 * error, a retry reads the rows after them.
 */
export async function* fetchPages(
  source: RowSource,
  start: Position,
  stop: AbortSignal,
  options: Partial<FetchOptions> = {},
): AsyncGenerator<PositionedPage> {
  const allOptions = { ...DEFAULT_OPTIONS, ...options };
  const queue = new ByteQueue();
  const pool = new BufferPool(allOptions.pageBytes + allOptions.readAheadBytes);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  stop.addEventListener('abort', leave);
  if (stop.aborted) leave();
  const fetching = fillQueue({ queue, pool, source, options: allOptions, signal: leaving.signal }, start);
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

type Fetching = {
  queue: ByteQueue;
  pool: BufferPool;
  source: RowSource;
  options: FetchOptions;
  /** Aborted when no more pages are read from the queue. */
  signal: AbortSignal;
};

/** Puts all rows after a position into the queue, with as many queries as needed, and ends the queue. */
async function fillQueue(fetching: Fetching, start: Position): Promise<void> {
  const { queue, options, signal } = fetching;
  let position = start;
  try {
    for (;;) {
      const fetched = await fetchResponseWithRetry(fetching, position);
      if (fetched.end === 'complete') break;
      if (fetched.end === 'broken') {
        if (!shouldRetry(fetching, fetched.error)) throw fetched.error;
        warnOfRetry(fetching, fetched.error);
      }
      position = fetched.position;
      if (!(await queue.waitBelow(options.resumeBelowBytes, signal))) break;
    }
    queue.end();
  } catch (error) {
    queue.end(signal.aborted ? {} : { error });
  }
}

/** Retries until a response has rows, or ends. */
function fetchResponseWithRetry(fetching: Fetching, after: Position): Promise<Fetched> {
  const { options, signal } = fetching;
  return retryFor(
    {
      forMs: options.retryTimeMs,
      minDelayMs: options.firstRetryMs,
      maxDelayMs: LONGEST_RETRY_MS,
      signal,
      shouldRetry: (error) => shouldRetry(fetching, error),
      onRetry: (error) => warnOfRetry(fetching, error),
    },
    () => fetchResponse(fetching, after),
  );
}

/** A retry doesn't help if the table was altered: only the next run looks up its columns. */
function shouldRetry({ options, signal }: Fetching, error: Error): boolean {
  if (signal.aborted || options.retryTimeMs === 0 || !(error instanceof ConnectorError)) return false;
  return error.failureType === 'transient_error' && !isSchemaChanged(error.cause);
}

function warnOfRetry({ source }: Fetching, error: Error): void {
  source.warn(`${error.message} Asking again for the rows after the last page.`);
}

/** How a response ended: all of it was read, or it was left because of a slow reader, or it broke off. */
type Fetched =
  | { end: 'complete' }
  | { end: 'left'; position: Position }
  | { end: 'broken'; position: Position; error: Error };

/**
 * Puts the rows of one response into the queue.
 *
 * @throws ConnectorError when the response failed before its first row.
 */
async function fetchResponse(fetching: Fetching, after: Position): Promise<Fetched> {
  const { pool, source, options, signal } = fetching;
  // Some listeners only react to the event, and not to a signal that is already aborted.
  signal.throwIfAborted();
  // The server returns the row of the position again, as often as it was read.
  const toDrop = isInsideGroup(after) ? { rowHash: after.rowHash, rows: after.rows } : undefined;
  const maxRows = source.maxRows + (toDrop?.rows ?? 0);
  const { query, parameters } = buildRowQuery(source.selection, after, source.emittedAt, maxRows);
  const stream = await source.clickhouse.bytes(query, parameters, signal);
  const cutter = new PageCutter(options.pageBytes, pool, toDrop);
  const sink = new QueueSink(fetching, after);
  const response = new ResponseWritable(cutter, sink, options.readAheadBytes);
  try {
    await pipeResponse(stream, response);
    return { end: 'complete' };
  } catch (cause) {
    if (cause instanceof SlowReaderError) return { end: 'left', position: sink.position };
    const error = explainBrokenResponse(source, response.exception ?? cause);
    // Complete rows are valid, however few. If they were read again, responses that always break off before the first full
    // page would never make progress.
    const rest = signal.aborted ? undefined : cutter.rest();
    if (rest !== undefined) sink.push(rest);
    if (sink.isEmpty) throw error;
    return { end: 'broken', position: sink.position, error };
  }
}

/** Without this, the error for a reset connection would suggest that the server uses another protocol. */
function explainBrokenResponse({ clickhouse }: RowSource, error: unknown): Error {
  return clickhouse.explainError(codeOf(error) === 'ECONNRESET' ? new CutOffError(error) : error);
}

/** The queue was full for too long, so the response was left. */
class SlowReaderError extends Error {}

/** Puts the pages of a response into the queue, each with its position. */
class QueueSink implements PageSink {
  readonly #fetching: Fetching;
  readonly #start: Position;
  #position: Position;

  constructor(fetching: Fetching, start: Position) {
    this.#fetching = fetching;
    this.#start = start;
    this.#position = start;
  }

  /** The position after the last page. */
  get position(): Position {
    return this.#position;
  }

  get isEmpty(): boolean {
    return this.#position === this.#start;
  }

  push(page: Page): void {
    const { queue, source } = this.#fetching;
    const positioned = addPosition(page, this.#position, source.selection.cursor.column.name);
    this.#position = positioned.position;
    queue.push(positioned);
  }

  waitForCapacity(): Promise<void> | undefined {
    const { queue, options, signal } = this.#fetching;
    // Not every stream reacts to the signal while it has chunks.
    if (signal.aborted) return Promise.reject(signal.reason);
    if (queue.bytes < options.queueBytes) return undefined;
    return queue.waitBelow(options.queueBytes, signal, options.maxPauseMs).then((inTime) => {
      if (!inTime) throw new SlowReaderError();
    });
  }
}
