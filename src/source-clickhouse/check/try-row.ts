import { ConnectorError } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { fetchPages } from '../pages/fetch-pages.ts';
import { selectAllRows } from '../query/selection.ts';
import type { Table } from '../schema/table.ts';
import { START } from '../state/position.ts';

/** What trying a stream shows: its rows can be read, or the first one did not come in time. */
export type Tried = 'readable' | 'slow';

/**
 * Asks for the first row of a table by the query of `read`, and takes the answer as `read` does. Nothing is asked again.
 *
 * @param stop leaves the answer.
 * @param timeoutMs how long the row is waited for, in milliseconds.
 * @throws ConnectorError when `read` would fail at this row, or before it.
 */
export async function tryRow(
  clickhouse: ClickHouse,
  table: Table,
  configuration: SourceConfiguration,
  { stop, timeoutMs }: { stop: AbortSignal; timeoutMs: number },
): Promise<Tried> {
  const selection = selectAllRows(table, configuration);
  // Not AbortSignal.timeout, which a garbage collection takes away when only another signal refers to it (Node 20).
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), timeoutMs);
  const leave = AbortSignal.any([stop, patience.signal]);
  const source = { clickhouse, selection, maxRows: 1, emittedAt: 0, warn: () => {} };
  try {
    for await (const page of fetchPages(source, START, leave, { retryTimeMs: 0 })) {
      if (page.rows > 0) return 'readable';
    }
    return leave.aborted ? 'slow' : 'readable';
  } finally {
    clearTimeout(timer);
  }
}

/** The failure to read one of several streams, which says which one it is. */
export function nameStream(name: string, error: unknown): unknown {
  if (!(error instanceof ConnectorError)) return error;
  const { code, failureType, message, internalMessage, page, stackTrace, cause } = error;
  return new ConnectorError(
    { code, failureType },
    `The stream "${name}" can't be read; to read only another one, name it in "table". ${message}`,
    { ...(internalMessage === undefined ? {} : { internalMessage }), page, stackTrace, cause },
  );
}
