import { finished, type Readable, Writable } from 'node:stream';
import { finished as whenFinished } from 'node:stream/promises';
import { ClickHouseError, parseError } from '@clickhouse/client';
import { CutOffError, UnreadableResponseError } from '../errors/response-errors.ts';
import { startsAsRow } from '../query/record-line.ts';
import { NotARowError, type Page, type PageCutter } from './page-cutter.ts';

/** The maximum number of bytes of an exception that are used. Few exceptions are longer, and they are only used for a message. */
const LONGEST_EXCEPTION_BYTES = 16 * 1024;

type Done = (error?: Error | null) => void;

/** Where the pages of a response go. */
export type PageSink = {
  push: (page: Page) => void;
  /**
   * Returns undefined if there is capacity. Otherwise returns a promise, which resolves once there is capacity, or rejects if
   * the response should be closed.
   */
  waitForCapacity: () => Promise<void> | undefined;
};

/**
 * Cuts the bytes of a response into pages for a sink. It is a Writable, because piping handles each chunk in the call that
 * delivers it, which costs Node a third less than a loop over the stream.
 */
export class ResponseWritable extends Writable {
  readonly #cutter: PageCutter;
  readonly #sink: PageSink;
  /** The first line that is not a row, and all bytes after it; undefined while all lines are rows. */
  #rest: Buffer[] | undefined;
  #restBytes = 0;

  /**
   * @param readAheadBytes how many bytes to accept while the sink has no capacity. If this is less than a chunk, each chunk
   *   pauses the response.
   */
  constructor(cutter: PageCutter, sink: PageSink, readAheadBytes: number) {
    super({ highWaterMark: readAheadBytes });
    this.#cutter = cutter;
    this.#sink = sink;
  }

  /**
   * The error for the bytes from the first line that is not a row: an exception of the server, a row that was cut off, or an
   * unreadable response. Undefined while all lines are rows.
   */
  get exception(): Error | undefined {
    if (this.#rest === undefined) return undefined;
    const rest = Buffer.concat(this.#rest).toString('utf8', 0, LONGEST_EXCEPTION_BYTES);
    const exception = parseException(rest);
    if (exception !== undefined) return exception;
    return startsAsRow(rest) ? new CutOffError() : new UnreadableResponseError(this.#restBytes);
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Done): void {
    if (this.#rest !== undefined) this.#collectRest(chunk);
    else if (!this.#pushPage(() => this.#cutter.push(chunk), done)) return;
    if (this.#restBytes > LONGEST_EXCEPTION_BYTES) {
      done(this.exception);
      return;
    }
    const capacity = this.#sink.waitForCapacity();
    if (capacity === undefined) done();
    else capacity.then(() => done(), done);
  }

  override _final(done: Done): void {
    if (this.#rest === undefined && !this.#pushPage(() => this.#cutter.end(), done)) return;
    done(this.exception);
  }

  /**
   * Pushes a page, if there is one. Collects the bytes from the first line that is not a row. After any other error, passes the
   * error to `done` and returns false.
   */
  #pushPage(cut: () => Page | undefined, done: Done): boolean {
    try {
      const page = cut();
      if (page !== undefined) this.#sink.push(page);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!(error instanceof NotARowError)) {
        done(error);
        return false;
      }
      this.#collectRest(error.rest);
    }
    return true;
  }

  #collectRest(bytes: Buffer): void {
    this.#rest = [...(this.#rest ?? []), bytes];
    this.#restBytes += bytes.length;
  }
}

/**
 * Pipes a response to its end. If the response breaks off, the promise rejects once all received bytes have been written.
 * Node's `pipeline` is not used, because a server that sends an error closes the connection right after it. `pipeline` would
 * then drop the chunks that wait for capacity, including the error.
 */
export async function pipeResponse(stream: Readable, response: ResponseWritable): Promise<void> {
  let streamError: unknown;
  finished(stream, (error) => {
    if (error == null) return;
    streamError = error;
    if (response.destroyed) return;
    for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) response.write(chunk);
    response.end();
  });
  stream.pipe(response);
  try {
    await whenFinished(response);
  } finally {
    stream.destroy();
  }
  if (streamError !== undefined) throw streamError;
}

/** Matches what precedes an exception: a marker in ClickHouse 25.11 and later, the start of a JSON object in 23.9 to 25.10. */
const MARK = /^\s*(?:__exception__\s+\w+\s+|\{"exception": ")?(?=Code: \d+\. DB::Exception: )/;

/** Matches an exception, complete or cut off. */
const EXCEPTION = /^Code: (\d+)\. DB::Exception: (.*)$/s;

/** Matches a complete exception at the end of a string, with the end of the marker or of the JSON object after it. */
const AT_END =
  /Code: \d+\. DB::Exception: (?:(?!Code: \d+\. DB::Exception: ).)*\([A-Z_\d]+\)(?: \(version [^()]*(?:\([^()]*\))?\))?(?:"\}|\\n"\})?\s*(?:\d+ \w+\s+__exception__\s*)?$/s;

/**
 * Finds an exception at the start of bytes that are not a row, or at their end, after a row that was cut off. It doesn't search
 * in between: a row may contain text that looks like an exception, and messages must not contain the content of rows.
 */
function parseException(rest: string): ClickHouseError | undefined {
  const [mark] = MARK.exec(rest) ?? [];
  const [text = ''] = (mark === undefined ? AT_END : EXCEPTION).exec(rest.slice(mark?.length ?? 0)) ?? [];
  const error = parseError(text);
  if (error instanceof ClickHouseError) return error;
  const [, code, message] = EXCEPTION.exec(text) ?? [];
  return code === undefined || message === undefined ? undefined : new ClickHouseError({ code, message });
}
