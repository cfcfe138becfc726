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
import { describeRetry } from '../../protocol/retries.ts';
import { abortLater } from '../../shared/abort.ts';
import { tryParseJson } from '../../shared/exact-json.ts';
import { SOURCE_PROGRAM } from '../../shared/package.ts';
import { retryFor } from '../../shared/retry.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { explainClickHouseError, isRefused, mayBeWakingUp } from '../errors/explain.ts';
import { GatewayError, NotClickHouseError, ProxyRefusalError } from '../errors/response-errors.ts';
import { createHttpAgent } from './http-agent.ts';
import { mayBeRunning, QueryCanceller } from './kill-query.ts';
import { refuseOldError } from './old-server.ts';
import {
  isRefusedByQueryCache,
  NO_QUERY_CACHE,
  NO_SETTINGS,
  type QueryRows,
  type QuerySettings,
  readQuerySettings,
  type ServerFacts,
} from './query-settings.ts';
import { SshTunnel } from './ssh-tunnel.ts';

/**
 * How long to wait for a server that sends nothing, in milliseconds. An idle ClickHouse Cloud service takes up to a minute to
 * wake up. Without PROGRESS_SETTINGS, the server also sends nothing until it has sorted all rows.
 */
const SILENCE_MS = 300_000;

/**
 * The maximum length of a response's headers, in bytes. Node's default of 16 KiB is too low: a header with the progress of a
 * query has about 130 bytes, and if the user's profile turns these headers on, the server sends ten a second.
 */
const MAX_HEADER_BYTES = 1024 * 1024;

/** How long a query for a small result is retried, in milliseconds. A ClickHouse Cloud service takes up to a minute to wake up. */
const RETRY_MS = 60_000;

/** The first and the longest delay between attempts, in milliseconds. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

/** How long to wait for a result after the signal to stop, in milliseconds. Orchestrators wait longer before SIGKILL. */
const SHUTDOWN_GRACE_MS = 5_000;

/** The statuses of a proxy whose server is not up yet: Bad Gateway, Service Unavailable, Gateway Timeout. */
const GATEWAY_STATUSES = [502, 503, 504];

/** The statuses of a proxy that refuses a query: Unauthorized, Forbidden, Too Many Requests. */
const REFUSAL_STATUSES = [401, 403, 429];

/** Matches the beginning of ClickHouse's text of an error. The error's own message follows. */
const EXCEPTION_START = /^Code: \d+\. DB::Exception: /;

/** The header with the error's number. Every supported version of ClickHouse sends it. */
const EXCEPTION_CODE_HEADER = 'x-clickhouse-exception-code';

type ClientConfiguration = NonNullable<Parameters<typeof createClient>[0]>;

export type QueryParameters = Record<string, string | number>;

/** The options of a connection. The command that opens the connection sets them. */
export type ClientOptions = {
  /** Aborted to stop the command: nothing is retried after that. */
  stop: AbortSignal;
  /** Receives warnings. */
  warn: (message: string) => void;
  /**
   * Which errors to retry. "wake-up": only errors of a server that is waking up. Use this if the host and port of the configuration
   * may be wrong. "transient": all transient errors, such as those of a server that can't be reached. "unless-refused": transient
   * errors, except for those that mean that no ClickHouse listens at the host and port.
   */
  retryOn: 'wake-up' | 'transient' | 'unless-refused';
  /** Called once, after the first answer. @param serverTime the server's clock, in milliseconds since the epoch. */
  onConnected: (serverTime: number) => void;
  /** How long to retry, in milliseconds. */
  retryTimeMs: number;
  /** The delay before the first retry, in milliseconds. */
  firstRetryMs: number;
  /** How long to wait for a result after `stop` is aborted, in milliseconds. */
  shutdownGraceMs: number;
  /** How long to wait for a server that sends nothing, in milliseconds. */
  silenceMs: number;
};

const DEFAULT_OPTIONS: ClientOptions = {
  stop: new AbortController().signal,
  warn: () => {},
  onConnected: () => {},
  retryOn: 'transient',
  retryTimeMs: RETRY_MS,
  firstRetryMs: FIRST_RETRY_MS,
  shutdownGraceMs: SHUTDOWN_GRACE_MS,
  silenceMs: SILENCE_MS,
};

