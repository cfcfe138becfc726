import { inspect } from 'node:util';
import type { Fault } from './faults.ts';
import type { Plan } from './plan.ts';
import type { RoundResult } from './round.ts';
import type { RunEnd } from './run-end.ts';

/** The number of log lines that are shown for each run. */
const LINES_SHOWN = 30;

/** The result of a round that failed because of the test code itself. */
export function failureOf(error: unknown): RoundResult {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const complaints = [`The test code failed: ${words}`];
  return { complaints, rows: 0, ends: [], repeats: 0, tooLate: 0, seconds: 0, logs: [] };
}

/** Describes a round in one line. */
export function describeResult(plan: Plan, { complaints, rows, ends, repeats, tooLate, seconds }: RoundResult): string {
  const verdict = complaints.length === 0 ? 'passed' : 'FAILED';
  const faults = plan.runs.map((run, index) =>
    run.faults.map((fault) => describeFault(fault, ends[index])).join(' + '),
  );
  const late = tooLate > 0 ? `, ${tooLate} too late` : '';
  return `${verdict} ${plan.seed}: ${rows} rows, ${repeats} repeats${late}, ${seconds.toFixed(1)} s: ${faults.join(' | ')}`;
}

/** Describes a fault in a few words, in parentheses if it did not occur. */
function describeFault(fault: Fault, end: RunEnd | undefined): string {
  const name = nameOf(fault);
  return end?.occurred.includes(fault) ? name : `(${name})`;
}

function nameOf(fault: Fault): string {
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

/** Describes a failed round: its complaints, how to repeat it, its plan and the last log lines. */
export function describeFailure(plan: Plan, { complaints, logs }: RoundResult): string {
  const shown = logs.map((lines, index) => [`--- log of run ${index + 1}`, ...lines.slice(-LINES_SHOWN)].join('\n'));
  return [
    ...complaints.map((complaint) => `  ${complaint}`),
    `  Repeat it: npm run chaos -- --rounds 1 --seed ${plan.seed}`,
    `  Plan: ${inspect(plan, { depth: null, breakLength: 120 })}`,
    ...shown,
  ].join('\n');
}
