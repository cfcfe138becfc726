import { randomUUID } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  createClient,
  parseError,
} from '@clickhouse/client';
import { z } from 'zod';
import { ConnectorError } from '../../protocol/errors.ts';
import { findProxy, formatAddress, type HttpProxy } from '../../protocol/network/proxy.ts';
import { explainProxyStatus } from '../../protocol/network/proxy-tunnel.ts';
import { onAbort } from '../../shared/abort.ts';
import { tryParseJson } from '../../shared/exact-json.ts';
import { SOURCE_PROGRAM } from '../../shared/package.ts';
import { retryFor } from '../../shared/retry.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { explainClickHouseError, mayBeWakingUp } from '../errors/explain.ts';
import { GatewayError, NotClickHouseError, ProxyRefusalError } from '../errors/response-errors.ts';
import { createHttpAgent } from './http-agent.ts';
import { mayBeRunning, QueryCanceller } from './kill-query.ts';
import {
  isRefusedByQueryCache,
  NO_QUERY_CACHE,
  NO_SETTINGS,
  type QueryRows,
  type QuerySettings,
  readQuerySettings,
} from './query-settings.ts';
import { refuseOldError } from './server-version.ts';
import { SshTunnel } from './ssh-tunnel.ts';

/**
 * How long to wait for a silent server, in milliseconds. An idle ClickHouse Cloud service takes up to a minute to wake up,
 * and a sort returns no row before its end: see PROGRESS_SETTINGS.
 */
const SILENCE_MS = 300_000;

/**
 * The maximum length of a response's headers, in bytes, instead of Node's 16 KiB. A header with the progress of a query has
 * about 130 bytes, and a server whose profile turns these headers on sends ten a second.
 */
const MAX_HEADER_BYTES = 1024 * 1024;

/** How long a query for a small result is retried, in milliseconds: a ClickHouse Cloud service takes up to a minute to wake up. */
const RETRY_MS = 60_000;

/** The first and the longest delay between attempts. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

/** How long to wait for a result after the signal to stop, in milliseconds: less than orchestrators wait before SIGKILL. */
const SHUTDOWN_GRACE_MS = 5_000;

/** A proxy's statuses for a server that is not up yet: Bad Gateway, Service Unavailable, Gateway Timeout. */
const GATEWAY_STATUSES = [502, 503, 504];

/** The statuses of a proxy that refuses a query: Unauthorized, Forbidden, Too Many Requests. */
const REFUSAL_STATUSES = [401, 403, 429];

/** The beginning of an error, before its message. */
const EXCEPTION_START = /^Code: \d+\. DB::Exception: /;

/** The header with the number of the error. Every supported version sends it. */
const EXCEPTION_CODE_HEADER = 'x-clickhouse-exception-code';

export type QueryParameters = Record<string, string | number>;

/** What a connection takes from the command that runs it. */
export type ClientOptions = {
  /** Aborted to stop the command: nothing is retried after that. */
  stop: AbortSignal;
  /** Receives warnings. */
  warn: (message: string) => void;
  /**
   * Which errors to retry: "wake-up" those of a server that is waking up, "transient" also those of a server that can't be
   * reached. The first is for a configuration whose host and port may still be wrong.
   */
  retryOn: 'wake-up' | 'transient';
  /** How long to retry, and the first delay, in milliseconds. */
  retryTimeMs: number;
  firstRetryMs: number;
  /** How long to wait for a result after `stop` is aborted, in milliseconds. */
  shutdownGraceMs: number;
  /** How long to wait for a silent server, in milliseconds. */
  silenceMs: number;
};

const DEFAULT_OPTIONS: ClientOptions = {
  stop: new AbortController().signal,
  warn: () => {},
  retryOn: 'transient',
  retryTimeMs: RETRY_MS,
  firstRetryMs: FIRST_RETRY_MS,
  shutdownGraceMs: SHUTDOWN_GRACE_MS,
  silenceMs: SILENCE_MS,
};

/** A connection to ClickHouse over HTTP. Its methods only throw a ConnectorError, with advice. */
export class ClickHouse {
  readonly #client: ClickHouseClient;
  readonly #tunnel: SshTunnel | undefined;
  /** The proxy that forwards our requests, and may answer them itself. Over HTTPS it can't. */
  readonly #forwarder: HttpProxy | undefined;
  readonly #configuration: SourceConfiguration;
  readonly #options: ClientOptions;
  readonly #canceller: QueryCanceller;
  #settings: QuerySettings | undefined;

