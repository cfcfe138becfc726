import { Pool } from 'undici';
import { z } from 'zod';
import { findProxy } from '../../protocol/network/proxy.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { parseExact } from '../../shared/exact-json.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { destinationError } from '../errors.ts';
import type { Endpoint } from './endpoints.ts';
import { explainConnectionError } from './errors.ts';
import { maskValues } from './mask-values.ts';
import { createProxyConnector } from './proxy-connector.ts';
import { decodeBody } from './response-text.ts';
import { RetryableCallError } from './retryable-call-error.ts';

/**
 * How long one call may take from its first byte to the last of the answer, in milliseconds. Longer than the minute after
 * which most proxies give up: a call that is sent again while its answer is on the way arrives twice.
 */
const CALL_TIMEOUT_MS = 120_000;

/** Calls in flight at once. Two are enough to keep the pace of either endpoint, unless an answer takes seconds. */
export const MAX_CALLS_IN_FLIGHT = 8;

/** Said although it is the default: an environment variable of Node would else turn it off in silence. */
const CONNECTION = { rejectUnauthorized: true };

/** One problem in an accepted call. `bulk_index` counts the updates of the call from zero. */
export type PartialError = { bulkIndex: number; attribute: string | undefined; reason: string };

/** What Batch said to a call that reached it, and that trying again would not change. */
export type BatchResponse =
  | { kind: 'accepted'; errors: PartialError[] }
  /** Stored, as far as the status says, but what was left out of it can't be read. */
  | { kind: 'accepted_unreadable'; detail: string }
  /** Refused whole, because of something in it. */
  | { kind: 'refused'; reason: string };

const acceptedBody = z
  .looseObject({
    code: z.string().nullish(),
    errors: z
      .array(
        z.looseObject({
          bulk_index: z.int().min(0),
          attribute: z.string().nullish(),
          reason: z.string().nullish(),
        }),
      )
      .nullish(),
  })
  .refine(({ code, errors }) => code != null || errors != null);

/** The two codes of a success that are known. */
const successBody = z.looseObject({ code: z.enum(['SUCCESS', 'SUCCESS_WITH_PARTIAL_ERRORS']) });

const refusedBody = z.looseObject({
  error_code: z.union([z.string(), z.number()]),
  error_message: z.string().nullish(),
});

/** Characters that are kept of an answer in words. */
const MOST_WORDS = 2_000;

/** Statuses that say that something in the call is at fault; any other refusal would be the same for every row. */
const REFUSALS_OF_CONTENT = new Set([400, 413, 422]);

/**
 * Batch's profile API (docs/batch-api.md, 1 Calls and 3 Answers). It knows nothing of rows; what to retry and when is for
 * the caller.
 */
export class BatchApi {
  readonly #pool: Pool;
  /** The path up to the endpoint's own. */
  readonly #basePath: string;
  readonly #headers: Record<string, string>;
  readonly #address: string;

