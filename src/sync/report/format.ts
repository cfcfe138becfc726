import ms from 'ms';
import { counted } from '../../shared/format.ts';
import type { Progress } from '../progress.ts';

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

/** A count with all of its digits: 1,234,567. */
export function whole(count: number): string {
  return WHOLE.format(count);
}

/** A count in few characters: 1.23M. */
export function short(count: number): string {
  return SHORT.format(count);
}

/** A duration in its largest unit: 13m. */
export function duration(milliseconds: number): string {
  return ms(Math.round(milliseconds));
}

/** A moment as a person reads it, in the time of this machine: 2026-01-31 14:05:00. */
export function moment(time: number): string {
  // Sweden writes it so.
  return new Date(time).toLocaleString('sv-SE');
}

/** How far a run is, in one line: "12.3M of ~20M read, 12.3M accepted, 12 rejected, 9.8K/s, 13m left". */
export function progressWords(
  { rowsRead, rowsEstimated, rowsAccepted, rowsRejected, rowsPerSecond, millisecondsLeft }: Progress,
  count: (rows: number) => string,
): string {
  const isAll = rowsEstimated === undefined || rowsEstimated === rowsRead;
  return [
    `${count(rowsRead)}${isAll ? '' : ` of ~${count(rowsEstimated)}`} read`,
    `${count(rowsAccepted)} accepted`,
    `${count(rowsRejected)} rejected`,
    ...(rowsPerSecond === undefined ? [] : [`${count(rowsPerSecond)}/s`]),
    ...(millisecondsLeft === undefined ? [] : [`${duration(Math.ceil(millisecondsLeft / 1_000) * 1_000)} left`]),
  ].join(', ');
}

/** What a first signal has a run do, and what a second one would: Batch may be out of reach, and to deliver the rest take long. */
export function stoppingWords({
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
  return `${stopping}, ${counted(left, 'row')} as yet. A second Ctrl-C ends at once; ${again}.`;
}
