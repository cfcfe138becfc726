import type { Plan } from './plan.ts';
import type { RoundResult } from './round.ts';

/** Lines of a connector's log that are shown of each run. */
const LINES_SHOWN = 30;

/** A round that the harness itself could not carry out. */
export function failureOf(error: unknown): RoundResult {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const complaints = [`The round could not be carried out: ${words}`];
  return { complaints, rows: 0, runs: 0, repeats: 0, tooLate: 0, seconds: 0, said: [] };
}

/** A round on one line. */
export function describeResult(plan: Plan, { complaints, rows, runs, repeats, tooLate, seconds }: RoundResult): string {
  const verdict = complaints.length === 0 ? 'passed' : 'FAILED';
  const faults = plan.runs.map((run) => run.faults.map(({ kind }) => kind).join('+')).join(' | ');
  const late = tooLate > 0 ? `, ${tooLate} too late` : '';
  return `${verdict} ${plan.seed}: ${rows} rows, ${runs} runs, ${repeats} repeats${late}, ${seconds.toFixed(1)} s: ${faults}`;
}

/** What went wrong in a round, what it was, and how to see it again. */
export function describeFailure(plan: Plan, { complaints, said }: RoundResult): string {
  const logs = said.map((lines, index) => [`--- run ${index + 1} said`, ...lines.slice(-LINES_SHOWN)].join('\n'));
  return [
    ...complaints.map((complaint) => `  ${complaint}`),
    `  Again: npm run chaos -- --rounds 1 --seed ${plan.seed}`,
    `  The plan: ${JSON.stringify(plan, null, 2)}`,
    ...logs,
  ].join('\n');
}
