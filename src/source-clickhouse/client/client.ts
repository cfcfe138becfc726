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
 * How long a server may be silent, in milliseconds. A ClickHouse Cloud service that sleeps takes up to a minute to wake,
 * and a sort has no row before its end: see PROGRESS_SETTINGS.
 */
const SILENCE_MS = 300_000;

/**
 * How long the headers of an answer may be, in bytes, where Node takes 16 KiB: one that says how far the query is has
 * about 130, and a server whose profile asks for these sends ten a second.
 */
const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * How long a query of a small result is asked again while the server does not answer properly, in milliseconds: a
 * ClickHouse Cloud service takes up to a minute to wake.
 */
const RETRY_MS = 60_000;

/** Waits between its attempts: the first, and the longest. Each is twice the one before. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

/** How long a result is waited for after the signal to end, in milliseconds: less than orchestrators wait before they kill. */
const SHUTDOWN_GRACE_MS = 5_000;

/** What a proxy answers for a server that is not there yet: Bad Gateway, Service Unavailable, Gateway Timeout. */
const GATEWAY_STATUSES = [502, 503, 504];

/** What a proxy answers that does not let the query pass: Unauthorized, Forbidden, Too Many Requests. */
const REFUSAL_STATUSES = [401, 403, 429];

/** How an error begins, before its reason. */
const EXCEPTION_START = /^Code: \d+\. DB::Exception: /;

/** The header with the number of the error that an answer is. Every version that is read sends it. */
const EXCEPTION_CODE_HEADER = 'x-clickhouse-exception-code';

export type QueryParameters = Record<string, string | number>;

