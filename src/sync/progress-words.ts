import ms from 'ms';
import type { Progress } from './run-progress.ts';

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
