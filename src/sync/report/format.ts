import { formatCount, formatDuration } from '../../shared/format.ts';
import type { Progress } from '../progress.ts';

/** A moment as a person reads it, in the time of this machine: 2026-01-31 14:05:00. */
export function formatMoment(time: number): string {
  // Sweden writes it so.
  return new Date(time).toLocaleString('sv-SE');
}

/** How far a run is, in one line: "12.3M of ~20M read, 12.3M accepted, 12 rejected, 9.8K/s, 13m left". */
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

/** What a first signal has a run do, and what a second one would: Batch may be out of reach, and to deliver the rest take long. */
export function formatStopping({
  rowsRead,
  rowsAccepted,
  rowsRejected,
}: Pick<Progress, 'rowsRead' | 'rowsAccepted' | 'rowsRejected'>): string {
  const left = rowsRead - rowsAccepted - rowsRejected;
  const stopping = 'It ends: what has been read is still delivered';
  if (left <= 0) return `${stopping}. A second Ctrl-C ends at once.`;
  const again =
    left === 1
      ? 'it then comes again with the next run, and perhaps twice to Batch'
      : 'they then come again with the next run, some of them perhaps twice to Batch';
  return `${stopping}, ${formatCount(left, 'row')} as yet. A second Ctrl-C ends at once; ${again}.`;
}
