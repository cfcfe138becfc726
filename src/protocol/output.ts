import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Message } from './messages.ts';

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
  #redact: (text: string) => string = (text) => text;
  #closed: OutputClosedError | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#closed = new OutputClosedError(error);
    });
  }

  /** From now on every text in a message goes through `redact`. What is written as bytes is passed on as it is. */
  redactWith(redact: (text: string) => string): void {
    this.#redact = redact;
  }

  /** Writes a message; texts in it are masked first. Rejects with OutputClosedError when the reader has gone. */
  write(message: Message): Promise<void> {
    return this.writeBytes(`${JSON.stringify(message, (_, value: unknown) => this.#masked(value))}\n`);
  }

  /** Writes lines that are messages already, each with its line end. */
  async writeBytes(lines: string | Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    if (this.#stream.write(lines)) return;
    try {
      await once(this.#stream, 'drain');
    } catch (error) {
      throw new OutputClosedError(error);
    }
  }

  /** Resolves when the stream has taken all that was written, or is closed. */
  async flushed(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }

  #masked(value: unknown): unknown {
    return typeof value === 'string' ? this.#redact(value) : value;
  }
}