  constructor({
    api_url,
    api_version,
    rest_api_key,
    project_key,
  }: Pick<DestinationConfiguration, 'api_url' | 'api_version' | 'rest_api_key' | 'project_key'>) {
    const url = new URL(api_url);
    this.#address = url.origin;
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
   * @throws RetryableCallError when trying again may help; ConnectorError (config_error) when the key, the project or
   * the address is wrong.
   */
  async post({ path }: Pick<Endpoint, 'path'>, body: string, signal: AbortSignal): Promise<BatchResponse> {
    const fullPath = `${this.#basePath}/${path}`;
    let status: number;
    let text: string;
    let retryAfter: string | string[] | undefined;
    const timeout = new AbortController();
    // undici's own limits are for each part of an answer: one that trickles would never end.
    const timer = setTimeout(
      () => timeout.abort(new Error(`it gave no complete answer within ${CALL_TIMEOUT_MS / 1000} seconds`)),
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
      throw explainConnectionError(timeout.signal.aborted ? timeout.signal.reason : error, this.#address);
    } finally {
      clearTimeout(timer);
    }
    return this.#interpret(fullPath, { status, text, retryAfter }, body);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  /** @param body that was sent: what Batch quotes of it is not shown. */
  #interpret(
    path: string,
    { status, text, retryAfter }: { status: number; text: string; retryAfter: string | string[] | undefined },
    body: string,
  ): BatchResponse {
    if (REFUSALS_OF_CONTENT.has(status))
      return { kind: 'refused', reason: describeResponse(status, readMessage(text)) };
    if (status === 202) return parseAccepted(text);
    const said = describeResponse(status, maskValues(readMessage(text), tryParseExact(body)));
    if (status >= 200 && status < 300) {
      // 202 is what Batch documents; any other success may come from whatever else listens there.
      if (successBody.safeParse(parseJson(text)).success) return parseAccepted(text);
      throw destinationError(
        'batch_address_wrong',
        `${this.#address} answered with a success that is not Batch's (${said}). Something else listens there, or a proxy asks to sign in. Check api_url and the network.`,
      );
    }
    switch (status) {
      case 401:
        throw destinationError(
          'batch_key_refused',
          `Batch refused the REST API key for this project (${said}). The key or the project key is wrong, or they belong to different companies. Copy both anew from the dashboard: Settings → General.`,
        );
      case 403:
        throw destinationError(
          'batch_api_forbidden',
          `Batch forbids this call (${said}). The account may lack this API; ask Batch's support to open the profile API for the project.`,
        );
      case 404:
        throw destinationError(
          'batch_address_wrong',
          `${this.#address}${path} is not there (${said}). Check api_url, api_version and endpoint.`,
        );
      case 408:
      case 429:
        throw new RetryableCallError(`Batch asks to wait (${said})`, {
          outcomeUnknown: false,
          isRateLimit: status === 429,
          retryAfterMs: parseRetryAfter(retryAfter),
        });
    }
    if (status >= 500) {
      throw new RetryableCallError(`Batch has a fault or is under maintenance (${said})`, {
        // Under maintenance (503) Batch takes none. An unexpected error may come when some is stored, and a gateway answers
        // 502 and 504 when the server behind it did not.
        outcomeUnknown: status !== 503,
        retryAfterMs: parseRetryAfter(retryAfter),
      });
    }
    if (status >= 300 && status < 400) {
      throw destinationError(
        'batch_address_wrong',
        `${this.#address} redirects elsewhere (${said}), and the key is not sent after it. Check api_url.`,
      );
    }
    throw destinationError(
      'batch_call_refused',
      `Batch, or a proxy on the way, refuses this call whatever it holds (${said}). Check api_url, api_version and the rights of the account.`,
    );
  }
}

function parseAccepted(text: string): BatchResponse {
  const body = acceptedBody.safeParse(parseJson(text));
  const isUntold = body.data?.code === 'SUCCESS_WITH_PARTIAL_ERRORS' && !body.data.errors?.length;
  if (!body.success || isUntold)
    return { kind: 'accepted_unreadable', detail: redactForeign(text).slice(0, MOST_WORDS) };
  const errors = (body.data.errors ?? []).map((error) => ({
    bulkIndex: error.bulk_index,
    attribute: error.attribute == null ? undefined : redactForeign(error.attribute),
    reason: error.reason == null ? 'no reason given' : redactForeign(error.reason).slice(0, MOST_WORDS),
  }));
  return { kind: 'accepted', errors };
}

/** Code and message of an answer in Batch's words, or whatever else it says. */
function readMessage(text: string): string {
  const body = refusedBody.safeParse(parseJson(text));
  const words = body.success
    ? `${body.data.error_code}: ${body.data.error_message ?? 'no message'}`
    : text.replaceAll(/\s+/g, ' ');
  return redactForeign(words).slice(0, MOST_WORDS);
}

function describeResponse(status: number, words: string): string {
  return words === '' ? `HTTP ${status}` : `HTTP ${status}, ${words}`;
}

function tryParseExact(json: string): unknown {
  try {
    return parseExact(json);
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Retry-After in milliseconds from now: a number of seconds, or a date (RFC 9110, 10.2.3). */
function parseRetryAfter(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  return HTTP_DATE.test(value) ? Math.max(0, Date.parse(value) - Date.now()) : undefined;
}