  constructor(configuration: SourceConfiguration, options: Partial<ClientOptions> = {}) {
    this.#configuration = configuration;
    this.#options = { ...DEFAULT_OPTIONS, ...options };
    const { ssl, tunnel_method } = configuration;
    const url = buildUrl(configuration);
    this.#tunnel =
      tunnel_method === undefined || tunnel_method.tunnel_method === 'NO_TUNNEL'
        ? undefined
        : new SshTunnel(tunnel_method, this.#options.warn);
    const proxy = findConfiguredProxy(configuration);
    this.#forwarder = ssl ? undefined : proxy;
    this.#client = createClient({
      url,
      ...buildCredentials(configuration),
      request_timeout: this.#options.silenceMs,
      max_response_headers_size: MAX_HEADER_BYTES,
      // Every user may send it. A comment in the query would be lost when its parameters are substituted.
      application: SOURCE_PROGRAM,
      // It pools the connections; the client still limits how long one may be idle.
      http_agent: createHttpAgent(configuration, this.#tunnel, proxy),
      // Its advice is for programmers. This connector has its own messages for users.
      log: { level: ClickHouseLogLevel.OFF },
    });
    this.#canceller = new QueryCanceller(this.#client, (error) =>
      this.#options.warn(
        `An abandoned query could not be cancelled on the server, and may still run there. ${this.explainError(error).message}`,
      ),
    );
  }

  /** The rows of a small result, checked against a schema. Retries while the server wakes up. */
  async rows<T extends z.ZodType>(query: string, parameters: QueryParameters, row: T): Promise<z.output<T>[]> {
    const { stop, warn, retryTimeMs, firstRetryMs, shutdownGraceMs } = this.#options;
    const grace = abortLater(stop, shutdownGraceMs);
    const attempt = async (): Promise<z.output<T>[]> => {
      try {
        const settings = await this.#querySettings(grace.signal);
        return await this.#queryRows(query, parameters, row, settings, grace.signal);
      } catch (error) {
        throw grace.signal.aborted ? this.#explainNoResponse() : explainClickHouseError(error, this.#configuration);
      }
    };
    try {
      return await retryFor(
        {
          forMs: retryTimeMs,
          minDelayMs: firstRetryMs,
          maxDelayMs: LONGEST_RETRY_MS,
          signal: stop,
          shouldRetry: (error) => this.#isRetryable(error),
          onRetry: (error) => warn(`${error.message} Retrying.`),
        },
        attempt,
      );
    } finally {
      grace.cancel();
    }
  }

  /** The bytes of a result, in the FORMAT of the query. `signal` cancels the request. */
  async bytes(query: string, parameters: QueryParameters, signal: AbortSignal): Promise<Readable> {
    try {
      const settings = await this.#querySettings(signal);
      signal.throwIfAborted();
      // The client only listens to the signal until the response begins.
      return addAbortSignal(signal, await this.#query(query, parameters, settings, signal));
    } catch (error) {
      throw explainClickHouseError(error, this.#configuration);
    }
  }

  /** An error that occurred while a body arrived, as a ConnectorError. */
  explainError(error: unknown): Error {
    return explainClickHouseError(error, this.#configuration);
  }

  /** Closes all connections, and cuts off responses in progress. */
  async close(): Promise<void> {
    await this.#canceller.finish();
    await this.#client.close();
    await this.#tunnel?.close();
  }

  /** Looked up once, before the first query; again only if that fails. */
  async #querySettings(signal: AbortSignal): Promise<QuerySettings> {
    this.#settings ??= await this.#readSettings(signal);
    return this.#settings;
  }

  async #readSettings(signal: AbortSignal): Promise<QuerySettings> {
    const readWith = async (sent: QuerySettings): Promise<QuerySettings> => {
      const queryRows: QueryRows = (query, row) => this.#queryRows(query, {}, row, sent, signal);
      const found = await readQuerySettings(queryRows, this.#configuration);
      // What was sent must not be taken for a setting of the profile.
      return { ...found, settings: { ...sent.settings, ...found.settings } };
    };
    try {
      return await readWith(NO_SETTINGS);
    } catch (error) {
      if (!isRefusedByQueryCache(error)) throw error;
      // A user who may change no setting is refused this one, too: the first error has the advice.
      return await readWith(NO_QUERY_CACHE).catch(() => Promise.reject(error));
    }
  }

  async #queryRows<T extends z.ZodType>(
    query: string,
    parameters: QueryParameters,
    row: T,
    settings: QuerySettings,
    signal: AbortSignal,
  ): Promise<z.output<T>[]> {
    // Not JSONEachRow, because a setting can turn it into an array.
    const body = await this.#query(`${query} \nFORMAT JSON`, parameters, settings, signal);
    const result = await text(addAbortSignal(signal, body));
    const parsed = z.object({ data: z.array(row), exception: z.string().optional() }).safeParse(tryParseJson(result));
    if (!parsed.success) {
      const error = parseError(result);
      throw error instanceof ClickHouseError ? error : new NotClickHouseError(200, this.#isClickHouse);
    }
    const { data, exception } = parsed.data;
    // A query that fails after its first rows may return complete JSON that contains the error
    // (http_write_exception_in_output_format, which is on in 23.9 to 25.10).
    if (exception !== undefined) throw parseError(exception);
    return data;
  }

  /** The body of the server's response. If it is abandoned, the query is killed on the server, too. */
  async #query(
    query: string,
    parameters: QueryParameters,
    settings: QuerySettings,
    signal: AbortSignal,
  ): Promise<Readable> {
    const queryId = randomUUID();
    try {
      const body = await this.#send(queryId, query, parameters, settings, signal);
      if (!settings.endsWithConnection) this.#canceller.killIfAbandoned(queryId, body, signal);
      return body;
    } catch (error) {
      if (!settings.endsWithConnection && mayBeRunning(error, signal)) this.#canceller.kill(queryId);
      throw error;
    }
  }

  /** The body of a successful response. For an error the client would parse the body without the status. */
  async #send(
    queryId: string,
    query: string,
    parameters: QueryParameters,
    { settings }: QuerySettings,
    signal: AbortSignal,
  ): Promise<Readable> {
    const { stream, http_status_code, response_headers } = await this.#client.exec({
      query_id: queryId,
      query,
      query_params: parameters,
      clickhouse_settings: settings,
      ignore_error_response: true,
      abort_signal: signal,
    });
    const status = http_status_code ?? 0;
    const exceptionCode = response_headers[EXCEPTION_CODE_HEADER];
    if (status >= 200 && status < 300 && exceptionCode === undefined) return stream;
    const { body, cutOffBy } = await readBody(addAbortSignal(signal, stream));
    signal.throwIfAborted();
    const error = parseError(body);
    if (error instanceof ClickHouseError) throw error;
    refuseOldError(body);
    // Some versions cut the connection in the middle of the message.
    if (exceptionCode !== undefined) {
      throw new ClickHouseError({ message: body.replace(EXCEPTION_START, ''), code: String(exceptionCode) });
    }
    if (this.#forwarder !== undefined && status >= 400) {
      throw explainProxyStatus(this.#forwarder, buildUrl(this.#configuration).host, status);
    }
    if (GATEWAY_STATUSES.includes(status)) throw new GatewayError(status, body);
    if (REFUSAL_STATUSES.includes(status)) throw new ProxyRefusalError(status, body);
    throw cutOffBy ?? new NotClickHouseError(status, this.#isClickHouse);
  }

  /** Whether the server has answered like ClickHouse before. */
  get #isClickHouse(): boolean {
    return this.#settings !== undefined;
  }

  /** The error for a result that did not arrive in time after the signal to stop. */
  #explainNoResponse(): ConnectorError {
    const { host, port } = this.#configuration;
    return sourceError(
      'clickhouse_unreachable',
      `${host}:${port} did not answer within ${this.#options.shutdownGraceMs / 1000} seconds after the signal to stop. Nothing was read since the last state; the next run continues from it.`,
    );
  }

  #isRetryable(error: Error): boolean {
    const { retryOn } = this.#options;
    if (!(error instanceof ConnectorError) || error.failureType !== 'transient_error') return false;
    return retryOn === 'transient' || mayBeWakingUp(error, this.#configuration);
  }
}

