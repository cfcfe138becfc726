import { plural } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import { type CursorRange, formatRowCount, type RowCount } from '../query/count-rows.ts';
import type { RowSelection } from '../query/row-query.ts';
import { resolveStart } from '../query/start-from.ts';
import { unwrapType } from '../schema/clickhouse-type.ts';
import type { Instant } from '../schema/instant.ts';

/** The age of the oldest events that Batch is reported to accept (docs/batch-api.md, section 2.3). */
const OLDEST_ACCEPTED = '24h';

/**
 * The start that is proposed if a table has older events: an hour less than OLDEST_ACCEPTED, because the first rows have to be
 * read, and have to wait until they are sent.
 */
const PROPOSED_START = '23h';

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
  if (isTime(selection) && start > (await resolveStart(clickhouse, selection, 'now', now))) {
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
  if (!isTime(selection)) return undefined;
  const { table, cursor } = selection;
  const before = await resolveStart(clickhouse, selection, OLDEST_ACCEPTED, now);
  const old = await count(selection, { before });
  if (old === undefined || old.rows === 0) return undefined;
  return {
    level: 'WARN',
    message: `The first run of "${table.name}" sends all rows, including ${formatRowCount(old)} older than 24 hours by ${plural(old.rows, 'its', 'their')} ${cursor.column.name}. Batch refuses events older than 24 hours, or dates them today if they have no event_time, which may trigger messages. To leave these rows out, set "start_from", for example to "${PROPOSED_START}" or "now".`,
  };
}

function isTime({ cursor }: RowSelection): boolean {
  const { kind } = unwrapType(cursor.column.type);
  return kind === 'date_time' || kind === 'date';
}
