import type { RunHistory } from '../../src/sync/history/run-history.ts';

const EVENTS = { name: 'events', namespace: 'shop' };

const STATE = [
  {
    type: 'STREAM',
    stream: {
      stream_descriptor: EVENTS,
      stream_state: { cursor: '2026-01-31T02:58:00Z', cursor_column: 'last_updated_at' },
    },
  },
];

/** A run that failed, and one that rejected a row. */
const HISTORY: RunHistory = {
  version: 1,
  alert: null,
  runs: [
    {
      ...{ started_at: '2026-01-31T02:00:00Z', ended_at: '2026-01-31T02:00:01Z', outcome: 'failed' },
      ...{ sync_mode: 'incremental', rows_read: 0, rows_accepted: 0, rows_rejected: 0, rejected: {} },
      ...{ server_clock_offset_ms: null, streams: [] },
      error: { code: 'clickhouse_unreachable', failure_type: 'transient_error', message: 'It is down.', help: '' },
    },
    {
      ...{ started_at: '2026-01-31T03:00:00Z', ended_at: '2026-01-31T03:00:04Z', outcome: 'succeeded' },
      ...{ sync_mode: 'incremental', rows_read: 610, rows_accepted: 609, rows_rejected: 1 },
      ...{ rejected: { custom_id_missing: 1 }, error: null, server_clock_offset_ms: 0 },
      streams: [
        {
          ...{ ...EVENTS, rows_accepted: 609, rows_rejected: 1, cursor_column: 'last_updated_at' },
          ...{ cursor: '2026-01-31T02:58:00Z', cursor_time: '2026-01-31T02:58:00Z' },
        },
      ],
    },
  ],
};

/** What the reader of docs/status.md has: the state of a sync, and the history of its runs. */
export const STATUS_FILES = { 'state.json': JSON.stringify(STATE), 'state.json.runs.json': JSON.stringify(HISTORY) };