/** A connection to ClickHouse over HTTP. All errors that its methods throw are ConnectorErrors, which say what to do. */
export class ClickHouse {
  readonly #client: ClickHouseClient;
  readonly #tunnel: SshTunnel | undefined;
  /** The proxy that forwards our HTTP requests, and may answer them itself. Undefined with HTTPS, where a proxy can't answer. */
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
    const login = buildCredentials(configuration);
    const database = selectDatabase(configuration);
    this.#client = createClient({
      url,
      ...login,
      ...database,
      http_headers: { ...login.http_headers, ...database.http_headers },
      request_timeout: this.#options.silenceMs,
      max_response_headers_size: MAX_HEADER_BYTES,
      // Identifies our queries. Every user may send it. A comment in the SQL can't be used instead, because ClickHouse drops
      // comments from a query that has parameters.
      application: SOURCE_PROGRAM,
      // The agent pools the connections. The client still limits how long a connection may be idle.
      http_agent: createHttpAgent(configuration, this.#tunnel, proxy),
      // The client's messages are for programmers. This connector has its own messages for users.
      log: { level: ClickHouseLogLevel.OFF },
    });
    this.#canceller = new QueryCanceller(this.#client, (error) =>
      this.#options.warn(
        `An abandoned query could not be cancelled on the server, and may still be running there. ${this.explainError(error).message}`,
      ),
    );
  }

  /** Returns the rows of a small result, after checking them against a schema. Retries the errors in `retryOn`. */
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
          onRetry: (error, attempt) => warn(describeRetry(error.message, attempt)),
        },
        attempt,
      );
    } finally {
      grace.cancel();
    }
  }

  /** Returns the bytes of a result, in the FORMAT of the query. Aborting `signal` cancels the request. */
  async bytes(query: string, parameters: QueryParameters, signal: AbortSignal): Promise<Readable> {
    try {
      const settings = await this.#querySettings(signal);
      signal.throwIfAborted();
      // The client itself only listens to the signal until the response begins.
      return addAbortSignal(signal, await this.#query(query, parameters, settings, signal));
    } catch (error) {
      throw explainClickHouseError(error, this.#configuration);
    }
  }

  /** Turns an error that occurred while a body arrived into a ConnectorError. */
  explainError(error: unknown): Error {
    return explainClickHouseError(error, this.#configuration);
  }

  /** Closes all connections, and cuts off responses in progress. */
  async close(): Promise<void> {
    await this.#canceller.finish();
    await this.#client.close();
    await this.#tunnel?.close();
  }

  /** Returns the settings to send. They are looked up before the first query, and again only if the lookup failed. */
  async #querySettings(signal: AbortSignal): Promise<QuerySettings> {
    if (this.#settings !== undefined) return this.#settings;
    const { settings, serverTime } = await this.#readSettings(signal);
    // Two queries may look up the settings at the same time.
    if (this.#settings === undefined) this.#options.onConnected(serverTime);
    this.#settings = settings;
    return settings;
  }

  async #readSettings(signal: AbortSignal): Promise<ServerFacts> {
    const readWith = async (sent: QuerySettings): Promise<ServerFacts> => {
      const queryRows: QueryRows = (query, row) => this.#queryRows(query, {}, row, sent, signal);
      const { settings: found, serverTime } = await readQuerySettings(queryRows, this.#configuration);
      // The server reports the settings in `sent` with the values that were sent. So `found` lacks them, because they seem to need
      // no change. Keep sending them.
      return { settings: { ...found, settings: { ...sent.settings, ...found.settings } }, serverTime };
    };
    try {
      return await readWith(NO_SETTINGS);
    } catch (error) {
      if (!isRefusedByQueryCache(error)) throw error;
      // A user who may not change any setting can't send this one either. The first error says what to do.
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
    // Not JSONEachRow, because a setting can turn its rows into an array.
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

  /** Sends a query, and returns the body of the response. If the body is abandoned, the query is killed on the server, too. */
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

  /**
   * Sends a query, and returns the body of a successful response. Errors are parsed here, because the client would ignore the
   * status.
   */
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
    // Some versions close the connection in the middle of the error message, which then can't be parsed.
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

  /** Whether ClickHouse has already answered at this host and port. */
  get #isClickHouse(): boolean {
    return this.#settings !== undefined;
  }

  /** Creates the error for a result that did not arrive in time after the signal to stop. */
  #explainNoResponse(): ConnectorError {
    const { host, port } = this.#configuration;
    return sourceError(
      'clickhouse_unreachable',
      `${host}:${port} did not answer within ${this.#options.shutdownGraceMs / 1000} seconds after the signal to stop. No rows were read after the last state, and the next run continues from it.`,
    );
  }

  #isRetryable(error: Error): boolean {
    const { retryOn } = this.#options;
    if (!(error instanceof ConnectorError) || error.failureType !== 'transient_error') return false;
    switch (retryOn) {
      case 'transient':
        return true;
      case 'unless-refused':
        return !isRefused(error);
      case 'wake-up':
        return mayBeWakingUp(error, this.#configuration);
    }
  }
}

/** Returns the rows of a query, or none if it fails. For queries that are optional, such as one for a warning or an estimate. */
export async function tryRows<Row>(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof ConnectorError) return [];
    throw error;
  }
}

/** Reads a body. If an error cuts it off, returns the part that arrived, and the error. */
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
 * Returns the client's options for the login. Basic authentication ends a name at its first colon, so a name with a colon is sent
 * in ClickHouse's own headers. Node sends each character of a header as one byte, so the UTF-8 bytes are written as latin1.
 */
function buildCredentials({
  username,
  password,
}: Pick<SourceConfiguration, 'username' | 'password'>): ClientConfiguration {
  if (!username.includes(':')) return { username, password };
  const bytes = (text: string): string => Buffer.from(text).toString('latin1');
  return {
    set_basic_auth_header: false,
    http_headers: { 'X-ClickHouse-User': bytes(username), 'X-ClickHouse-Key': bytes(password) },
  };
}

/** Returns the client's options for the database. The user's SQL may name tables without a database. */
function selectDatabase({ database, where, queries }: SourceConfiguration): ClientConfiguration {
  // If the database is missing, the server would refuse every query, and `check` could not suggest another database.
  if (where === undefined && queries.length === 0) return {};
  // The client does not send the name `default`, and the server would then use the user's own database, which may be another one.
  return database === 'default' ? { http_headers: { 'X-ClickHouse-Database': database } } : { database };
}

/** Builds the URL of ClickHouse's HTTP interface. */
export function buildUrl({ ssl, host, port }: Pick<SourceConfiguration, 'ssl' | 'host' | 'port'>): URL {
  return new URL(`${ssl ? 'https' : 'http'}://${formatAddress(host, port)}`);
}

/** Finds the proxy for ClickHouse. With an SSH tunnel there is none, because the SSH server connects to host and port. */
export function findConfiguredProxy(configuration: SourceConfiguration): HttpProxy | undefined {
  const { tunnel_method } = configuration;
  const hasTunnel = tunnel_method !== undefined && tunnel_method.tunnel_method !== 'NO_TUNNEL';
  return hasTunnel ? undefined : findProxy(buildUrl(configuration));
}
