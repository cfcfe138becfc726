import { promisify } from 'node:util';
import { brotliDecompress, inflate, unzip } from 'node:zlib';
import { Pool } from 'undici';
import { findProxy } from '../../protocol/network/proxy.ts';
import { createProxyConnector } from '../../protocol/network/proxy-connector.ts';
import { onAbort } from '../../shared/abort.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import type { Endpoint } from './endpoints.ts';
import { explainConnectionError } from './errors.ts';
import type { RequestLog } from './request-log.ts';
import { type BatchResponse, interpretResponse, type RawResponse } from './responses.ts';

/**
 * The maximum duration of a call, from its first byte to the last byte of the response, in milliseconds. It is longer
 * than the minute after which most proxies give up. With a shorter timeout, a call could be retried while its response
 * is still on the way, and its events would arrive twice.
 */
const CALL_TIMEOUT_MS = 120_000;

/**
 * The maximum number of concurrent calls. Two are enough to reach the rate limit, unless responses take several
 * seconds.
 */
export const MAX_CALLS_IN_FLIGHT = 8;

/**
 * Always checks the server's certificate. This is the default, but without an explicit setting,
 * NODE_TLS_REJECT_UNAUTHORIZED could silently turn off the check.
 */
const CONNECTION = { rejectUnauthorized: true };

/** The maximum length of a response after decompression, in bytes. A response has about 100 bytes for each update. */
const MAX_DECODED_BYTES = 32 * 1024 * 1024;

type Decoder = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', promisify(unzip)],
  ['x-gzip', promisify(unzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** Called after each request. `status` is undefined if no complete response arrived. */
type RequestListener = (status: number | undefined, milliseconds: number) => void;

/**
 * A client of Batch's profile API. See docs/batch-api.md, sections 1 ("Calls") and 3 ("Answers"). The caller decides
 * what to retry, and when.
 */
export class BatchApi {
  readonly #pool: Pool;
  /** The part of the path before the endpoint's path. */
  readonly #basePath: string;
  readonly #headers: Record<string, string>;
  readonly #origin: string;
  readonly #projectKey: string;
  readonly #onRequest: RequestListener;
  readonly #log: RequestLog | undefined;

  constructor(
    {
      api_url,
      api_version,
      rest_api_key,
      project_key,
    }: Pick<DestinationConfiguration, 'api_url' | 'api_version' | 'rest_api_key' | 'project_key'>,
    onRequest: RequestListener = () => {},
    log?: RequestLog,
  ) {
    this.#onRequest = onRequest;
    this.#log = log;
    const url = new URL(api_url);
    this.#origin = url.origin;
    this.#projectKey = project_key;
    this.#basePath = `${url.pathname.replace(/\/$/, '')}/${api_version}`;
    this.#headers = {
      authorization: `Bearer ${rest_api_key}`,
      'x-batch-project': project_key,
      'content-type': 'application/json',
    };
    const proxy = findProxy(url);
    this.#pool = new Pool(url.origin, {
      connections: MAX_CALLS_IN_FLIGHT,
      connect: proxy === undefined ? CONNECTION : createProxyConnector(proxy, CONNECTION),
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: CALL_TIMEOUT_MS,
    });
  }

  /**
   * Posts updates.
   *
   * @param body the JSON of an array of updates, in UTF-8.
   * @param attempt 1 for the first attempt to post these updates, 2 for the first retry.
   * @throws RetryableCallError if a retry may succeed.
   * @throws ConnectorError (config_error) if the key, the project or the address is wrong.
   */
  async post(
    { path: endpoint }: Pick<Endpoint, 'path'>,
    body: Buffer,
    signal: AbortSignal,
    attempt = 1,
  ): Promise<BatchResponse> {
    const path = `${this.#basePath}/${endpoint}`;
    const start = performance.now();
    const received = await this.#send(path, body, signal).catch((error: unknown) =>
      explainConnectionError(error, this.#origin),
    );
    const milliseconds = performance.now() - start;
    this.#onRequest(received instanceof Error ? undefined : received.status, milliseconds);
    const call = { origin: this.#origin, path, projectKey: this.#projectKey, body };
    const result = received instanceof Error ? received : interpretOrReturnError(received, call);
    if (this.#log !== undefined) await this.#log.add({ path, body, attempt, milliseconds, received, result });
    if (result instanceof Error) throw result;
    return result;
  }

  /** Sends a request and waits for its complete response. */
  async #send(path: string, body: Buffer, signal: AbortSignal): Promise<RawResponse> {
    // AbortSignal.any is not used, because Node 26 keeps all combined signals until a garbage collection, and checks all of them
    // whenever it creates another one.
    const cancel = new AbortController();
    const stopListening = onAbort(signal, () => cancel.abort(signal.reason));
    // undici limits only the time between two parts of a response, so a response that trickles in slowly could take
    // forever.
    const timer = setTimeout(
      () => cancel.abort(new Error(`the response was not complete within ${CALL_TIMEOUT_MS / 1000} seconds`)),
      CALL_TIMEOUT_MS,
    );
    try {
      const response = await this.#pool.request({
        method: 'POST',
        path,
        headers: this.#headers,
        body,
        signal: cancel.signal,
      });
      const text = await decodeBody(await response.body.bytes(), response.headers['content-encoding']);
      return { status: response.statusCode, text, retryAfter: response.headers['retry-after'] };
    } catch (error) {
      throw cancel.signal.aborted ? cancel.signal.reason : error;
    } finally {
      clearTimeout(timer);
      stopListening();
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
    await this.#log?.close();
  }
}

function interpretOrReturnError(...[response, call]: Parameters<typeof interpretResponse>): BatchResponse | Error {
  try {
    return interpretResponse(response, call);
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/**
 * Returns the text of a response. A proxy may compress a response although the request did not ask for it (RFC 9110,
 * section 12.5.3). If the response were not decompressed, its partial errors would be lost.
 */
async function decodeBody(body: Uint8Array, contentEncoding: string | string[] | undefined): Promise<string> {
  const encoding = String(contentEncoding ?? 'identity').toLowerCase();
  if (encoding === 'identity') return Buffer.from(body).toString();
  const decode = DECODERS.get(encoding);
  const text = await decode?.(body, { maxOutputLength: MAX_DECODED_BYTES }).catch(() => undefined);
  return text?.toString() ?? `(a response that is compressed with ${encoding} and can't be read)`;
}
