import { formatCount, formatDuration, plural } from '../../shared/format.ts';
import type { Progress } from '../progress.ts';

/** Formats a time in the time zone of this machine: 2026-01-31 14:05:00. */
export function formatMoment(time: number): string {
  // The Swedish locale has this format.
  return new Date(time).toLocaleString('sv-SE');
}

/** Formats the progress of a run as one line: "12.3M of ~20M read, 12.3M accepted, 12 rejected, 9.8K/s, 13m left". */
export function formatProgress(
  { rowsRead, rowsEstimated, rowsAccepted, rowsRejected, rowsPerSecond, millisecondsLeft }: Progress,
  count: (rows: number) => string,
): string {
  const isAll = rowsEstimated === undefined || rowsEstimated === rowsRead;
  return [
    `${count(rowsRead)}${isAll ? '' : ` of ~${count(rowsEstimated)}`} read`,
    `${count(rowsAccepted)} accepted`,
    `${count(rowsRejected)} rejected`,
    ...(rowsPerSecond === undefined ? [] : [`${count(rowsPerSecond)}/s`]),
    ...(millisecondsLeft === undefined ? [] : [`${formatDuration(Math.ceil(millisecondsLeft / 1_000) * 1_000)} left`]),
  ].join(', ');
}

/**
 * Describes what the first signal does, and what a second one would do. The user may need the second signal, because sending the
 * remaining rows can take long if Batch is down.
 */
export function formatStopping({
  rowsRead,
  rowsAccepted,
  rowsRejected,
}: Pick<Progress, 'rowsRead' | 'rowsAccepted' | 'rowsRejected'>): string {
  const left = rowsRead - rowsAccepted - rowsRejected;
  if (left <= 0) return 'Stopping. Press Ctrl-C again to stop now.';
  const again = plural(
    left,
    'this row again, and it may reach Batch twice',
    'these rows again, and some may reach Batch twice',
  );
  return `Stopping: sending the ${formatCount(left, 'row')} already read. Press Ctrl-C again to stop now: the next run then reads ${again}.`;
}