/** Whoever runs a command, as far as the connection has to do with them. */
export type ClientOptions = {
  /** Aborted when the command is to end: nothing is asked again after that. */
  stop: AbortSignal;
  /** Told of what a user should know and that is no obstacle. */
  warn: (message: string) => void;
  /**
   * What passes when it is asked again: "waking" is what a server does that is about to be there, "transient" also that
   * it is not there. The first is for a configuration that has yet to prove that host and port are right.
   */
  retryOn: 'wake-up' | 'transient';
  /** How long that is done, and the first wait before it, in milliseconds. */
  retryTimeMs: number;
  firstRetryMs: number;
  /** How long a result is waited for once `stop` is aborted, in milliseconds. */
  shutdownGraceMs: number;
  /** How long the server may be silent, in milliseconds. */
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

/** A connection to ClickHouse over HTTP. Every failure of its methods is a ConnectorError with advice. */
export class ClickHouse {
  readonly #client: ClickHouseClient;
  readonly #tunnel: SshTunnel | undefined;
  /** The one that sends our requests on, and so may answer them: over HTTPS it sees none. */
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
      // Every user may send it, and none can lose it: a comment in the query's text would go when its parameters are put in.
      application: SOURCE_PROGRAM,
      // It pools the connections; how long one may be idle the client still sees to.
      http_agent: createHttpAgent(configuration, this.#tunnel, proxy),
      // Its advice is for programmers; what a user should know, the messages of this connector say.
      log: { level: ClickHouseLogLevel.OFF },
    });
    this.#canceller = new QueryCanceller(this.#client, (error) =>
      this.#options.warn(
        `A query that was left could not be ended on the server, and may go on there. ${this.explainError(error).message}`,
      ),
    );
  }

  /** The rows of a small result, checked against a schema; asked for again while the server wakes. */
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
          onRetry: (error) => warn(`${error.message} Asking again.`),
        },
        attempt,
      );
    } finally {
      grace.cancel();
    }
  }

  /** The bytes of a result in the query's own FORMAT. `signal` cancels the request. */
  async bytes(query: string, parameters: QueryParameters, signal: AbortSignal): Promise<Readable> {
    try {
      const settings = await this.#querySettings(signal);
      signal.throwIfAborted();
      // The client hears the signal until the answer begins; its body is ours to end.
      return addAbortSignal(signal, await this.#query(query, parameters, settings, signal));
    } catch (error) {
      throw explainClickHouseError(error, this.#configuration);
    }
  }

  /** A failure while a body arrived, as a ConnectorError. */
  explainError(error: unknown): Error {
    return explainClickHouseError(error, this.#configuration);
  }

  /** Ends all connections. What is under way is cut. */
  async close(): Promise<void> {
    await this.#canceller.finish();
    await this.#client.close();
    await this.#tunnel?.close();
  }

  /** Looked up once: before the first query, and again only while that fails. */
  async #querySettings(signal: AbortSignal): Promise<QuerySettings> {
    this.#settings ??= await this.#readSettings(signal);
    return this.#settings;
  }

  async #readSettings(signal: AbortSignal): Promise<QuerySettings> {
    const lookUpWith = async (sent: QuerySettings): Promise<QuerySettings> => {
      const lookUp: QueryRows = (query, row) => this.#queryRows(query, {}, row, sent, signal);
      const found = await readQuerySettings(lookUp, this.#configuration);
      // What was sent is not seen as what the profile has.
      return { ...found, settings: { ...sent.settings, ...found.settings } };
    };
    try {
      return await lookUpWith(NO_SETTINGS);
    } catch (error) {
      if (!isRefusedByQueryCache(error)) throw error;
      // A user who may change no setting is refused this one, too: the first reason says what to do.
      return await lookUpWith(NO_QUERY_CACHE).catch(() => Promise.reject(error));
    }
  }

  async #queryRows<T extends z.ZodType>(
    query: string,
    parameters: QueryParameters,
    row: T,
    settings: QuerySettings,
    signal: AbortSignal,
  ): Promise<z.output<T>[]> {
    // Not JSONEachRow, of which a setting makes one array.
    const body = await this.#query(`${query} \nFORMAT JSON`, parameters, settings, signal);
    const result = await text(addAbortSignal(signal, body));
    const answer = z.object({ data: z.array(row), exception: z.string().optional() }).safeParse(tryParseJson(result));
    if (!answer.success) {
      const error = parseError(result);
      throw error instanceof ClickHouseError ? error : new NotClickHouseError(200, this.#isClickHouse);
    }
    const { data, exception } = answer.data;
    // A query that fails among its rows may give whole JSON, with the reason in it
    // (http_write_exception_in_output_format, which servers of 23.9 to 25.10 have on).
    if (exception !== undefined) throw parseError(exception);
    return data;
  }

  /** The body of the server's answer. When it is left before its end, the query ends on the server, too. */
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

  /** The body of a good answer. That of a refusal is its error, which the client would read without the status. */
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
    // Some versions cut the connection in the middle of the reason.
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

  /** Whether the server has answered as ClickHouse does. */
  get #isClickHouse(): boolean {
    return this.#settings !== undefined;
  }

  /** Why a result was left that did not come in time after the signal to end. */
  #explainNoResponse(): ConnectorError {
    const { host, port } = this.#configuration;
    return sourceError(
      'clickhouse_unreachable',
      `${host}:${port} gave no answer within ${this.#options.shutdownGraceMs / 1000} seconds after the signal to end. Nothing was read since the last state; the next run goes on from there.`,
    );
  }

  #isRetryable(error: Error): boolean {
    const { retryOn } = this.#options;
    if (!(error instanceof ConnectorError) || error.failureType !== 'transient_error') return false;
    return retryOn === 'transient' || mayBeWakingUp(error, this.#configuration);
  }
}

/** The rows of a query that is worth no failure, such as one for a warning or an estimate: none when it fails. */
export async function tryRows<Row>(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof ConnectorError) return [];
    throw error;
  }
}

/** A signal that is aborted some time after another one, unless that is cancelled. */
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

/** What came of a body, and why not all of it did. */
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
 * How the user logs in: by basic authentication, which ends a name at its first colon; a name with one by the headers of
 * ClickHouse. In these, Node takes each byte of UTF-8 for a character.
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

/** Where ClickHouse is, as its HTTP interface is asked. */
export function buildUrl({ ssl, host, port }: Pick<SourceConfiguration, 'ssl' | 'host' | 'port'>): URL {
  return new URL(`${ssl ? 'https' : 'http'}://${formatAddress(host, port)}`);
}

/** The proxy on the way to ClickHouse. With a tunnel there is none: host and port are those that the SSH server sees. */
export function findConfiguredProxy(configuration: SourceConfiguration): HttpProxy | undefined {
  const { tunnel_method } = configuration;
  const hasTunnel = tunnel_method !== undefined && tunnel_method.tunnel_method !== 'NO_TUNNEL';
  return hasTunnel ? undefined : findProxy(buildUrl(configuration));
}
