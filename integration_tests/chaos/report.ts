import { inspect } from 'node:util';
import type { Fault } from './faults.ts';
import type { Plan } from './plan.ts';
import type { RoundResult } from './round.ts';
import type { RunEnd } from './run-end.ts';

/** Lines of a connector's log that are shown of each run. */
const LINES_SHOWN = 30;

/** A round that the harness itself could not carry out. */
export function failureOf(error: unknown): RoundResult {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const complaints = [`The round could not be carried out: ${words}`];
  return { complaints, rows: 0, ends: [], repeats: 0, tooLate: 0, seconds: 0, said: [] };
}

/** A round on one line. */
export function describeResult(plan: Plan, { complaints, rows, ends, repeats, tooLate, seconds }: RoundResult): string {
  const verdict = complaints.length === 0 ? 'passed' : 'FAILED';
  const faults = plan.runs.map((run, index) => run.faults.map((fault) => words(fault, ends[index])).join(' + '));
  const late = tooLate > 0 ? `, ${tooLate} too late` : '';
  return `${verdict} ${plan.seed}: ${rows} rows, ${repeats} repeats${late}, ${seconds.toFixed(1)} s: ${faults.join(' | ')}`;
}

/** A fault in few words; in parentheses if its moment did not come. */
function words(fault: Fault, end: RunEnd | undefined): string {
  const what = whatOf(fault);
  return end?.met.includes(fault) ? what : `(${what})`;
}

function whatOf(fault: Fault): string {
  switch (fault.kind) {
    case 'signal':
      return `${fault.signal} to ${fault.to.join(' and ')}`;
    case 'batch_answer':
      return `Batch: ${fault.answer.kind}${fault.answer.kind === 'status' ? ` ${fault.answer.status}` : ''}`;
    case 'reader_pauses':
    case 'reader_leaves':
      return `${fault.kind} of ${fault.of}`;
    default:
      return fault.kind;
  }
}

/** What went wrong in a round, what it was, and how to see it again. */
export function describeFailure(plan: Plan, { complaints, said }: RoundResult): string {
  const logs = said.map((lines, index) => [`--- run ${index + 1} said`, ...lines.slice(-LINES_SHOWN)].join('\n'));
  return [
    ...complaints.map((complaint) => `  ${complaint}`),
    `  Again: npm run chaos -- --rounds 1 --seed ${plan.seed}`,
    `  The plan: ${inspect(plan, { depth: null, breakLength: 120 })}`,
    ...logs,
  ].join('\n');
}
