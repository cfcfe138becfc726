import type { Writable } from 'node:stream';
import { Signal } from '../shared/async.ts';
import { codeOf } from './errors.ts';
import { type Message, mapTexts } from './messages.ts';
import { redactMessage } from './secrets.ts';

/** Node's codes for a reader that went away. */
const READER_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/** The reader of our output went away (a closed pipe): there is nobody left to tell. */
export class OutputClosedError extends Error {
  constructor(cause: unknown) {
    super('The reader of the output has gone.', { cause });
    this.name = 'OutputClosedError';
  }
}

/**
 * Protocol messages to a stream, one a line. Each write resolves when the stream takes more, so that a slow reader
 * slows the writer instead of filling its memory: on Linux a piped stdout does not block by itself.
 */
export class MessageOutput {
  readonly #stream: Writable;
  #closed: OutputClosedError | undefined;
  #error: unknown;
  readonly #readerGone = new AbortController();
  /** One listener for all writes that wait: events.once would add one for each, and Node warns of more than ten. */
  readonly #drained = new Signal();

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error) => this.#close(error));
    stream.on('close', () => this.#close(undefined));
    stream.on('drain', () => this.#drained.notify());
  }

  /** Aborted when the reader has gone. That is noticed by a write alone. */
  get readerGone(): AbortSignal {
    return this.#readerGone.signal;
  }

  /** Why nothing can be written any more though its reader is there: the disk behind it is full, say. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * Writes a message, without the secrets in what people read of it; bytes are passed on as they are. Rejects with
   * OutputClosedError when the reader has gone.
   */
  write(message: Message): Promise<void> {
    return this.writeBytes(`${JSON.stringify(mapTexts(message, redactMessage))}\n`);
  }

  /** Writes lines that are messages already, each with its line end. */
  async writeBytes(lines: string | Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    if (this.#stream.write(lines)) return;
    await this.#drained.wait();
    if (this.#closed) throw this.#closed;
  }

  /** Writes lines as `writeBytes` does, but resolves only when their memory may be used again. */
  async writeOut(lines: Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(lines, (error) => (error ? reject(new OutputClosedError(error)) : resolve()));
    });
  }

  /** Resolves when the stream has taken all that was written, or is closed. */
  async flushed(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }

  #close(cause: unknown): void {
    if (this.#closed === undefined && !READER_GONE.has(codeOf(cause))) this.#error = cause;
    this.#closed ??= new OutputClosedError(cause);
    this.#drained.notify();
    this.#readerGone.abort();
  }
}
