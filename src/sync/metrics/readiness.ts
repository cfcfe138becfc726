import { formatDuration } from '../../shared/format.ts';
import type { RunCursors, RunRecord } from '../history/run-record.ts';

/** Whether a sync works as it should, and the reason in words. */
export type Readiness = { isReady: boolean; reason: string };

/** The last run that has ended, and the newest cursors, which may be those of the active run. */
export type KnownRuns = { last: RunRecord | undefined; cursors: RunCursors | undefined };

/**
 * Decides whether the last run succeeded, and whether the newest rows that were sent are recent enough. The reason contains no
 * error message and no cursor, because anyone who reaches the server can read it.
 *
 * @param staleAfterMs the maximum age of the newest row of each stream, in milliseconds; undefined if it is not checked. If the
 * cursor is not a time, the time since the end of the last run is used instead of the age.
 * @param now milliseconds since the epoch.
 */
export function decideReadiness(
  { last, cursors }: KnownRuns,
  staleAfterMs: number | undefined,
  now: number,
): Readiness {
  if (last === undefined) return { isReady: false, reason: 'No run has ended yet.' };
  if (last.outcome === 'failed') return { isReady: false, reason: describeFailure(last) };
  if (last.outcome === 'stopped') {
    return { isReady: false, reason: `The last run was stopped by a signal at ${last.ended_at}.` };
  }
  const succeeded = `The last run succeeded at ${last.ended_at}`;
  if (staleAfterMs !== undefined) {
    const stale = describeStaleStream(cursors?.streams ?? last.streams, {
      sinceSuccess: now - Date.parse(last.ended_at),
      serverTime: now + (cursors?.server_clock_offset_ms ?? 0),
      staleAfterMs,
    });
    if (stale !== undefined) return { isReady: false, reason: `${succeeded}, ${stale}.` };
  }
  return { isReady: true, reason: `${succeeded}.` };
}

function describeFailure({ ended_at, error }: RunRecord): string {
  const failed = `The last run failed at ${ended_at}`;
  return error === null ? `${failed}.` : `${failed}: ${error.code}. See ${error.help}`;
}

/** Describes the first stream that is stale; undefined if none is. All numbers are in milliseconds. */
function describeStaleStream(
  streams: RunCursors['streams'],
  { sinceSuccess, serverTime, staleAfterMs }: { sinceSuccess: number; serverTime: number; staleAfterMs: number },
): string | undefined {
  const limit = `more than ${formatDuration(staleAfterMs)}`;
  for (const { name, cursor_time } of streams) {
    const age = cursor_time === null ? sinceSuccess : serverTime - Date.parse(cursor_time);
    if (age <= staleAfterMs) continue;
    return cursor_time === null
      ? `${limit} ago`
      : `but the newest row of ${name} that was sent is ${formatDuration(age)} old, ${limit}`;
  }
  return undefined;
}
