import { STATUS_EXIT_CODES, type SyncStatus } from './status.ts';

/**
 * Formats a status as one line of JSON. Other programs rely on its structure, which docs/status.md describes.
 *
 * @param withHistory whether to add all recorded runs.
 */
export function formatStatusAsJson(status: SyncStatus, withHistory: boolean): string {
  const { state, condition, streams, runs, alert, lock } = status;
  const fields = {
    state,
    status: condition,
    exit_code: STATUS_EXIT_CODES[condition],
    streams: streams.map((stream) => ({
      name: stream.name,
      namespace: stream.namespace,
      cursor_column: stream.cursorColumn,
      cursor: stream.cursor,
      cursor_time: stream.cursorTime,
      cursor_age_seconds: stream.ageMs === null ? null : Math.round(stream.ageMs / 1_000),
      is_stale: stream.isStale,
      rows_accepted: stream.lastRun?.rowsAccepted ?? null,
      rows_rejected: stream.lastRun?.rowsRejected ?? null,
    })),
    last_run: runs.at(-1) ?? null,
    alert,
    lock: lock.kind === 'unlocked' ? null : (lock.owner ?? { pid: null, host: null, since: null }),
  };
  return `${JSON.stringify(withHistory ? { ...fields, history: runs } : fields)}\n`;
}
