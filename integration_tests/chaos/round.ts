import { Journal } from './journal.ts';
import { DATABASE, type Lab } from './lab.ts';
import { complaints, type Evidence } from './ledger.ts';
import type { Plan, RunPlan } from './plan.ts';
import { keptRejectedRows } from './rejected-rows.ts';
import { RoundFiles } from './round-files.ts';
import { performRun } from './run.ts';
import type { RunEnd } from './run-end.ts';
import { StateFile } from './state-file.ts';
import { createTable, firstRows, rowId } from './table.ts';
import { Writers, type Written } from './writers.ts';

/** A run that nothing befalls. */
const CLEAN: RunPlan = { faults: [], writes: [] };

export type RoundResult = {
  /** What was not as it is promised. */
  complaints: string[];
  rows: number;
  /** How each run ended, the clean one at last. */
  ends: RunEnd[];
  /** How often rows were stored once more than once. */
  repeats: number;
  /** Rows that appeared so late that they may be missing. */
  tooLate: number;
  seconds: number;
  /** What the connectors logged, run by run. */
  said: string[][];
};

/**
 * Carries out a round: fills a table, runs the plan, lets a clean run finish the job, and judges it.
 *
 * @param options.isHasty with a platform that hands back states that were not echoed.
 */
export async function performRound(lab: Lab, plan: Plan, { isHasty = false } = {}): Promise<RoundResult> {
  const begun = performance.now();
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
    const said: string[][] = [];
    const perform = async (run: RunPlan): Promise<void> => {
      batch.faults.clear();
      batch.faults.add(plan.poison.map((row) => ({ kind: 'refuse_when', contains: rowId(row) })));
      const parts = { lab, files, journal, stateFile, writers, number: said.length, isHasty };
      said.push(await performRun(parts, run));
    };
    for (const run of plan.runs) await perform(run);
    const written = await writers.finished();
    await clickhouse.isBack();
    await perform(CLEAN);

    const evidence: Evidence = {
      happenings: journal.happenings,
      ...(await rowsOf(lab, table, plan, written)),
      rejected: keptRejectedRows(files.rejectedFolder),
    };
    const seen = new Set([...batch.store.events()].map(({ json }) => json));
    return {
      complaints: complaints(evidence),
      rows: evidence.table.size,
      ends: journal.happenings.flatMap((happening) => (happening.kind === 'run_ends' ? [happening.end] : [])),
      repeats: batch.store.eventCount - seen.size,
      tooLate: evidence.tooLate.size,
      seconds: (performance.now() - begun) / 1000,
      said,
    };
  } finally {
    await clickhouse.isBack();
    await clickhouse.server.execute(`DROP TABLE IF EXISTS ${table} SYNC`);
    files.remove();
  }
}

/** The rows in the table, and those that may have appeared later after their stamp than the source looks back. */
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
