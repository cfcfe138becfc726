import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { type CursorRange, countRows, formatRowCount, type RowCount, type TimeLimit } from '../query/count-rows.ts';
import type { RowSelection } from '../query/row-query.ts';
import { selectAllRows } from '../query/selection.ts';
import { readServerClock } from '../query/server-info.ts';
import { resolveStart } from '../query/start-from.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import { formatInstant, type Instant, subtractSeconds } from '../schema/instant.ts';
import { defaultUse, type StreamUse } from '../schema/required-columns.ts';
import { findTable } from '../streams/named-streams.ts';

/** The age of the oldest events that Batch is reported to accept (docs/batch-api.md, section 2.3). */
export const OLDEST_ACCEPTED = '24h';
const OLDEST_ACCEPTED_SECONDS = 24 * 3_600;

/**
 * The start that is proposed if a table has older events. It is an hour less than OLDEST_ACCEPTED, because the first rows grow
 * older until they have been read and sent.
 */
export const PROPOSED_START = '23h';

/** How long to wait for a count of rows, in milliseconds. */
const COUNT_TIMEOUT_MS = 10_000;

/** A message about the first run of a stream. */
export type FirstRunNote = { level: 'INFO' | 'WARN'; message: string };

/** What determines where a first run begins, and what may be wrong with its rows. */
type Start = {
  startFrom: string | undefined;
  /** The server's time. */
  now: Instant;
  /** What the destination does with the rows, if it is known. */
  use: StreamUse | undefined;
};

/** Counts rows of a selection, or those whose time is before a limit. Returns undefined if they can't be counted in time. */
export type CountRows = (
  selection: RowSelection,
  range: CursorRange,
  limit?: TimeLimit,
) => Promise<RowCount | undefined>;

/**
 * Describes where the first run of a stream begins and how many rows it sends, if `start_from` is set. Warns if it would send old
 * events. Attributes of profiles can't be too old.
 *
 * @throws ConnectorError (config_error) if `start_from` is not a value of the cursor.
 */
export async function describeFirstRun(
  clickhouse: ClickHouse,
  selection: RowSelection,
  { startFrom, now, use }: Start,
  count: CountRows,
): Promise<FirstRunNote[]> {
  const start = startFrom === undefined ? undefined : await resolveStart(clickhouse, selection, startFrom, now);
  const notes: FirstRunNote[] = [];
  if (start !== undefined) {
    const begins = `The first run of "${selection.table.name}" begins at ${start} ("start_from" is "${startFrom}")`;
    if (hasTimeCursor(selection) && start > (await resolveStart(clickhouse, selection, 'now', now))) {
      const message = `${begins}, which is in the future. Rows with an earlier ${selection.cursor.column.name} are never sent.`;
      return [{ level: 'WARN', message }];
    }
    const rows = await count(selection, { from: start });
    notes.push({ level: 'INFO', message: `${begins}${rows === undefined ? '' : `: ${formatRowCount(rows)}`}.` });
  }
  if (use?.kind === 'profile') return notes;
  const { eventTime } = use ?? defaultUse('event');
  const message = await findOldEvents(clickhouse, selection, { start, now, eventTime }, count);
  return message === undefined ? notes : [...notes, { level: 'WARN', message }];
}

const ADVICE = `To leave old rows out, set "start_from", for example to "${PROPOSED_START}" or "now", or filter them in a view.`;

/**
 * Warns if the first run would send events that are older than Batch accepts. Their age is computed from the event time or, if the
 * table has no column with such a time, from the cursor.
 *
 * @param eventTime the column with the time of the event.
 */
async function findOldEvents(
  clickhouse: ClickHouse,
  selection: RowSelection,
  { start, now, eventTime }: { start: string | undefined; now: Instant; eventTime: string },
  count: CountRows,
): Promise<string | undefined> {
  const { table, cursor } = selection;
  const first = `The first run of "${table.name}" sends`;
  const column = table.columns.find(({ name }) => name === eventTime);
  if (column !== undefined && unwrapType(column.type).kind === 'date_time') {
    const before = formatInstant(subtractSeconds(now, OLDEST_ACCEPTED_SECONDS), 0).replace('T', ' ').replace('Z', '');
    const old = await count(selection, start === undefined ? 'all' : { from: start }, { column, before });
    if (old === undefined || old.rows === 0) return undefined;
    return `${first} ${formatRowCount(old)} whose ${eventTime} is more than 24 hours ago. Batch is reported to refuse such events (event_too_old). ${ADVICE}`;
  }
  if (start !== undefined || !hasTimeCursor(selection)) return undefined;
  const before = await resolveStart(clickhouse, selection, OLDEST_ACCEPTED, now);
  const old = await count(selection, { before });
  if (old === undefined || old.rows === 0) return undefined;
  const effect =
    column === undefined
      ? `Without a column ${eventTime}, Batch uses the time at which it receives their events, which may trigger messages.`
      : `If their ${eventTime} is as old, Batch is likely to refuse their events (event_too_old).`;
  return `${first} all rows, including ${formatRowCount(old)} whose ${cursor.column.name} is more than 24 hours ago. ${effect} ${ADVICE}`;
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
  use: StreamUse | undefined,
  stop: AbortSignal,
): Promise<FirstRunNote[]> {
  const now = await readServerClock(clickhouse);
  const selection = await selectStream(clickhouse, configuration, name);
  if (selection === undefined) return [];
  const start = { startFrom: configuration.start_from, now, use };
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
 * @param timeoutMs how long to wait for a count, in milliseconds.
 * @param onSlow called if a count does not arrive in time.
 */
export function createCounter(
  clickhouse: ClickHouse,
  {
    stop,
    timeoutMs = COUNT_TIMEOUT_MS,
    onSlow = () => {},
  }: { stop: AbortSignal; timeoutMs?: number; onSlow?: () => void },
): CountRows {
  return async (selection, range, limit) => {
    const rows = await countRows(clickhouse, selection, range, { stop, timeoutMs, limit });
    if (rows === 'slow') onSlow();
    return typeof rows === 'string' ? undefined : rows;
  };
}
