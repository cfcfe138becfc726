import { troubleshootingPage } from '../../protocol/help-pages.ts';
import { formatCount, formatDuration, formatList, formatNumber } from '../../shared/format.ts';
import { printable } from '../../shared/printable.ts';
import type { AlertStatus } from '../history/run-history.ts';
import type { RunRecord } from '../history/run-record.ts';
import {
  type AlertLimits,
  ageOf,
  findRunWithRows,
  findStaleStreams,
  type RejectedLimit,
  type Status,
} from './status.ts';

/** The status that an alert reports. */
export type ReportedStatus = Exclude<Status, 'ok'> | 'recovered';

/** The body of an alert. Receivers rely on it: docs/alerting.md describes it. */
export type AlertBody = {
  status: ReportedStatus;
  /** The status that was reported before; `ok` if there was none. */
  previous_status: Status;
  /** The alert in one line for people. Slack and Mattermost show it. */
  text: string;
  /** The name of the machine. In Kubernetes, each run has a different one. */
  host: string;
  /** The location of the state, which identifies the sync: an absolute path or a URL. */
  state: string;
  /** The run that the alert is about. */
  run: Pick<RunRecord, 'started_at' | 'ended_at' | 'outcome' | 'sync_mode'>;
  rows_read: number;
  rows_accepted: number;
  rows_rejected: number;
  /** The number of rejected rows by code. */
  rejected: RunRecord['rejected'];
  error: RunRecord['error'];
  /** The page that explains the alert; null for `recovered`. */
  help: string | null;
  /**
   * The streams of the run. The cursor is left out, because it is a value from the user's table, and an alert may leave the
   * company.
   */
  streams: (Omit<RunRecord['streams'][number], 'cursor'> & { age_seconds: number | null; stale: boolean })[];
};

/** What happened, and where. */
export type AlertEvent = {
  status: ReportedStatus;
  /** The status that was reported before; undefined if there was none. */
  last: AlertStatus | undefined;
  /** The run that has just ended. */
  newest: RunRecord;
  /** The last runs, up to and including `newest`, which is the last one. */
  runs: readonly RunRecord[];
  limits: AlertLimits;
  host: string;
  state: string;
};

const ALERTING_PAGE = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/alerting.md';

/** The maximum number of characters of an error in `text`, so that it stays readable on a phone. `error` contains all of it. */
const MAX_ERROR_LENGTH = 300;

/** The maximum numbers of streams and of rejection codes in `text`. */
const MAX_STREAMS = 3;
const MAX_CODES = 3;

/** Builds the body of an alert. */
export function buildAlertBody(event: AlertEvent): AlertBody {
  const { status, last, newest, runs, limits, host, state } = event;
  const run = (status === 'rejecting' ? findRunWithRows(runs) : undefined) ?? newest;
  const { started_at, ended_at, outcome, sync_mode, rows_read, rows_accepted, rows_rejected, rejected, error } = run;
  const help = findHelpPage(status, run);
  const stale = limits.staleAfterMs === undefined ? [] : findStaleStreams(run, limits.staleAfterMs);
  return {
    status,
    previous_status: last?.status ?? 'ok',
    text: `${describeEvent(event, run)}${help === null ? '' : ` ${help}`}`,
    host,
    state,
    run: { started_at, ended_at, outcome, sync_mode },
    rows_read,
    rows_accepted,
    rows_rejected,
    rejected,
    error,
    help,
    streams: run.streams.map((stream) => {
      const { cursor: _, ...shown } = stream;
      const age = ageOf(stream, run);
      return {
        ...shown,
        age_seconds: age === undefined ? null : Math.round(age / 1_000),
        stale: stale.includes(stream),
      };
    }),
  };
}

function findHelpPage(status: ReportedStatus, { error, rejected }: RunRecord): string | null {
  switch (status) {
    case 'failed':
      return error?.help ?? `${ALERTING_PAGE}#failed`;
    case 'rejecting': {
      const [code] = byCount(rejected);
      return code === undefined ? `${ALERTING_PAGE}#rejecting` : troubleshootingPage(code[0]);
    }
    case 'stale':
      return `${ALERTING_PAGE}#stale`;
    case 'recovered':
      return null;
  }
}

