import type { Writable } from 'node:stream';
import { Signal } from '../shared/async.ts';
import { codeOf } from './errors.ts';
import { type Message, mapTexts } from './messages.ts';
import { redactMessage } from './secrets.ts';

/** Node's error codes for a write to a pipe whose reader has closed it. */
const READER_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/** Thrown when nothing more can be written, usually because the reader has closed the pipe. */
export class OutputClosedError extends Error {
  constructor(cause: unknown) {
    super('The reader of the output is gone.', { cause });
    this.name = 'OutputClosedError';
  }
}

/**
 * Writes protocol messages to a stream, one per line, with backpressure: each write resolves when the stream accepts more, so
 * that a slow reader slows the writer down. Otherwise unread output would fill the memory of the writer, because a piped stdout
 * doesn't block on Linux.
 */
export class MessageOutput {
  readonly #stream: Writable;
  #closed: OutputClosedError | undefined;
  #error: unknown;
  readonly #readerGone = new AbortController();
  /** Wakes all waiting writes with one listener. events.once would add a listener per write, and Node warns of more than ten. */
  readonly #drained = new Signal();

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error) => this.#close(error));
    stream.on('close', () => this.#close(undefined));
    stream.on('drain', () => this.#drained.notify());
  }

  /** Aborted when nothing more can be written, usually because the reader has closed the pipe. Only a write can detect this. */
  get readerGone(): AbortSignal {
    return this.#readerGone.signal;
  }

  /** The error that made writing impossible, such as a full disk. A reader that closes the pipe does not set it. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * Writes a message. Secrets are masked in the texts that are written for people. Rejects with OutputClosedError when nothing
   * more can be written.
   */
  write(message: Message): Promise<void> {
    return this.writeBytes(`${JSON.stringify(mapTexts(message, redactMessage))}\n`);
  }

  /** Writes complete lines unchanged, such as messages in JSON. Each line includes its line feed. */
  async writeBytes(lines: string | Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    if (this.#stream.write(lines)) return;
    await this.#drained.wait();
    if (this.#closed) throw this.#closed;
  }

  /** Writes lines as `writeBytes` does, but resolves only when their memory can be reused. */
  async writeOut(lines: Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(lines, (error) => (error ? reject(new OutputClosedError(error)) : resolve()));
    });
  }

  /** Resolves when the stream has written everything, or is closed. */
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
