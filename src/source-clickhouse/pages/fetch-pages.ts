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

/** What the rows of a stream are asked for with. */
export type RowSource = {
  clickhouse: Pick<ClickHouse, 'bytes' | 'explainError'>;
  selection: RowSelection;
  /** At most so many rows behind a position are asked for: a sort that may leave the others out is quicker. */
  maxRows: number;
  /** When the messages say that the rows were emitted, in milliseconds since the epoch. */
  emittedAt: number;
  /** Is told of errors that are not the end. */
  warn: (message: string) => void;
};

export type FetchOptions = {
  pageBytes: number;
  /** Room behind a page for the chunk that fills it and a row that it leaves unfinished; also see `ResponseWritable`. */
  readAheadBytes: number;
  queueBytes: number;
  resumeBelowBytes: number;
  maxPauseMs: number;
  /** How long a transient error is met by asking again (0: not at all), and the first wait before that. */
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
  /** Aborted when nobody takes pages any more. */
  signal: AbortSignal;
};

/** Puts all rows after a position into the queue, with as many responses as it takes, and ends the queue. */
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

/** Retries while nothing comes of a response. */
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

/** A changed table passes with the next run, which looks at it anew, and not by asking again. */
function shouldRetry({ options, signal }: Fetching, error: Error): boolean {
  if (signal.aborted || options.retryTimeMs === 0 || !(error instanceof ConnectorError)) return false;
  return error.failureType === 'transient_error' && !isSchemaChanged(error.cause);
}

function warnOfRetry({ source }: Fetching, error: Error): void {
  source.warn(`${error.message} Asking again for the rows behind the last page.`);
}

/** What came of a response: all of it, or what came until it was left, or until it broke off. */
type Fetched =
  | { end: 'complete' }
  | { end: 'left'; position: Position }
  | { end: 'broken'; position: Position; error: Error };

/**
 * Puts the rows of one response into the queue.
 *
 * @throws ConnectorError when it broke off before its first row.
 */
async function fetchResponse(fetching: Fetching, after: Position): Promise<Fetched> {
  const { pool, source, options, signal } = fetching;
  // A signal that aborted before is not heard by what only listens for the event.
  signal.throwIfAborted();
  // The last row of a position comes once more, as often as it was read.
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
    // What came whole is right, however little: were it asked for again, answers that are always cut before they fill a
    // page would lead nowhere.
    const rest = signal.aborted ? undefined : cutter.rest();
    if (rest !== undefined) sink.push(rest);
    if (sink.isEmpty) throw error;
    return { end: 'broken', position: sink.position, error };
  }
}

/** Of a connection that is reset before an answer it is said that another protocol may be spoken there. */
function explainBrokenResponse({ clickhouse }: RowSource, error: unknown): Error {
  return clickhouse.explainError(codeOf(error) === 'ECONNRESET' ? new CutOffError(error) : error);
}

/** Nobody made room in the queue for more of a response. */
class SlowReaderError extends Error {}

/** Takes the pages of a response into the queue, each with its position. */
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
    // Not every answer hears the signal while chunks come one after the other.
    if (signal.aborted) return Promise.reject(signal.reason);
    if (queue.bytes < options.queueBytes) return undefined;
    return queue.waitBelow(options.queueBytes, signal, options.maxPauseMs).then((inTime) => {
      if (!inTime) throw new SlowReaderError();
    });
  }
}
