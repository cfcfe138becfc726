import { plural } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { type CursorRange, countRows, formatRowCount, type RowCount } from '../query/count-rows.ts';
import type { RowSelection } from '../query/row-query.ts';
import { selectAllRows } from '../query/selection.ts';
import { readServerClock } from '../query/server-clock.ts';
import { resolveStart } from '../query/start-from.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import type { Instant } from '../schema/instant.ts';
import { findTable } from '../streams/named-streams.ts';

/** The age of the oldest events that Batch is reported to accept (docs/batch-api.md, section 2.3). */
export const OLDEST_ACCEPTED = '24h';

/**
 * The start that is proposed if a table has older events: an hour less than OLDEST_ACCEPTED, because the first rows have to be
 * read, and have to wait until they are sent.
 */
export const PROPOSED_START = '23h';

/** How long to wait for a number of rows, in milliseconds. */
const COUNT_TIMEOUT_MS = 10_000;

/** A message about the first run of a stream. */
export type FirstRunNote = { level: 'INFO' | 'WARN'; message: string };

/** Counts rows of a selection. Returns undefined if they can't be counted in time. */
export type CountRows = (selection: RowSelection, range: CursorRange) => Promise<RowCount | undefined>;

/**
 * Describes where the first run of a stream begins and how many rows it sends. Without `start_from`, warns if it would send old
 * events. Returns undefined if there is nothing to say.
 *
 * @param now the server's time.
 * @throws ConnectorError (config_error) if `start_from` is not a value of the cursor.
 */
export async function describeFirstRun(
  clickhouse: ClickHouse,
  selection: RowSelection,
  { startFrom, now }: { startFrom: string | undefined; now: Instant },
  count: CountRows,
): Promise<FirstRunNote | undefined> {
  if (startFrom === undefined) return warnOfOldRows(clickhouse, selection, now, count);
  const { table, cursor } = selection;
  const start = await resolveStart(clickhouse, selection, startFrom, now);
  const begins = `The first run of "${table.name}" begins at ${start} ("start_from" is "${startFrom}")`;
  if (hasTimeCursor(selection) && start > (await resolveStart(clickhouse, selection, 'now', now))) {
    const message = `${begins}, which is in the future. Rows with an earlier ${cursor.column.name} are never sent.`;
    return { level: 'WARN', message };
  }
  const rows = await count(selection, { from: start });
  return { level: 'INFO', message: `${begins}${rows === undefined ? '' : `: ${formatRowCount(rows)}`}.` };
}

async function warnOfOldRows(
  clickhouse: ClickHouse,
  selection: RowSelection,
  now: Instant,
  count: CountRows,
): Promise<FirstRunNote | undefined> {
  if (!hasTimeCursor(selection)) return undefined;
  const { table, cursor } = selection;
  const before = await resolveStart(clickhouse, selection, OLDEST_ACCEPTED, now);
  const old = await count(selection, { before });
  if (old === undefined || old.rows === 0) return undefined;
  return {
    level: 'WARN',
    message: `The first run of "${table.name}" sends all rows, including ${formatRowCount(old)} older than 24 hours by ${plural(old.rows, 'its', 'their')} ${cursor.column.name}. Batch refuses events older than 24 hours, or dates them today if they have no event_time, which may trigger messages. To leave these rows out, set "start_from", for example to "${PROPOSED_START}" or "now".`,
  };
}

/** Whether the cursor is a time or a day, so that rows have an age. */
export function hasTimeCursor({ cursor }: RowSelection): boolean {
  const { kind } = unwrapType(cursor.column.type);
  return kind === 'date_time' || kind === 'date';
}

/**
 * Describes the first run of a table, view or query, as `describeFirstRun` does.
 *
 * @param stop cancels the query that counts rows.
 */
export async function describeFirstRunOf(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  name: string,
  stop: AbortSignal,
): Promise<FirstRunNote | undefined> {
  const now = await readServerClock(clickhouse);
  const selection = await selectStream(clickhouse, configuration, name);
  if (selection === undefined) return undefined;
  const start = { startFrom: configuration.start_from, now };
  return describeFirstRun(clickhouse, selection, start, createCounter(clickhouse, { stop }));
}

/** Selects the rows of a table, view or query. Returns undefined if the user can't see it. */
export async function selectStream(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  name: string,
): Promise<RowSelection | undefined> {
  const table = await findTable(clickhouse, configuration, name);
  return table && selectAllRows(table, configuration);
}

/**
 * Creates a function that counts rows, and returns undefined if that fails.
 *
 * @param stop cancels the queries.
 * @param timeoutMs how long to wait for a number of rows, in milliseconds.
 * @param onSlow called if a number of rows does not arrive in time.
 */
export function createCounter(
  clickhouse: ClickHouse,
  {
    stop,
    timeoutMs = COUNT_TIMEOUT_MS,
    onSlow = () => {},
  }: { stop: AbortSignal; timeoutMs?: number; onSlow?: () => void },
): CountRows {
  return async (selection, range) => {
    const rows = await countRows(clickhouse, selection, range, { stop, timeoutMs });
    if (rows === 'slow') onSlow();
    return typeof rows === 'string' ? undefined : rows;
  };
}
