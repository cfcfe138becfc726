import { Journal } from './journal.ts';
import { DATABASE, type Lab } from './lab.ts';
import { complaints, type Evidence } from './ledger.ts';
import type { Plan, RunPlan } from './plan.ts';
import { readRejectedRows } from './rejected-rows.ts';
import { RoundFiles } from './round-files.ts';
import { performRun } from './run.ts';
import type { RunEnd } from './run-end.ts';
import { StateFile } from './state-file.ts';
import { createTable, firstRows, rowId } from './table.ts';
import { Writers, type Written } from './writers.ts';

/** A run without faults or INSERTs. */
const CLEAN: RunPlan = { faults: [], writes: [] };

export type RoundResult = {
  /** Which promises were broken, and how. */
  complaints: string[];
  rows: number;
  /** How each run ended. The clean run is the last. */
  ends: RunEnd[];
  /** The number of events that Batch stored in addition to the first of each row. */
  repeats: number;
  /** The number of rows that appeared too late for the lookback, so that they may be missing. */
  tooLate: number;
  seconds: number;
  /** The output of the connectors without rows and states, for each run. */
  logs: string[][];
};

/**
 * Runs a round: fills a table, performs the runs of the plan and then a clean run, and checks what happened.
 *
 * @param options.isHasty whether the platform saves states that were not echoed. The ledger must detect that.
 */
export async function performRound(lab: Lab, plan: Plan, { isHasty = false } = {}): Promise<RoundResult> {
  const startedAt = performance.now();
  const { clickhouse, batch, disk } = lab;
  const name = `round_${plan.seed}`;
  const table = `${DATABASE}.${name}`;
  const files = new RoundFiles(lab, plan, name);
  try {
    batch.reset();
    await clickhouse.isBack();
    await clickhouse.server.execute(createTable(table, plan.table), firstRows(table, plan.table));
    const journal = new Journal(batch, files.rejectedFolder);
    const stateFile = new StateFile(disk, files.statePath);
    const writers = new Writers(clickhouse, table, plan.table);
    const logs: string[][] = [];
    const perform = async (run: RunPlan): Promise<void> => {
      batch.faults.clear();
      batch.faults.add(plan.poison.map((row) => ({ kind: 'refuse_when', contains: rowId(row) })));
      const parts = { lab, files, journal, stateFile, writers, number: logs.length, isHasty };
      logs.push(await performRun(parts, run));
    };
    for (const run of plan.runs) await perform(run);
    const written = await writers.finished();
    await clickhouse.isBack();
    await perform(CLEAN);

    const evidence: Evidence = {
      entries: journal.entries,
      ...(await rowsOf(lab, table, plan, written)),
      rejected: readRejectedRows(files.rejectedFolder),
    };
    const seen = new Set([...batch.store.events()].map(({ json }) => json));
    return {
      complaints: complaints(evidence),
      rows: evidence.table.size,
      ends: journal.entries.flatMap((entry) => (entry.kind === 'run_ends' ? [entry.end] : [])),
      repeats: batch.store.eventCount - seen.size,
      tooLate: evidence.tooLate.size,
      seconds: (performance.now() - startedAt) / 1000,
      logs,
    };
  } finally {
    await clickhouse.isBack();
    await clickhouse.server.execute(`DROP TABLE IF EXISTS ${table} SYNC`);
    files.remove();
  }
}

/** Returns the rows in the table, and which of them may have appeared too late for the lookback. */
async function rowsOf(
  { clickhouse }: Lab,
  table: string,
  { table: { lookbackSeconds } }: Plan,
  written: readonly Written[],
): Promise<Pick<Evidence, 'table' | 'tooLate'>> {
  const rows = await clickhouse.server.query<{ id: string; stamp: string }>(
    `SELECT id, toUnixTimestamp64Milli(toDateTime64(last_updated_at, 3)) AS stamp FROM ${table}`,
  );
  const visibleAt = new Map(
    written.flatMap(({ from, count, visibleAt }) =>
      Array.from({ length: count }, (_, index) => [rowId(from + index), visibleAt]),
    ),
  );
  const isTooLate = ({ id, stamp }: { id: string; stamp: string }): boolean =>
    (visibleAt.get(id) ?? 0) - Number(stamp) > lookbackSeconds * 1000;
  return {
    table: new Set(rows.map(({ id }) => id)),
    tooLate: new Set(rows.filter(isTooLate).map(({ id }) => id)),
  };
}
