import { finished, type Readable, Writable } from 'node:stream';
import { finished as whenFinished } from 'node:stream/promises';
import { ClickHouseError, parseError } from '@clickhouse/client';
import { CutOffError, UnreadableResponseError } from '../errors/response-errors.ts';
import { startsAsRow } from '../query/record-line.ts';
import { NotARowError, type Page, type PageCutter } from './page-cutter.ts';

/** How much of an exception in mid-stream is read: its text is seldom longer, and is only to be shown. */
const LONGEST_EXCEPTION_BYTES = 16 * 1024;

type Done = (error?: Error | null) => void;

/** Where the pages of an answer go. */
export type PageSink = {
  push: (page: Page) => void;
  /** Undefined when there is room for more, else resolves when there is, and rejects when the answer is to be left. */
  waitForCapacity: () => Promise<void> | undefined;
};

/**
 * Takes the bytes of an answer and gives them on as pages. It is a stream to pipe into rather than a loop over one, as
 * it takes a chunk in the call that brings it, which costs Node a third less.
 */
export class ResponseWritable extends Writable {
  readonly #cutter: PageCutter;
  readonly #sink: PageSink;
  /** From the first byte on that is no row: what the server says in its place. */
  #rest: Buffer[] | undefined;
  #restBytes = 0;

  /** @param readAheadBytes what is taken while there is no room. If it is less than a chunk, each one pauses the answer. */
  constructor(cutter: PageCutter, sink: PageSink, readAheadBytes: number) {
    super({ highWaterMark: readAheadBytes });
    this.#cutter = cutter;
    this.#sink = sink;
  }

  /** The exception that the server wrote where a row should be; it breaks the connection behind it. */
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

  /** False when it failed, and that was told. */
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
 * Pipes an answer to its end. Rejects when it broke off, but takes what came before that: the server says why and then
 * breaks the connection, and `pipeline` would drop the chunks that wait for room, its words among them.
 */
export async function pipeResponse(stream: Readable, response: ResponseWritable): Promise<void> {
  let failure: unknown;
  finished(stream, (error) => {
    if (error == null) return;
    failure = error;
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
  if (failure !== undefined) throw failure;
}

/** What stands before an exception: a mark in 25.11 and later, the beginning of an object in 23.9 to 25.10. */
const MARK = /^\s*(?:__exception__\s+\w+\s+|\{"exception": ")?(?=Code: \d+\. DB::Exception: )/;

/** An exception, whole or cut. */
const EXCEPTION = /^Code: (\d+)\. DB::Exception: (.*)$/s;

/** A whole exception at the end of a text, and behind it the end of the mark or object. */
const AT_END =
  /Code: \d+\. DB::Exception: (?:(?!Code: \d+\. DB::Exception: ).)*\([A-Z_\d]+\)(?: \(version [^()]*(?:\([^()]*\))?\))?(?:"\}|\\n"\})?\s*(?:\d+ \w+\s+__exception__\s*)?$/s;

/**
 * The exception in what came where a row should be: at its beginning, or at its end, behind a row that was cut off.
 * Nowhere else, as a row may hold words like those of an exception, and what it holds is not for a message.
 */
function parseException(rest: string): ClickHouseError | undefined {
  const [mark] = MARK.exec(rest) ?? [];
  const [text = ''] = (mark === undefined ? AT_END : EXCEPTION).exec(rest.slice(mark?.length ?? 0)) ?? [];
  const error = parseError(text);
  if (error instanceof ClickHouseError) return error;
  const [, code, message] = EXCEPTION.exec(text) ?? [];
  return code === undefined || message === undefined ? undefined : new ClickHouseError({ code, message });
}
