import wrapAnsi from 'wrap-ansi';
import { type Cell, layOutWrappedTable } from '../../runner/terminal/table.ts';
import type { Terminal } from '../../runner/terminal/terminal.ts';
import { formatCount, formatDuration, formatNumber } from '../../shared/format.ts';
import { printable, printableLines } from '../../shared/printable.ts';
import { durationOf, type RunRecord } from '../history/run-record.ts';
import { formatMoment } from '../report/format.ts';
import type { LockStatus } from '../state/store.ts';
import type { Condition, StreamStatus, SyncStatus } from './status.ts';

type Colour = NonNullable<Cell['colour']>;

const COLOURS: Record<Condition, Colour> = {
  failed: 'red',
  stale: 'red',
  rejected: 'yellow',
  ok: 'green',
  unknown: 'dim',
};

const OUTCOME_COLOURS: Record<RunRecord['outcome'], Colour | undefined> = {
  failed: 'red',
  stopped: 'yellow',
  succeeded: undefined,
};

/**
 * Formats a status for a terminal.
 *
 * @param now milliseconds since the epoch.
 * @param launcher the launcher, in the form in which the user can type it.
 */
export function formatStatus(status: SyncStatus, now: number, terminal: Terminal, launcher: string): string {
  const { state, condition, streams, runs, alert, lock } = status;
  const last = runs.at(-1);
  const facts: [name: string, text: string][] = [
    ['Last run', last === undefined ? 'none is recorded' : describeRun(last, now)],
    ...(last === undefined || last.rows_rejected === 0
      ? []
      : [['Rejected', describeRejected(last, launcher)] as [string, string]]),
    ...(last?.error == null ? [] : [['Error', describeError(last.error)] as [string, string]]),
    ['Alert', alert === null ? 'none was sent' : `${alert.status} since ${formatMoment(Date.parse(alert.since))}`],
    ['Lock', describeLock(lock)],
  ];
  const table = facts.map(([name, text]): Cell[] => [{ text: name, colour: 'dim' }, { text: printableLines(text) }]);
  const heading = `${printable(state)}: ${terminal.paint(COLOURS[condition], condition)}`;
  const text = [heading, '', layOutWrappedTable(table, terminal), formatStreams(streams, terminal)].join('\n');
  return terminal.toCharset(text);
}

/** Formats the recorded runs as a table, the newest last. */
export function formatHistory(runs: readonly RunRecord[], terminal: Terminal): string {
  if (runs.length === 0) return 'No run is recorded.\n';
  const head = ['started', 'took', 'read', 'accepted', 'rejected', 'outcome'];
  const rows = runs.map((run): Cell[] => [
    { text: formatMoment(Date.parse(run.started_at)) },
    { text: formatDuration(durationOf(run)) },
    { text: formatNumber(run.rows_read) },
    { text: formatNumber(run.rows_accepted) },
    { text: formatNumber(run.rows_rejected), colour: run.rows_rejected > 0 ? 'yellow' : undefined },
    {
      text: run.error === null ? run.outcome : `${run.outcome}: ${printable(run.error.code)}`,
      colour: OUTCOME_COLOURS[run.outcome],
    },
  ]);
  return layOutWrappedTable([head.map((text): Cell => ({ text, colour: 'dim' })), ...rows], terminal);
}

function describeRun(run: RunRecord, now: number): string {
  const full = run.sync_mode === 'full_refresh' ? ' (full refresh)' : '';
  const ago = formatDuration(Math.max(0, now - Date.parse(run.ended_at)));
  return `${run.outcome} ${ago} ago, after ${formatDuration(durationOf(run))}${full}: ${formatCount(run.rows_read, 'row')} read, ${formatNumber(run.rows_accepted)} accepted, ${formatNumber(run.rows_rejected)} rejected`;
}

function describeRejected({ rejected }: RunRecord, launcher: string): string {
  const codes = Object.entries(rejected).map(([code, rows]) => `${formatNumber(rows)} × ${code}`);
  return `${codes.join(', ')}. What to do about each: ${launcher} explain CODE`;
}

function describeError({ code, message }: NonNullable<RunRecord['error']>): string {
  return `${message} (${code})`;
}

function describeLock(lock: LockStatus): string {
  if (lock.kind === 'unlocked') return 'not locked: no sync is running';
  if (lock.owner === undefined) return 'locked by a sync that is running';
  const { pid, host, since } = lock.owner;
  return `locked by a sync that is running: process ${pid} on ${host}, since ${formatMoment(Date.parse(since))}`;
}

function formatStreams(streams: readonly StreamStatus[], terminal: Terminal): string {
  if (streams.length === 0) return wrapAnsi('No stream has a state yet.\n', terminal.width);
  const head = ['stream', 'accepted', 'rejected', 'age', 'cursor'].map((text): Cell => ({ text, colour: 'dim' }));
  const rows = streams.map(({ name, lastRun, ageMs, isStale, cursor, cursorColumn }): Cell[] => [
    { text: printable(name) },
    { text: lastRun === null ? '-' : formatNumber(lastRun.rowsAccepted) },
    {
      text: lastRun === null ? '-' : formatNumber(lastRun.rowsRejected),
      colour: lastRun !== null && lastRun.rowsRejected > 0 ? 'yellow' : undefined,
    },
    { text: ageMs === null ? '-' : formatDuration(ageMs), colour: isStale === true ? 'red' : undefined },
    { text: cursor === null ? 'no row yet' : `${printable(cursorColumn ?? '')} ${printable(cursor)}` },
  ]);
  return layOutWrappedTable([head, ...rows], terminal);
}
