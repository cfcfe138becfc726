import { ConnectorError } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { fetchPages } from '../pages/fetch-pages.ts';
import { selectAllRows } from '../query/selection.ts';
import type { Table } from '../schema/table.ts';
import { START } from '../state/position.ts';

/**
 * Reads the first row of a table with the query and the parser of `read`, but without retries.
 *
 * @param stop cancels the query.
 * @param timeoutMs how long to wait for the row, in milliseconds.
 * @returns "readable" if the row can be read or the table is empty, and "slow" if the row did not arrive in time.
 * @throws ConnectorError if `read` would fail at or before this row.
 */
export async function tryRow(
  clickhouse: ClickHouse,
  table: Table,
  configuration: SourceConfiguration,
  { stop, timeoutMs }: { stop: AbortSignal; timeoutMs: number },
): Promise<'readable' | 'slow'> {
  const selection = selectAllRows(table, configuration);
  // Not AbortSignal.timeout, which can be garbage-collected if only another signal refers to it (Node 20).
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const cancel = AbortSignal.any([stop, timeout.signal]);
  const source = { clickhouse, selection, maxRows: 1, emittedAt: 0, warn: () => {} };
  try {
    for await (const page of fetchPages(source, START, cancel, { retryTimeMs: 0 })) {
      if (page.rows > 0) return 'readable';
    }
    return cancel.aborted ? 'slow' : 'readable';
  } finally {
    clearTimeout(timer);
  }
}

/** Adds the name of the stream to an error. @param advice a sentence that ends with a space, or an empty string. */
export function nameStream(name: string, error: unknown, advice: string): unknown {
  if (!(error instanceof ConnectorError)) return error;
  const { code, failureType, message, internalMessage, page, stackTrace, cause } = error;
  return new ConnectorError({ code, failureType }, `The stream "${name}" can't be read. ${advice}${message}`, {
    ...(internalMessage === undefined ? {} : { internalMessage }),
    page,
    stackTrace,
    cause,
  });
}
