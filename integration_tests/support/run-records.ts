import type { RunRecord } from '../../src/sync/history/run-record.ts';

/** A run that succeeded without rows, at noon. */
export function runRecord(more: Partial<RunRecord>): RunRecord {
  const { rows_accepted = 0, rows_rejected = 0 } = more;
  return {
    started_at: '2026-01-31T11:59:58.000Z',
    ended_at: '2026-01-31T12:00:00.000Z',
    outcome: 'succeeded',
    rows_read: rows_accepted + rows_rejected,
    rows_accepted,
    rows_rejected,
    rejected: {},
    error: null,
    server_clock_offset_ms: 0,
    streams: [streamRecord({})],
    sync_mode: 'incremental',
    ...more,
  };
}

/** A stream whose newest row is from the end of the run. */
export function streamRecord(more: Partial<RunRecord['streams'][number]>): RunRecord['streams'][number] {
  return {
    name: 'events',
    namespace: 'shop',
    rows_accepted: 0,
    rows_rejected: 0,
    cursor_column: 'last_updated_at',
    cursor: '2026-01-31T12:00:00.000000Z',
    cursor_time: '2026-01-31T12:00:00.000Z',
    ...more,
  };
}
