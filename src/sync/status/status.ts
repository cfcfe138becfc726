import { streamKey } from '../../protocol/catalog.ts';
import { protocolError } from '../../protocol/errors.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { type AlertStatus, readRunHistory } from '../history/run-history.ts';
import { type RunRecord, toCursorTime } from '../history/run-record.ts';
import type { LockStatus, StateStore } from '../state/store.ts';
import { type SavedPosition, SyncState } from '../state/sync-state.ts';

/**
 * The condition of a sync. Only one holds at a time, in this order of precedence. `rejected`: the last run rejected rows.
 * `unknown`: no run has ended yet, or its record is lost.
 */
export type Condition = 'failed' | 'stale' | 'rejected' | 'ok' | 'unknown';

/** The position of a stream in the state, and what the last run did with the stream. */
export type StreamStatus = {
  name: string;
  namespace: string | null;
  cursorColumn: string | null;
  /** The newest cursor of the rows that were sent; null if no row was sent. */
  cursor: string | null;
  /** The cursor as a time (RFC 3339); null for another kind of cursor. */
  cursorTime: string | null;
  /** The age of the cursor by the server's clock, in milliseconds; null for a cursor that is not a time. */
  ageMs: number | null;
  /** Whether the cursor is older than the limit; null without a limit, or if it can't be known. */
  isStale: boolean | null;
  /** The rows of the last run; null if the stream was not in that run. */
  lastRun: { rowsAccepted: number; rowsRejected: number } | null;
};

export type SyncStatus = {
  /** The location of the state. */
  state: string;
  condition: Condition;
  /** The streams of the last run, then the other streams that have a state. */
  streams: readonly StreamStatus[];
  /** The recorded runs, the newest last. */
  runs: readonly RunRecord[];
  /** The status that the last alert reported; null if no alert was ever sent. */
  alert: AlertStatus | null;
  lock: LockStatus;
};

/** The exit codes of `status`, so that it can serve as a probe. */
export const STATUS_EXIT_CODES: Record<Condition, number> = {
  failed: EXIT_CODES.failed,
  stale: EXIT_CODES.failed,
  rejected: EXIT_CODES.rowsRejected,
  ok: EXIT_CODES.allAccepted,
  unknown: EXIT_CODES.allAccepted,
};

/**
 * Reads the status of a sync from its store. It changes nothing, and needs neither ClickHouse nor Batch.
 *
 * @param now milliseconds since the epoch.
 * @param staleAfterMs the maximum age of a cursor. A stream whose cursor is older is stale. If undefined, no stream is stale.
 * @param warn receives a warning if the records of the runs are damaged.
 * @throws ConnectorError if the store can't be read, or if it contains neither a state nor a record of a run.
 */
export async function readStatus(
  store: StateStore,
  now: number,
  staleAfterMs: number | undefined,
  warn: (message: string) => void,
): Promise<SyncStatus> {
  const [state, found, lock] = await Promise.all([SyncState.open(store), readRunHistory(store), store.readLock()]);
  if (state.text === undefined && found === undefined && lock.kind === 'unlocked') {
    throw protocolError(
      'file_unreadable',
      `No sync has run with the state ${store.location}: there is neither a state nor a record of a run. Check the path. The first run creates the state.`,
    );
  }
  if (found === 'damaged') {
    warn(`The history of the runs of ${store.location} is damaged. The next run starts a new one.`);
  }
  const { runs, alert } = found === 'damaged' || found === undefined ? { runs: [], alert: null } : found;
  const streams = listStreams(state.positions, runs.at(-1)).map((stream) => judge(stream, runs, now, staleAfterMs));
  return { state: store.location, condition: decideCondition(runs.at(-1), streams), streams, runs, alert, lock };
}

function decideCondition(last: RunRecord | undefined, streams: readonly StreamStatus[]): Condition {
  if (last?.outcome === 'failed') return 'failed';
  if (streams.some(({ isStale }) => isStale === true)) return 'stale';
  if (last === undefined) return 'unknown';
  return last.rows_rejected > 0 ? 'rejected' : 'ok';
}

type StreamPart = Omit<StreamStatus, 'ageMs' | 'isStale'>;

/**
 * Lists the streams with their positions. The positions are those in the state, because while a run is active, the state is newer
 * than the record of the last run.
 */
function listStreams(positions: ReadonlyMap<string, SavedPosition>, last: RunRecord | undefined): StreamPart[] {
  const inLastRun = (last?.streams ?? []).map((stream): StreamPart => {
    const { name, namespace, rows_accepted, rows_rejected } = stream;
    const lastRun = { rowsAccepted: rows_accepted, rowsRejected: rows_rejected };
    return { name, namespace, ...describeCursor(positions.get(streamKey(stream))), lastRun };
  });
  const keys = new Set(last?.streams.map(streamKey));
  const others = [...positions].filter(([key]) => !keys.has(key));
  return [
    ...inLastRun,
    ...others.map(([, position]): StreamPart => {
      const { name, namespace = null } = position;
      return { name, namespace, ...describeCursor(position), lastRun: null };
    }),
  ];
}

function describeCursor(
  position: SavedPosition | undefined,
): Pick<StreamStatus, 'cursorColumn' | 'cursor' | 'cursorTime'> {
  const { cursorColumn = null, newest } = position ?? {};
  if (newest === undefined) return { cursorColumn, cursor: null, cursorTime: null };
  return { cursorColumn, cursor: newest, cursorTime: toCursorTime(newest) ?? null };
}

/**
 * Adds the age of the cursor, and whether it is too old. A stream that the last run left out is not judged. If the cursor is not
 * a time, the time since the end of the last run that succeeded is used instead of the age.
 */
function judge(
  stream: StreamPart,
  runs: readonly RunRecord[],
  now: number,
  staleAfterMs: number | undefined,
): StreamStatus {
  const ageMs = stream.cursorTime === null ? null : now + findClockOffset(runs) - Date.parse(stream.cursorTime);
  const succeeded = runs.findLast(({ outcome }) => outcome === 'succeeded');
  const age = ageMs ?? (succeeded === undefined ? undefined : now - Date.parse(succeeded.ended_at));
  const isJudged = staleAfterMs !== undefined && age !== undefined && (stream.lastRun !== null || runs.length === 0);
  return { ...stream, ageMs, isStale: isJudged ? age > staleAfterMs : null };
}

/**
 * Returns the number of milliseconds by which the server's clock is ahead of this machine's, as the last run that knew it
 * recorded it.
 */
function findClockOffset(runs: readonly RunRecord[]): number {
  return runs.findLast((run) => run.server_clock_offset_ms !== null)?.server_clock_offset_ms ?? 0;
}
