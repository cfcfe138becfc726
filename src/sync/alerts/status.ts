import type { AlertStatus } from '../history/run-history.ts';
import type { RunRecord } from '../history/run-record.ts';

/** The status of a sync. Only one holds at a time, in this order of precedence: failed, rejecting, stale, ok. */
export type Status = AlertStatus['status'];

/** How many rejected rows are too many: more than a number of rows, or more than a percentage of the rows of a run. */
export type RejectedLimit = { kind: 'rows'; rows: number } | { kind: 'percent'; percent: number };

/** What is reported besides failed runs. An undefined limit is not checked. */
export type AlertLimits = { rejected: RejectedLimit | undefined; staleAfterMs: number | undefined };

/**
 * Decides the status after a run. Returns undefined if a signal stopped the run, because such a run says nothing about the
 * status.
 *
 * The order of precedence is the order in which someone has to act. While runs fail, nothing else can be judged or repaired:
 * the newest row gets older because of the failures. Rejected rows are not sent again, so they come before a sync that is only
 * late.
 *
 * @param runs the last runs, the newest last. Runs before the newest one count only for rejected rows.
 * @param last the status that was reported last; undefined if there is none.
 */
export function decideStatus(
  runs: readonly RunRecord[],
  last: Status | undefined,
  { rejected, staleAfterMs }: AlertLimits,
): Status | undefined {
  const run = runs.at(-1);
  if (run === undefined || run.outcome === 'stopped') return undefined;
  if (run.outcome === 'failed') return 'failed';
  if (rejected !== undefined) {
    const settled = findRunWithRows(runs);
    // Without rows, nothing shows that the cause is fixed.
    if (settled === undefined ? last === 'rejecting' : isOverLimit(settled, rejected)) return 'rejecting';
  }
  if (staleAfterMs === undefined) return 'ok';
  // A full refresh doesn't move the cursor, so it neither makes a sync stale nor ends the status `stale`.
  if (run.sync_mode === 'full_refresh') return last === 'stale' ? 'stale' : 'ok';
  return findStaleStreams(run, staleAfterMs).length > 0 ? 'stale' : 'ok';
}

/**
 * Finds the newest run in which rows were accepted or rejected. A later run without rows doesn't end the status `rejecting`, and
 * doesn't hide rejected rows whose alert could not be delivered.
 */
export function findRunWithRows(runs: readonly RunRecord[]): RunRecord | undefined {
  return runs.findLast(({ rows_accepted, rows_rejected }) => rows_accepted + rows_rejected > 0);
}

function isOverLimit({ rows_accepted, rows_rejected }: RunRecord, limit: RejectedLimit): boolean {
  return limit.kind === 'rows'
    ? rows_rejected > limit.rows
    : rows_rejected * 100 > limit.percent * (rows_accepted + rows_rejected);
}

type RecordedStream = RunRecord['streams'][number];

/** Finds the streams whose newest delivered row is older than a limit, by the server's clock at the end of the run. */
export function findStaleStreams(run: RunRecord, staleAfterMs: number): readonly RecordedStream[] {
  return run.streams.filter((stream) => (ageOf(stream, run) ?? 0) > staleAfterMs);
}

/**
 * Returns the age of the newest delivered row of a stream, in milliseconds. Returns undefined if no row was delivered yet, or if
 * the cursor is not a time.
 */
export function ageOf({ cursor_time }: RecordedStream, run: RunRecord): number | undefined {
  return cursor_time === null ? undefined : serverTimeAtEnd(run) - Date.parse(cursor_time);
}

/** The server's time at the end of a run, in milliseconds since the epoch; this machine's time if the server's is unknown. */
function serverTimeAtEnd({ ended_at, server_clock_offset_ms }: RunRecord): number {
  return Date.parse(ended_at) + (server_clock_offset_ms ?? 0);
}
