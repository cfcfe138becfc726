import { formatCount, formatDuration, formatNumber } from '../../shared/format.ts';
import type { RunResult } from '../result.ts';

/**
 * Summarizes a run in lines of text. Its errors are not included: they go to stderr.
 *
 * @param launcher the launcher, in the form in which the user can type it.
 */
export function summarizeRun(result: RunResult, launcher: string): string[] {
  const { outcome, milliseconds, rowsRead, state } = result;
  const time = formatDuration(milliseconds);
  switch (outcome.kind) {
    case 'complete':
      if (rowsRead === 0) return ['No new rows.'];
      return [`Done in ${time}: ${describeCounts(result)}.`, ...adviseOnRejected(result, launcher)];
    case 'stopped':
      return [
        `Stopped ${outcome.atOnce ? 'at once ' : ''}after ${time}: ${describeCounts(result)}.`,
        ...describeNextRun(result),
      ];
    case 'failed':
      // Nothing has happened yet, for example because of a mistake in a configuration.
      if (rowsRead === 0 && state.kind !== 'changed') return [];
      return [`Failed after ${time}: ${describeCounts(result)}.`, ...describeNextRun(result)];
  }
}

/**
 * Describes how many rows were read, and how many of them the saved state covers. The destination has already logged how many
 * rows were accepted and rejected in total. If a run ends early, the state may cover fewer rows than that. The summary then only
 * says how many rows the state covers.
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
  return `${read}, ${settled}${unsettled > 0 ? `, ${formatNumber(unsettled)} neither accepted nor rejected` : ''}`;
}

function adviseOnRejected({ rowsRejected }: RunResult, launcher: string): string[] {
  if (rowsRejected === 0) return [];
  return [
    `The next run does not send rejected rows again. The reasons are listed above. What to do about each: ${launcher} explain CODE`,
  ];
}

function describeNextRun({ state }: RunResult): string[] {
  if (state.kind === 'untouched') return ['The state is unchanged.'];
  if (state.kind === 'changed') return ['The next run continues from the state that the other process wrote.'];
  const { rowsToComeAgain, mayComeTwice, positions } = state;
  return [
    positions.length === 0
      ? 'No state was saved: the next run starts with the first row.'
      : `The next run continues after ${positions.join('; ')}.`,
    ...(rowsToComeAgain > 0
      ? [
          `Up to ${formatCount(rowsToComeAgain, 'row')} since the last saved state will be read again${mayComeTwice ? ', and some of them may reach Batch twice' : ''}.`,
        ]
      : []),
  ];
}
