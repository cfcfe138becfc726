import { duration, whole } from './progress-words.ts';
import type { RunResult } from './run-result.ts';

/** What a run did, in lines for a person. Why it failed is not among them: it is for stderr. */
export function runSummary(result: RunResult): string[] {
  const { outcome, rowsRead, rowsAccepted, rowsRejected, milliseconds } = result;
  const unsettled = rowsRead - rowsAccepted - rowsRejected;
  const counts = [
    `${whole(rowsRead)} rows read`,
    `${whole(rowsAccepted)} accepted`,
    `${whole(rowsRejected)} rejected`,
    ...(unsettled > 0 ? [`${whole(unsettled)} not settled`] : []),
  ].join(', ');
  const time = duration(milliseconds);
  switch (outcome.kind) {
    case 'complete':
      return [`Done in ${time}: ${counts}.`, ...ofRejected(result)];
    case 'stopped':
      return [`Stopped ${outcome.atOnce ? 'at once ' : ''}after ${time}: ${counts}.`, ...ofNextRun(result)];
    case 'failed':
      return [`Failed after ${time}: ${counts}.`, ...ofNextRun(result)];
  }
}

function ofRejected({ rowsRejected }: RunResult): string[] {
  if (rowsRejected === 0) return [];
  return ['Rejected rows are not sent again by the next run. Why they were rejected stands above, code by code.'];
}

function ofNextRun({ state }: RunResult): string[] {
  if (state.kind === 'untouched') return ['The state is as it was before this run.'];
  if (state.kind === 'changed') return ['The next run goes on from what others wrote to the state file.'];
  const { rowsToComeAgain, mayComeTwice, positions } = state;
  return [
    positions.length === 0
      ? 'No state was kept: the next run begins with the first row.'
      : `The next run goes on behind ${positions.join('; ')}.`,
    ...(rowsToComeAgain > 0
      ? [
          `It reads up to ${whole(rowsToComeAgain)} rows again, those behind the last state that was kept${mayComeTwice ? ': some of them may reach Batch twice' : ''}.`,
        ]
      : []),
  ];
}
