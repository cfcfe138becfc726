import { promisify } from 'node:util';
import { brotliDecompress, inflate, unzip } from 'node:zlib';
import { buildConnector, Pool } from 'undici';
import { findProxy, type HttpProxy } from '../../protocol/network/proxy.ts';
import { connectThroughProxy } from '../../protocol/network/proxy-tunnel.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import type { Endpoint } from './endpoints.ts';
import { explainConnectionError } from './errors.ts';
import { type BatchResponse, interpretResponse } from './responses.ts';

/**
 * The longest duration of a call, from its first byte to the last of the response, in milliseconds. It is longer than the
 * minute after which most proxies give up: a call that is retried while its response is on the way arrives twice.
 */
const CALL_TIMEOUT_MS = 120_000;

/** The maximum number of concurrent calls. Two reach the rate limit of either endpoint, unless responses take seconds. */
export const MAX_CALLS_IN_FLIGHT = 8;

/** Set although it is the default: otherwise NODE_TLS_REJECT_UNAUTHORIZED could silently turn it off. */
const CONNECTION = { rejectUnauthorized: true };

/** The maximum length of a response after decompression, in bytes. Batch's have about 100 bytes for each update. */
const MAX_DECODED_BYTES = 32 * 1024 * 1024;

type Decoder = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ['gzip', promisify(unzip)],
  ['x-gzip', promisify(unzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/**
 * The client of Batch's profile API (docs/batch-api.md, 1 Calls and 3 Answers). The caller decides what to retry, and when.
 */
export class BatchApi {
  readonly #pool: Pool;
  /** The path before that of the endpoint. */
  readonly #basePath: string;
  readonly #headers: Record<string, string>;
  readonly #origin: string;

  constructor({
    api_url,
    api_version,
    rest_api_key,
    project_key,
  }: Pick<DestinationConfiguration, 'api_url' | 'api_version' | 'rest_api_key' | 'project_key'>) {
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
   * Posts updates, given as the JSON text of an array.
   *
   * @throws RetryableCallError when a retry may succeed; ConnectorError (config_error) when the key, the project or
   * the address is wrong.
   */
  async post({ path }: Pick<Endpoint, 'path'>, body: string, signal: AbortSignal): Promise<BatchResponse> {
    const fullPath = `${this.#basePath}/${path}`;
    let status: number;
    let text: string;
    let retryAfter: string | string[] | undefined;
    const timeout = new AbortController();
    // undici limits the time between two parts of a response, so a slow trickle would never end.
    const timer = setTimeout(
      () => timeout.abort(new Error(`it returned no complete response within ${CALL_TIMEOUT_MS / 1000} seconds`)),
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
    } catch (error) {
      throw explainConnectionError(timeout.signal.aborted ? timeout.signal.reason : error, this.#origin);
    } finally {
      clearTimeout(timer);
    }
    return interpretResponse({ status, text, retryAfter }, { origin: this.#origin, path: fullPath, body });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/**
 * Connections to Batch through a proxy, for undici. Its own EnvHttpProxyAgent reports neither the variable that names the
 * proxy nor what the proxy refused, and it would send requests for this machine, with the key, through the proxy.
 */
function createProxyConnector(proxy: HttpProxy, options: buildConnector.BuildOptions): buildConnector.connector {
  const startTls = buildConnector(options);
  return (target, done) => {
    connectThroughProxy(proxy, target.hostname, Number(target.port || 443)).then(
      (httpSocket) => startTls({ ...target, httpSocket }, done),
      (error: Error) => done(error, null),
    );
  };
}

/**
 * The text of a response. A proxy may compress it unasked (RFC 9110, 12.5.3), and its partial errors must not be lost.
 */
async function decodeBody(body: Uint8Array, contentEncoding: string | string[] | undefined): Promise<string> {
  const encoding = String(contentEncoding ?? 'identity').toLowerCase();
  if (encoding === 'identity') return Buffer.from(body).toString();
  const decode = DECODERS.get(encoding);
  const text = await decode?.(body, { maxOutputLength: MAX_DECODED_BYTES }).catch(() => undefined);
  return text?.toString() ?? `(a response that is compressed with ${encoding} and can't be read)`;
}
