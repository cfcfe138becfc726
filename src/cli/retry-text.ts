import type { RetryPlan, RetryResult } from '../destination-batch/retry/retry.ts';
import { formatCount, formatList, formatNumber, plural } from '../shared/format.ts';
import { resolveLauncher } from './command.ts';

/** The maximum number of files that are listed. */
const MAX_FILES = 5;

/** Describes what a retry is going to do, in lines of text. */
export function describePlan({ counts, tooOld, eventAgeHours, inUse, isDryRun }: RetryPlan): string[] {
  const { send, filtered, uncertain, attributes, over_limit: overLimit, unreadable } = counts;
  const all = send + filtered + uncertain + attributes + overLimit + unreadable;
  const lines = [
    `${formatCount(all, 'rejected row')}: ${formatNumber(send)} ${isDryRun ? 'would be sent' : 'to send'}.`,
  ];
  if (tooOld > 0) {
    lines.push(
      `  ${formatNumber(tooOld)} of them ${plural(tooOld, 'is', 'are')} older than ${formatCount(eventAgeHours, 'hour')}. Batch is reported to refuse such events; policies.untimely_event decides how they are sent.`,
    );
  }
  if (uncertain > 0) {
    lines.push(
      `  ${formatCount(uncertain, 'row')} skipped, because ${plural(uncertain, 'it', 'they')} may have arrived or the next sync may read ${plural(uncertain, 'it', 'them')} again. --include-uncertain sends ${plural(uncertain, 'it', 'them')} too.`,
    );
  }
  if (attributes > 0) {
    lines.push(
      `  ${formatCount(attributes, 'row')} with profile attributes skipped, because a sync may have sent newer values since. --include-attributes sends ${plural(attributes, 'it', 'them')} too, and replaces those values.`,
    );
  }
  if (filtered > 0) lines.push(`  ${formatCount(filtered, 'row')} skipped because of --reason or --since.`);
  if (overLimit > 0) lines.push(`  ${formatCount(overLimit, 'row')} skipped because of --limit.`);
  if (unreadable > 0) {
    lines.push(
      `  ${formatCount(unreadable, 'line')} skipped, because ${plural(unreadable, 'it', 'they')} can't be read. Correct or remove ${plural(unreadable, 'it', 'them')} by hand.`,
    );
  }
  if (inUse.length > 0) {
    lines.push(
      `  ${formatCount(inUse.length, 'file')} not read, because a run is writing to ${plural(inUse.length, 'it', 'them')}: ${formatList(inUse, MAX_FILES)}.`,
    );
  }
  return lines;
}

/**
 * Describes the outcome of a retry, in lines of text.
 *
 * @param wasStopped whether a signal has stopped the retry.
 */
export function describeResult(
  { isDryRun, counts: { send } }: RetryPlan,
  { counts, locations, failed }: RetryResult,
  wasStopped: boolean,
): string[] {
  const { accepted, rejected, uncertain } = counts;
  const codes = [...rejected].map(([code, times]) => `${code}: ${formatNumber(times)}`);
  const rejectedRows = [...rejected.values()].reduce((sum, times) => sum + times, 0);
  const again = `${formatNumber(rejectedRows)} rejected${codes.length === 0 ? '' : ` (${codes.join(', ')})`}`;
  if (isDryRun) {
    const known = `${formatNumber(accepted)} would be accepted, ${again}, as far as can be known before sending.`;
    return [`Dry run: nothing was sent. ${known}`];
  }
  const unsent = send - accepted - rejectedRows;
  const start = failed === undefined ? (wasStopped ? 'Stopped' : 'Done') : 'Failed';
  const lines = [
    `${start}: ${formatNumber(accepted)} accepted, ${again}${unsent === 0 ? '' : `, ${formatNumber(unsent)} not sent`}.`,
  ];
  if (uncertain > 0) {
    lines.push(`${formatCount(uncertain, 'row')} of these may have arrived. They are marked with may_have_arrived.`);
  }
  if (rejectedRows + unsent > 0 && locations.length > 0) {
    lines.push(
      `They are kept in ${formatList(locations, MAX_FILES)}.${rejectedRows > 0 ? ` ${resolveLauncher()} explain CODE says what to do.` : ''}`,
    );
  }
  return lines;
}
