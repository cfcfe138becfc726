import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { troubleshootingPage } from '../../protocol/help-pages.ts';
import type { RunDetails, RunResult } from '../result.ts';

const count = z.number();

const streamRecord = z.object({
  name: z.string(),
  namespace: z.string().nullable(),
  rows_accepted: count,
  rows_rejected: count,
  cursor_column: z.string().nullable(),
  /** The newest cursor of the rows that were sent; null if no state covers any row, or in a full refresh. */
  cursor: z.string().nullable(),
  /** The cursor as a time (RFC 3339, UTC); null for another kind of cursor. */
  cursor_time: z.string().nullable(),
});

const errorRecord = z.object({ code: z.string(), failure_type: z.string(), message: z.string(), help: z.string() });

export const runRecordSchema = z.object({
  /** RFC 3339, UTC. */
  started_at: z.string(),
  /** RFC 3339, UTC. */
  ended_at: z.string(),
  /** A run that rejected rows can also be `succeeded`: `rows_rejected` counts these rows. */
  outcome: z.enum(['succeeded', 'failed', 'stopped']),
  /** A full refresh does not move the cursors. */
  sync_mode: z.enum(['incremental', 'full_refresh']),
  rows_read: count,
  rows_accepted: count,
  rows_rejected: count,
  /** The rejected rows by code. If the run failed, they may include rows that no state covers, which are read again. */
  rejected: z.record(z.string(), count),
  /** The first error of a run that failed. */
  error: errorRecord.nullable(),
  /** The number of milliseconds by which the server's clock is ahead of this machine's; null if the server did not answer. */
  server_clock_offset_ms: z.number().nullable(),
  streams: z.array(streamRecord),
});

/** A run as its history keeps it. */
export type RunRecord = z.output<typeof runRecordSchema>;

/** The fields of an error, as records and `--json` have them. */
export function errorFields({ code, failureType, message, page }: ConnectorError): z.output<typeof errorRecord> {
  return { code, failure_type: failureType, message, help: troubleshootingPage(page) };
}

/** The cursors of the streams of a run, and the offset for comparing them with this machine's clock. */
export type RunCursors = Pick<RunRecord, 'server_clock_offset_ms' | 'streams'>;

export function createRunRecord(result: RunResult & RunDetails): RunRecord {
  const { outcome } = result;
  return {
    started_at: new Date(result.startedAt).toISOString(),
    ended_at: new Date(result.startedAt + result.milliseconds).toISOString(),
    outcome: outcome.kind === 'complete' ? 'succeeded' : outcome.kind,
    sync_mode: result.syncMode,
    rows_read: result.rowsRead,
    rows_accepted: result.rowsAccepted,
    rows_rejected: result.rowsRejected,
    rejected: result.rejectedByCode,
    error: outcome.kind === 'failed' ? errorFields(outcome.errors[0]) : null,
    ...recordCursors(result.streams, result),
  };
}

/** @param serverClockOffsetMs undefined if the server did not answer. */
export function recordCursors(
  streams: RunDetails['streams'],
  { serverClockOffsetMs }: Pick<RunDetails, 'serverClockOffsetMs'>,
): RunCursors {
  return {
    server_clock_offset_ms: serverClockOffsetMs ?? null,
    streams: streams.map(({ name, namespace, accepted, rejected, position }) => ({
      name,
      namespace: namespace ?? null,
      rows_accepted: accepted,
      rows_rejected: rejected,
      cursor_column: position?.cursorColumn ?? null,
      cursor: position?.newest ?? null,
      cursor_time: position?.newest === undefined ? null : (toCursorTime(position.newest) ?? null),
    })),
  };
}

/** Returns how long a run took, in milliseconds. */
export function durationOf({ started_at, ended_at }: RunRecord): number {
  return Date.parse(ended_at) - Date.parse(started_at);
}

/** The forms of a cursor that is a time: a timestamp in UTC, or a day. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** Returns a cursor as a time (RFC 3339); a day begins at midnight in UTC. Returns undefined for another kind of cursor. */
export function toCursorTime(cursor: string): string | undefined {
  const time = DAY.test(cursor) ? `${cursor}T00:00:00Z` : cursor;
  return TIMESTAMP.test(time) && !Number.isNaN(Date.parse(time)) ? time : undefined;
}
