import { describeSystemError } from '../../protocol/errors.ts';
import { explainFileError } from '../../protocol/file-errors.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { tryParseJson } from '../../shared/exact-json.ts';
import { destinationError } from '../errors.ts';
import { LineFile } from './line-file.ts';
import type { BatchResponse, RawResponse } from './responses.ts';

/** Which requests are logged: those with an error, the first ones of the run, or all. */
export type RequestLogMode = { kind: 'errors' } | { kind: 'first'; requests: number } | { kind: 'all' };

export type RequestLogOptions = { path: string; mode: RequestLogMode };

/** A request and its result. */
export type SentRequest = {
  /** The path in the URL. */
  path: string;
  /** The JSON of the updates, in UTF-8. */
  body: Buffer;
  /** 1 for the first attempt. */
  attempt: number;
  /** How long the call took, from before it was sent until its response was complete or it failed. */
  milliseconds: number;
  /** The response as it arrived, or why no complete response arrived. */
  received: RawResponse | Error;
  result: BatchResponse | Error;
};

/** The maximum number of characters that are kept of a response that is not JSON, such as the error page of a proxy. */
const MAX_TEXT_CHARACTERS = 10_000;

/**
 * Appends requests and their responses to a file, one JSON object per line. The file never contains the headers of a request,
 * because they include the key.
 */
export class RequestLog {
  readonly #file: LineFile;
  readonly #options: RequestLogOptions;
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  #requests = 0;
  /** True after a failure to write, and after the log was closed. */
  #hasEnded = false;

  private constructor(file: LineFile, options: RequestLogOptions, now: () => number, warn: (message: string) => void) {
    this.#file = file;
    this.#options = options;
    this.#now = now;
    this.#warn = warn;
  }

  /**
   * Opens the file. It is created if it doesn't exist, readable only by its owner.
   *
   * @param now milliseconds since the epoch.
   * @param warn called at most once, if the file can't be written later.
   * @throws ConnectorError (config_error) if the file can't be written.
   */
  static async open(
    options: RequestLogOptions,
    now: () => number,
    warn: (message: string) => void,
  ): Promise<RequestLog> {
    try {
      return new RequestLog(await LineFile.open(options.path, 'a+'), options, now, warn);
    } catch (cause) {
      throw destinationError(
        'request_log_unwritable',
        `Can't write the request log ${options.path}: ${explainFileError(options.path, cause, 'Choose a file in a folder that you can write to, or leave out --request-log')}.`,
        { cause },
      );
    }
  }

  /** Logs a request, if the mode includes it. Resolves when the request is written. A failure only causes a warning. */
  async add(request: SentRequest): Promise<void> {
    if (this.#hasEnded || !this.#includes(request)) return;
    this.#requests += 1;
    const { body } = request;
    try {
      await this.#file.append(Buffer.from(this.#formatHead(request)), body, Buffer.from('}'));
    } catch (error) {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      this.#warn(
        `Can't write the request log ${this.#options.path}: ${describeSystemError(error)}. No further requests of this run are logged. The rows are still sent.`,
      );
    }
  }

  close(): Promise<void> {
    this.#hasEnded = true;
    return this.#file.close();
  }

  #includes({ result }: SentRequest): boolean {
    const { mode } = this.#options;
    switch (mode.kind) {
      case 'all':
        return true;
      case 'first':
        return this.#requests < mode.requests;
      case 'errors':
        return result instanceof Error || result.kind !== 'accepted' || result.errors.length > 0;
    }
  }

  /**
   * Formats the line up to the body. The body is copied unchanged, because its numbers may have more digits than JavaScript can
   * hold.
   */
  #formatHead({ path, attempt, milliseconds, received }: SentRequest): string {
    const head = {
      at: new Date(this.#now() - milliseconds).toISOString(),
      path,
      attempt,
      milliseconds: Math.round(milliseconds),
      ...(received instanceof Error
        ? { status: null, error: received.message }
        : { status: received.status, response: formatResponse(received.text) }),
    };
    return `${JSON.stringify(head).slice(0, -1)},"body":`;
  }
}

/** Returns the JSON of a response, or its text if it is not JSON. Masks secrets, because a server may repeat the key. */
function formatResponse(text: string): unknown {
  const masked = redactForeign(text);
  return tryParseJson(masked) ?? masked.slice(0, MAX_TEXT_CHARACTERS);
}
