import { promisify } from 'node:util';
import { brotliDecompress, inflate, unzip } from 'node:zlib';
import { Pool } from 'undici';
import { findProxy } from '../../protocol/network/proxy.ts';
import { createProxyConnector } from '../../protocol/network/proxy-connector.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import type { Endpoint } from './endpoints.ts';
import { explainConnectionError } from './errors.ts';
import { type BatchResponse, interpretResponse } from './responses.ts';

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
  readonly #onRequest: RequestListener;

  constructor(
    {
      api_url,
      api_version,
      rest_api_key,
      project_key,
    }: Pick<DestinationConfiguration, 'api_url' | 'api_version' | 'rest_api_key' | 'project_key'>,
    onRequest: RequestListener = () => {},
  ) {
    this.#onRequest = onRequest;
    const url = new URL(api_url);
    this.#origin = url.origin;
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
   * @throws RetryableCallError if a retry may succeed.
   * @throws ConnectorError (config_error) if the key, the project or the address is wrong.
   */
  async post({ path }: Pick<Endpoint, 'path'>, body: Buffer, signal: AbortSignal): Promise<BatchResponse> {
    const fullPath = `${this.#basePath}/${path}`;
    let status: number;
    let completed: number | undefined;
    let text: string;
    let retryAfter: string | string[] | undefined;
    const timeout = new AbortController();
    const start = performance.now();
    // undici limits only the time between two parts of a response, so a response that trickles in slowly could take
    // forever.
    const timer = setTimeout(
      () => timeout.abort(new Error(`the response was not complete within ${CALL_TIMEOUT_MS / 1000} seconds`)),
      CALL_TIMEOUT_MS,
    );
    try {
      const response = await this.#pool.request({
        method: 'POST',
        path: fullPath,
        headers: this.#headers,
        body,
        signal: AbortSignal.any([signal, timeout.signal]),
      });
      status = response.statusCode;
      retryAfter = response.headers['retry-after'];
      text = await decodeBody(await response.body.bytes(), response.headers['content-encoding']);
      completed = status;
    } catch (error) {
      throw explainConnectionError(timeout.signal.aborted ? timeout.signal.reason : error, this.#origin);
    } finally {
      clearTimeout(timer);
      this.#onRequest(completed, performance.now() - start);
    }
    return interpretResponse({ status, text, retryAfter }, { origin: this.#origin, path: fullPath, body });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
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
