import { isIPv6 } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { z } from 'zod';
import { clickHouseFailure } from './clickhouse-failure.ts';
import type { SourceConfiguration } from './configuration.ts';

/**
 * How long a server may be silent, in milliseconds. A long sort sends nothing before its end, and a ClickHouse Cloud
 * service that sleeps takes up to a minute to wake.
 */
const REQUEST_TIMEOUT_MS = 300_000;

export type QueryParameters = Record<string, string | number>;

/** A connection to ClickHouse over HTTP. Every failure of its methods is a ConnectorError with advice. */
export class ClickHouse {
  readonly #client: ClickHouseClient;
  readonly #configuration: SourceConfiguration;

  constructor(configuration: SourceConfiguration) {
    this.#configuration = configuration;
    const { ssl, port } = configuration;
    const host = isIPv6(configuration.host) ? `[${configuration.host}]` : configuration.host;
    const url = new URL(`${ssl ? 'https' : 'http'}://${host}:${port}`);
    this.#client = createClient({
      url,
      username: configuration.username,
      password: configuration.password,
      request_timeout: REQUEST_TIMEOUT_MS,
      application: 'clickhouse-to-batch',
      // Its advice is for programmers; what a user should know, the messages of this connector say.
      log: { level: ClickHouseLogLevel.OFF },
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
  async bytes(query: string, parameters: QueryParameters, signal: AbortSignal): Promise<Readable> {
    try {
      const result = await this.#client.exec({ query, query_params: parameters, abort_signal: signal });
      // The client hears the signal until the answer begins; its body is ours to end.
      return addAbortSignal(signal, result.stream);
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
