import { ConnectorError, codeOf } from '../../protocol/errors.ts';
import { describeRetry } from '../../protocol/retries.ts';
import { onAbort, type Wait, waitByTimer } from '../../shared/abort.ts';
import { retryFor } from '../../shared/retry.ts';
import type { ClickHouse } from '../client/client.ts';
import { READ_BYTES } from '../client/large-read-agent.ts';
import { CutOffError } from '../errors/response-errors.ts';
import { buildRowQuery, type RowSelection } from '../query/row-query.ts';
import { isSchemaChanged } from '../query/schema-guard.ts';
import { isInsideGroup, type Position } from '../state/position.ts';
import { BufferPool } from './buffer-pool.ts';
import { type Page, PageCutter } from './page-cutter.ts';
import { PageQueue } from './page-queue.ts';
import { addPosition, type PositionedPage } from './positioned-page.ts';
import { type PageSink, pipeResponse, ResponseWritable } from './response-writable.ts';

/** The size of a page in bytes, about 2,000 rows. A state can follow each page, so this limits what a crash sends again. */
const PAGE_BYTES = 1024 * 1024;

/** The maximum size of two chunks of a response, in bytes. */
const TWO_CHUNKS_BYTES = 2 * READ_BYTES;

/** The maximum size of the pages that wait to be written, in bytes. They take most of the memory that `read` uses. */
const QUEUE_BYTES = 48 * 1024 * 1024;

/**
 * After a response was closed early or broke off, the next query is sent once the queue has fewer bytes than this. The pages
 * that are left keep the output busy until the server responds.
 */
const RESUME_BELOW_BYTES = QUEUE_BYTES / 4;

/**
 * How long a response is kept open while the reader of our output accepts nothing, in milliseconds. After 30 s, the server would
 * close the response (http_send_timeout, see https://github.com/ClickHouse/ClickHouse/issues/64731) and rows in transit would be
 * lost, so the source closes it well before that.
 */
const MAX_PAUSE_MS = 10_000;

/**
 * How long a query is retried while the server is unavailable or overloaded, in milliseconds after the last page. A restart
 * takes seconds, and a ClickHouse Cloud service needs up to a minute to wake up.
 */
const RETRY_TIME_MS = 5 * 60_000;

/** The first and the longest delay between attempts, in milliseconds. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** Where the rows of a stream come from. */
export type RowSource = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>;
  selection: RowSelection;
  /** The maximum number of rows to read. It becomes the LIMIT of the query, which makes the server sort faster. */
  maxRows: number;
  /** The `emitted_at` of the messages, in milliseconds since the epoch. */
  emittedAt: number;
  /** Receives a warning before each retry. */
  warn: (message: string) => void;
};

export type FetchOptions = {
  pageBytes: number;
  /** Space in a buffer after the page, for the end of the chunk that completes the page. Also see `ResponseWritable`. */
  readAheadBytes: number;
  queueBytes: number;
  resumeBelowBytes: number;
  maxPauseMs: number;
  /** How long a query is retried after transient errors, in milliseconds; 0 for no retries. */
  retryTimeMs: number;
  /** The delay before the first retry, in milliseconds. */
  firstRetryMs: number;
  /** Waits after a response that broke off. */
  wait: Wait;
};

const DEFAULT_OPTIONS: FetchOptions = {
  pageBytes: PAGE_BYTES,
  readAheadBytes: TWO_CHUNKS_BYTES,
  queueBytes: QUEUE_BYTES,
  resumeBelowBytes: RESUME_BELOW_BYTES,
  maxPauseMs: MAX_PAUSE_MS,
  retryTimeMs: RETRY_TIME_MS,
  firstRetryMs: FIRST_RETRY_MS,
  wait: waitByTimer,
};

/**
 * Reads all rows after a position, page by page, in order. The buffer of a page is reused once the next page is requested, so
 * the caller must write or copy the page before that.
 *
 * The response is read at full speed into a queue of bounded size. If the queue is full and the reader doesn't make space in
 * time, the response is closed (backpressure). Once there is space, a new query starts after the last page. So no response is
 * held open while the reader is slow, and a fast reader needs only one query and one sort, whatever the size of the table.
 *
 * Rows are checked line by line, so all complete lines before an error are valid. Rows have a total order, so a retry after a
 * transient error continues after the last of these lines.
 */
export async function* fetchPages(
  source: RowSource,
  start: Position,
  stop: AbortSignal,
  options: Partial<FetchOptions> = {},
): AsyncGenerator<PositionedPage> {
  const allOptions = { ...DEFAULT_OPTIONS, ...options };
  const queue = new PageQueue();
  const pool = new BufferPool(allOptions.pageBytes + allOptions.readAheadBytes);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  const stopListening = onAbort(stop, leave);
  const fetching = fillQueue({ queue, pool, source, options: allOptions, signal: leaving.signal }, start);
  try {
    for await (const page of queue) {
      yield page;
      pool.give(page.buffer);
    }
  } finally {
    stopListening();
    leave();
    await fetching;
  }
}

type Fetching = {
  queue: PageQueue;
  pool: BufferPool;
  source: RowSource;
  options: FetchOptions;
  /** Aborted when no more pages are read from the queue. */
  signal: AbortSignal;
};

/**
 * Puts all rows after a position into the queue, with as many queries as needed, and ends the queue. A response with at least one
 * row is progress, so such responses may break off any number of times. But the delays between queries grow until a full page
 * arrives. Otherwise, a server that breaks off each response after a few rows would have to sort the table again and again.
 */