function describeEvent({ status, last, limits, host, state, runs }: AlertEvent, run: RunRecord): string {
  const names = namesOf(run, runs);
  const where = plain(`${names === '' ? '' : `${names} on `}${host} (${state})`);
  switch (status) {
    case 'failed':
      return `Sync failed: ${where}. ${shorten(plain(run.error?.message ?? 'The reason is not known.'))} ${describeCounts(run)}`;
    case 'rejecting':
      return `Sync rejects rows: ${where}. ${describeRejected(run, limits.rejected)}`;
    case 'stale':
      return `Sync is stale: ${where}. ${describeStale(run, limits.staleAfterMs ?? 0)}`;
    case 'recovered':
      return `Sync recovered: ${where}. ${describeBefore(last, run)} ${describeCounts(run)}`;
  }
}

/** Returns the names of the streams. If the run failed before it knew its streams, these are the streams of an earlier run. */
function namesOf(run: RunRecord, runs: readonly RunRecord[]): string {
  const { streams } = run.streams.length > 0 ? run : (runs.findLast(({ streams }) => streams.length > 0) ?? run);
  return formatList(
    streams.map(({ name }) => name),
    MAX_STREAMS,
  );
}

function describeCounts({ rows_read, rows_accepted, rows_rejected }: RunRecord): string {
  return `${formatCount(rows_read, 'row')} read, ${formatNumber(rows_accepted)} accepted, ${formatNumber(rows_rejected)} rejected.`;
}

function describeRejected(
  { rows_accepted, rows_rejected, rejected }: RunRecord,
  limit: RejectedLimit | undefined,
): string {
  const settled = rows_accepted + rows_rejected;
  const share = `${Number(((rows_rejected / settled) * 100).toPrecision(2))}%`;
  const allowed = limit?.kind === 'rows' ? formatCount(limit.rows, 'row') : `${limit?.percent ?? 0}%`;
  const codes = byCount(rejected).map(([code, count]) => `${formatNumber(count)} ${code}`);
  const reasons = codes.length === 0 ? '' : `: ${formatList(codes, MAX_CODES)}`;
  return `${formatNumber(rows_rejected)} of ${formatCount(settled, 'row')} (${share}) were rejected, more than ${allowed}${reasons}. Rejected rows are not sent again.`;
}

function describeStale(run: RunRecord, staleAfterMs: number): string {
  const streams = findStaleStreams(run, staleAfterMs).map(
    (stream) => `${stream.name} ${formatDuration(ageOf(stream, run) ?? 0)}`,
  );
  const found = run.rows_read === 0 ? 'The last run succeeded, but ClickHouse has no newer rows.' : describeCounts(run);
  return `The newest row sent is older than ${formatDuration(staleAfterMs)}: ${plain(formatList(streams, MAX_STREAMS))}. ${found}`;
}

/** How an alert describes each status of a sync. */
const CONDITIONS: Record<Status, string> = {
  ok: 'ok',
  failed: 'failing',
  rejecting: 'rejecting rows',
  stale: 'stale',
};

function describeBefore(last: AlertStatus | undefined, { ended_at }: RunRecord): string {
  if (last === undefined) return '';
  return `It had been ${CONDITIONS[last.status]} for ${formatDuration(Math.max(0, Date.parse(ended_at) - Date.parse(last.since)))}.`;
}

function byCount(rejected: RunRecord['rejected']): [code: string, count: number][] {
  return Object.entries(rejected).toSorted(([, a], [, b]) => b - a);
}

/**
 * Replaces the characters that a chat would interpret. In Slack, <…> is a link or, as in <!channel>, a notification of everyone.
 * A name or an error from outside must not cause either of them.
 */
function plain(text: string): string {
  return printable(text).replaceAll('<', '‹').replaceAll('>', '›');
}

function shorten(text: string): string {
  if (text.length <= MAX_ERROR_LENGTH) return text;
  return `${text.slice(0, text.lastIndexOf(' ', MAX_ERROR_LENGTH)).toWellFormed()} …`;
}
