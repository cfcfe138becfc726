import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import type { CursorRange, RowCount } from '../query/count-rows.ts';
import type { RowSelection } from '../query/row-query.ts';
import { readServerClock } from '../query/server-info.ts';
import { resolveStart } from '../query/start-from.ts';
import { createCounter, hasTimeCursor, OLDEST_ACCEPTED, PROPOSED_START, selectStream } from './first-run.ts';

/** A start that leaves old rows out, and the number of rows on both sides of it, in all streams together. */
export type StartProposal = { startFrom: string; sent: RowCount; leftOut: RowCount };

/**
 * Proposes a start if one of the tables and views has rows that are older than Batch accepts. Returns undefined if none has, if
 * a cursor is not a time, or if the rows can't be counted in time.
 *
 * @param stop cancels the queries that count rows.
 */
export async function proposeStart(
  clickhouse: ClickHouse,
  configuration: SourceConfiguration,
  names: readonly string[],
  stop: AbortSignal,
): Promise<StartProposal | undefined> {
  const now = await readServerClock(clickhouse);
  const selections: RowSelection[] = [];
  for (const name of names) {
    const selection = await selectStream(clickhouse, configuration, name);
    if (selection !== undefined) selections.push(selection);
  }
  if (!selections.every(hasTimeCursor)) return undefined;
  const count = createCounter(clickhouse, { stop });
  const countAll = async (age: string, toRange: (cursor: string) => CursorRange): Promise<RowCount | undefined> => {
    let total: RowCount = { rows: 0, isMinimum: false };
    for (const selection of selections) {
      const found = await count(selection, toRange(await resolveStart(clickhouse, selection, age, now)));
      if (found === undefined) return undefined;
      total = { rows: total.rows + found.rows, isMinimum: total.isMinimum || found.isMinimum };
    }
    return total;
  };
  const old = await countAll(OLDEST_ACCEPTED, (before) => ({ before }));
  if (old === undefined || old.rows === 0) return undefined;
  const sent = await countAll(PROPOSED_START, (from) => ({ from }));
  const leftOut = await countAll(PROPOSED_START, (before) => ({ before }));
  return sent && leftOut && { startFrom: PROPOSED_START, sent, leftOut };
}