async function fillQueue(fetching: Fetching, start: Position): Promise<void> {
  const { queue, options, signal } = fetching;
  let position = start;
  /** The number of attempts that have failed since the last full page. */
  let failures = 0;
  const onFailure = (error: Error): void => {
    failures += 1;
    warnOfRetry(fetching, error, failures);
  };
  try {
    for (;;) {
      const fetched = await fetchResponseWithRetry(fetching, position, retryDelay(options, failures), onFailure);
      if (fetched.end === 'complete') break;
      if (fetched.hasFullPage) failures = 0;
      if (fetched.end === 'broken') {
        if (!shouldRetry(fetching, fetched.error)) throw fetched.error;
        const delay = retryDelay(options, failures);
        onFailure(fetched.error);
        await options.wait(delay, signal);
      }
      position = fetched.position;
      if (!(await queue.waitUntilBelow(options.resumeBelowBytes, signal))) break;
    }
    queue.end();
  } catch (error) {
    queue.end(signal.aborted ? {} : { error });
  }
}

/** Returns the delay after a failure, in milliseconds. @param failures the number of failures before that one. */
function retryDelay({ firstRetryMs }: FetchOptions, failures: number): number {
  return Math.min(firstRetryMs * 2 ** failures, LONGEST_RETRY_MS);
}

/** Sends the query, and retries it until a response contains rows or ends without an error. */
function fetchResponseWithRetry(
  fetching: Fetching,
  after: Position,
  minDelayMs: number,
  onRetry: (error: Error) => void,
): Promise<Fetched> {
  const { options, signal } = fetching;
  return retryFor(
    {
      forMs: options.retryTimeMs,
      minDelayMs,
      maxDelayMs: LONGEST_RETRY_MS,
      signal,
      shouldRetry: (error) => shouldRetry(fetching, error),
      onRetry,
    },
    () => fetchResponse(fetching, after),
  );
}

/** Whether to retry. If the table was altered, a retry doesn't help, because only the next run looks up the columns again. */
function shouldRetry({ options, signal }: Fetching, error: Error): boolean {
  if (signal.aborted || options.retryTimeMs === 0 || !(error instanceof ConnectorError)) return false;
  return error.failureType === 'transient_error' && !isSchemaChanged(error.cause);
}

function warnOfRetry({ source }: Fetching, error: Error, attempt: number): void {
  source.warn(describeRetry(error.message, attempt, 'reading continues after the last page'));
}

/** How a response ended: it was read to its end, closed because of a slow reader, or it broke off. */
type Fetched =
  | { end: 'complete' }
  | ({ end: 'reader-too-slow' } & Progress)
  | ({ end: 'broken'; error: Error } & Progress);

/** The position after the last row of a response, and whether the response filled a page. */
type Progress = { position: Position; hasFullPage: boolean };

/**
 * Puts the rows of one response into the queue.
 *
 * @throws ConnectorError when the response failed before its first row.
 */
async function fetchResponse(fetching: Fetching, after: Position): Promise<Fetched> {
  const { pool, source, options, signal } = fetching;
  // Some listeners only react to the abort event, not to a signal that is already aborted.
  signal.throwIfAborted();
  // The query also returns the rows with the row hash of the position. Of these rows, as many are dropped as were already read.
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
    if (cause instanceof SlowReaderError) return { end: 'reader-too-slow', ...sink.progress };
    const error = explainBrokenResponse(source, response.exception ?? cause);
    // Complete rows are valid, even if they don't fill a page. If they were dropped, and every response broke off before its
    // first full page, the read would never make progress.
    const rest = signal.aborted ? undefined : cutter.rest();
    if (rest !== undefined) sink.push(rest);
    if (!sink.hasPushed) throw error;
    return { end: 'broken', ...sink.progress, error };
  }
}

/**
 * Explains why a response broke off. An ECONNRESET is wrapped, because without TLS, it would otherwise be explained as a server
 * that does not speak HTTP.
 */
function explainBrokenResponse({ clickhouse }: RowSource, error: unknown): Error {
  return clickhouse.explainError(codeOf(error) === 'ECONNRESET' ? new CutOffError(error) : error);
}

/** The queue was full for too long, so the response is closed early. */
class SlowReaderError extends Error {}

/** Puts the pages of a response into the queue, each with its position. */
class QueueSink implements PageSink {
  readonly #fetching: Fetching;
  readonly #start: Position;
  #position: Position;
  #hasFullPage = false;

  constructor(fetching: Fetching, start: Position) {
    this.#fetching = fetching;
    this.#start = start;
    this.#position = start;
  }

  get progress(): Progress {
    return { position: this.#position, hasFullPage: this.#hasFullPage };
  }

  get hasPushed(): boolean {
    return this.#position !== this.#start;
  }

  push(page: Page): void {
    const { queue, source, options } = this.#fetching;
    if (page.bytes >= options.pageBytes) this.#hasFullPage = true;
    const positioned = addPosition(page, this.#position, source.selection.cursor.column.name);
    this.#position = positioned.position;
    queue.push(positioned);
  }

  waitForCapacity(): Promise<void> | undefined {
    const { queue, options, signal } = this.#fetching;
    // Not every stream reacts to the signal while it still has chunks to deliver.
    if (signal.aborted) return Promise.reject(signal.reason);
    if (queue.bytes < options.queueBytes) return undefined;
    return queue.waitUntilBelow(options.queueBytes, signal, options.maxPauseMs).then((inTime) => {
      if (!inTime) throw new SlowReaderError();
    });
  }
}
