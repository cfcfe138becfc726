import type { Readable } from 'node:stream';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { z } from 'zod';
import { clickHouseFailure } from './clickhouse-failure.ts';
import type { SourceConfiguration } from './configuration.ts';

/**
 * How long a server may be silent, in milliseconds. A long sort sends nothing before its end, and a ClickHouse Cloud
 * service that sleeps takes up to a minute to wake.
 */
const REQUEST_TIMEOUT_MS = 300_000;

/** The marker of an exception in mid-stream is secret per answer, so that no row can forge it (ClickHouse 25.11 and later). */
const EXCEPTION_TAG_HEADER = 'x-clickhouse-exception-tag';

export type QueryParameters = Record<string, string | number>;

/** A body that is still arriving, and the tag that announces an exception in it, where the server gives one. */
export type ByteStream = { stream: Readable; exceptionTag: string | undefined };

/** A connection to ClickHouse over HTTP. Every failure of its methods is a ConnectorError with advice. */
export class ClickHouse {
  readonly #client: ClickHouseClient;
  readonly #configuration: SourceConfiguration;

  constructor(configuration: SourceConfiguration) {
    this.#configuration = configuration;
    const url = new URL(`${configuration.ssl ? 'https' : 'http'}://host`);
    url.hostname = configuration.host;
    url.port = String(configuration.port);
    this.#client = createClient({
      url,
      username: configuration.username,
      password: configuration.password,
      request_timeout: REQUEST_TIMEOUT_MS,
      application: 'clickhouse-to-batch',
    });
  }

  /** The rows of a small result, checked against a schema. No setting is sent: a readonly=1 user may not. */
  async rows<T extends z.ZodType>(query: string, parameters: QueryParameters, row: T): Promise<z.output<T>[]> {
    try {
      const result = await this.#client.query({ query, query_params: parameters, format: 'JSONEachRow' });
      return z.array(row).parse(await result.json());
    } catch (error) {
      throw clickHouseFailure(error, this.#configuration);
    }
  }

  /** The bytes of a result in the query's own FORMAT. `signal` cancels the request. */
  async bytes(query: string, parameters: QueryParameters, signal: AbortSignal): Promise<ByteStream> {
    try {
      const result = await this.#client.exec({ query, query_params: parameters, abort_signal: signal });
      const tag = result.response_headers[EXCEPTION_TAG_HEADER];
      return { stream: result.stream, exceptionTag: typeof tag === 'string' ? tag : undefined };
    } catch (error) {
      throw clickHouseFailure(error, this.#configuration);
    }
  }

  /** A failure while a body arrived, as a ConnectorError. */
  failure(error: unknown): Error {
    return clickHouseFailure(error, this.#configuration);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
