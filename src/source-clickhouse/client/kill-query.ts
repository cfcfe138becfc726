import type { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { codeOf, rawMessageOf } from '../../protocol/errors.ts';
import { GatewayError } from '../errors/response-errors.ts';

/** How long ending a query may hold up the end of the program, in milliseconds. It takes a server some hundredths of a second. */
const KILL_TIMEOUT_MS = 5_000;

/** ACCESS_DENIED, by ClickHouse's ErrorCodes.cpp. */
const ACCESS_DENIED = '497';

/**
 * Ends queries on the server that nobody waits for any more. A closed connection is seen by a server only when it
 * writes, and a long sort writes nothing before its end, unless cancel_http_readonly_queries_on_client_close is set,
 * which a readonly=1 user may not do; one's own queries everybody may kill who may read system.processes.
 */
export class QueryCanceller {
  readonly #client: ClickHouseClient;
  readonly #onDenied: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();

  constructor(client: ClickHouseClient, onDenied: (error: unknown) => void) {
    this.#client = client;
    this.#onDenied = onDenied;
  }

  /** Ends a query whose answer has begun if we leave it before its end, by the signal or by closing its body. */
  killIfAbandoned(queryId: string, body: Readable, signal: AbortSignal): void {
    let isKilled = false;
    const killOnce = (): void => {
      if (isKilled || !isAbandoned(body)) return;
      isKilled = true;
      this.kill(queryId);
    };
    // The body closes only when its socket has, which may be after `finish` was asked for.
    signal.addEventListener('abort', killOnce);
    body.once('close', () => {
      signal.removeEventListener('abort', killOnce);
      killOnce();
    });
  }

  /** Begins to end a query; if it has ended already, nothing happens. */
  kill(queryId: string): void {
    const killing = this.#sendKill(queryId).finally(() => this.#running.delete(killing));
    this.#running.add(killing);
  }

  /** Resolves when no query is being ended. */
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
      // Anything else is a server that is out of reach, of which the query itself has told.
      if (error instanceof ClickHouseError && error.code === ACCESS_DENIED) this.#onDenied(error);
    }
  }
}

/** Whether a body that is no longer wanted neither came to its end nor broke off. */
function isAbandoned(body: Readable): boolean {
  return !body.readableEnded && codeOf(body.errored) !== 'ECONNRESET';
}

/**
 * Whether the server may still be busy with a query that failed so, before any answer: we left it or had enough of
 * waiting, or what stands between us and the server did.
 */
export function mayBeRunning(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted ||
    error instanceof GatewayError ||
    codeOf(error) === 'ECONNRESET' ||
    rawMessageOf(error) === 'Timeout error.'
  );
}