/** The rows of a query that may fail, such as one for a warning or an estimate: none if it fails. */
export async function tryRows<Row>(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof ConnectorError) return [];
    throw error;
  }
}

/** A signal that is aborted some time after another one, unless it is cancelled. */
function abortLater(signal: AbortSignal, delayMs: number): { signal: AbortSignal; cancel: () => void } {
  const later = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stopListening = onAbort(signal, () => {
    timer = setTimeout(() => later.abort(), delayMs);
  });
  const cancel = (): void => {
    stopListening();
    clearTimeout(timer);
  };
  return { signal: later.signal, cancel };
}

/** The part of a body that arrived, and the error that cut it off. */
async function readBody(stream: Readable): Promise<{ body: string; cutOffBy: unknown }> {
  const chunks: Uint8Array[] = [];
  let cutOffBy: unknown;
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch (error) {
    cutOffBy = error;
  }
  return { body: Buffer.concat(chunks).toString(), cutOffBy };
}

/**
 * The user's login. Basic authentication ends a name at its first colon, so a name with a colon is sent in ClickHouse's own
 * headers. Node sends each character of a header as one byte, hence the latin1.
 */
function buildCredentials({
  username,
  password,
}: Pick<SourceConfiguration, 'username' | 'password'>): Parameters<typeof createClient>[0] {
  if (!username.includes(':')) return { username, password };
  const bytes = (text: string): string => Buffer.from(text).toString('latin1');
  return {
    set_basic_auth_header: false,
    http_headers: { 'X-ClickHouse-User': bytes(username), 'X-ClickHouse-Key': bytes(password) },
  };
}

/** The URL of ClickHouse's HTTP interface. */
export function buildUrl({ ssl, host, port }: Pick<SourceConfiguration, 'ssl' | 'host' | 'port'>): URL {
  return new URL(`${ssl ? 'https' : 'http'}://${formatAddress(host, port)}`);
}

/** The proxy for ClickHouse; none with an SSH tunnel, because host and port are those that the SSH server sees. */
export function findConfiguredProxy(configuration: SourceConfiguration): HttpProxy | undefined {
  const { tunnel_method } = configuration;
  const hasTunnel = tunnel_method !== undefined && tunnel_method.tunnel_method !== 'NO_TUNNEL';
  return hasTunnel ? undefined : findProxy(buildUrl(configuration));
}
