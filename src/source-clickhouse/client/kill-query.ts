import type { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { codeOf, rawMessageOf } from '../../protocol/errors.ts';
import { GatewayError } from '../errors/response-errors.ts';

/** How long a KILL QUERY may delay the end of the program, in milliseconds. It normally takes less than a tenth of a second. */
const KILL_TIMEOUT_MS = 5_000;

/** ACCESS_DENIED in ClickHouse's ErrorCodes.cpp. */
const ACCESS_DENIED = '497';

/**
 * Kills abandoned queries on the server. A server notices a closed connection only when it writes, and a long sort writes
 * nothing before its end. cancel_http_readonly_queries_on_client_close would help, but a user with readonly=1 may not set it.
 * Any user who can read system.processes may kill their own queries.
 */
export class QueryCanceller {
  readonly #client: ClickHouseClient;
  readonly #onDenied: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();

  constructor(client: ClickHouseClient, onDenied: (error: unknown) => void) {
    this.#client = client;
    this.#onDenied = onDenied;
  }

  /** Kills a query if its response is abandoned: the signal is aborted, or the body is closed before its end. */
  killIfAbandoned(queryId: string, body: Readable, signal: AbortSignal): void {
    let isKilled = false;
    const killOnce = (): void => {
      if (isKilled || !isAbandoned(body)) return;
      isKilled = true;
      this.kill(queryId);
    };
    // Listening to "close" is not enough, because the body closes after its socket, which may be after `finish` was called.
    signal.addEventListener('abort', killOnce);
    body.once('close', () => {
      signal.removeEventListener('abort', killOnce);
      killOnce();
    });
  }

  /** Starts to kill a query. Does nothing if the query has ended. */
  kill(queryId: string): void {
    const killing = this.#sendKill(queryId).finally(() => this.#running.delete(killing));
    this.#running.add(killing);
  }

  /** Waits until no query is being killed. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #sendKill(queryId: string): Promise<void> {
    try {
      await this.#client.command({
        query: 'KILL QUERY WHERE query_id = {query_id:String}',
        query_params: { query_id: queryId },
        abort_signal: AbortSignal.timeout(KILL_TIMEOUT_MS),
      });
    } catch (error) {
      // Any other error means that the server can't be reached, which the error of the query itself reports.
      if (error instanceof ClickHouseError && error.code === ACCESS_DENIED) this.#onDenied(error);
    }
  }
}

/** Whether a body was closed before its end, and not because the connection was cut. */
function isAbandoned(body: Readable): boolean {
  return !body.readableEnded && codeOf(body.errored) !== 'ECONNRESET';
}

/**
 * Whether the server may still be running a query that failed before its response began. It may if the query was cancelled or
 * timed out, here or in a proxy, or if the connection was cut.
 */
export function mayBeRunning(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted ||
    error instanceof GatewayError ||
    codeOf(error) === 'ECONNRESET' ||
    rawMessageOf(error) === 'Timeout error.'
  );
}
