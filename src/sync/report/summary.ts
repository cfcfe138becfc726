import { formatCount, formatDuration, formatNumber } from '../../shared/format.ts';
import type { RunResult } from '../result.ts';

/** What a run did, in lines for a person. Why it failed is not among them: it is for stderr. */
export function summarizeRun(result: RunResult): string[] {
  const { outcome, milliseconds } = result;
  const time = formatDuration(milliseconds);
  switch (outcome.kind) {
    case 'complete':
      return [`Done in ${time}: ${describeCounts(result)}.`, ...adviseOnRejected(result)];
    case 'stopped':
      return [
        `Stopped ${outcome.atOnce ? 'at once ' : ''}after ${time}: ${describeCounts(result)}.`,
        ...describeNextRun(result),
      ];
    case 'failed':
      return [`Failed after ${time}: ${describeCounts(result)}.`, ...describeNextRun(result)];
  }
}

/**
 * What is counted here are rows behind which a state was written. The destination, which is heard above, has told how many
 * were accepted and rejected in all; the two differ when a run breaks off, and would contradict each other in the same words.
 */
function describeCounts({ rowsRead, rowsAccepted, rowsRejected, state }: RunResult): string {
  const read = `${formatCount(rowsRead, 'row')} read`;
  const settled = `${formatNumber(rowsAccepted)} accepted, ${formatNumber(rowsRejected)} rejected`;
  const unsettled = rowsRead - rowsAccepted - rowsRejected;
  if (state.kind === 'kept' && state.rowsToComeAgain > 0) {
    const covered = rowsRead - state.rowsToComeAgain;
    if (covered <= 0) return `${read}. The state covers none of them`;
    return `${read}. The state covers ${formatNumber(covered)} of them${state.rowsToComeAgain === unsettled ? `: ${settled}` : ''}`;
  }
  return `${read}, ${settled}${unsettled > 0 ? `, ${formatNumber(unsettled)} not settled` : ''}`;
}

function adviseOnRejected({ rowsRejected }: RunResult): string[] {
  if (rowsRejected === 0) return [];
  return [
    'Rejected rows are not sent again by the next run. Why they were rejected stands above, code by code; connector explain CODE says what to do.',
  ];
}

function describeNextRun({ state }: RunResult): string[] {
  if (state.kind === 'untouched') return ['The state is as it was before this run.'];
  if (state.kind === 'changed') return ['The next run goes on from what others wrote to the state file.'];
  const { rowsToComeAgain, mayComeTwice, positions } = state;
  return [
    positions.length === 0
      ? 'No state was kept: the next run begins with the first row.'
      : `The next run goes on behind ${positions.join('; ')}.`,
    ...(rowsToComeAgain > 0
      ? [
          `It reads up to ${formatCount(rowsToComeAgain, 'row')} again, those behind the last state that was kept${mayComeTwice ? ': some of them may reach Batch twice' : ''}.`,
        ]
      : []),
  ];
}
