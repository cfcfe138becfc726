import { expect, test } from 'vitest';
import type { RunRecord } from './history/run-record.ts';
import { type RunListener, RunListeners } from './run-listener.ts';

const RECORD: RunRecord = {
  started_at: '2026-01-01T00:00:00.000Z',
  ended_at: '2026-01-01T00:00:01.000Z',
  outcome: 'succeeded',
  sync_mode: 'incremental',
  rows_read: 0,
  rows_accepted: 0,
  rows_rejected: 0,
  rejected: {},
  error: null,
  server_clock_offset_ms: null,
  streams: [],
};

const THROWING: RunListener = {
  runStarted: () => {
    throw new Error('broken at the start');
  },
  runEnded: () => {
    throw new Error('broken at the end');
  },
};

test('logs an error that a listener throws as a warning, and calls the other listeners', async () => {
  const warnings: string[] = [];
  const called: string[] = [];
  const other: RunListener = {
    runStarted: () => void called.push('started'),
    runEnded: async () => void called.push('ended'),
  };
  const rejecting: RunListener = { runEnded: () => Promise.reject(new Error('rejected')) };
  const listeners = new RunListeners([THROWING, rejecting, other], (message) => void warnings.push(message));

  listeners.runStarted(0);
  await listeners.runEnded(RECORD);

  expect(warnings).toEqual(['broken at the start', 'broken at the end', 'rejected']);
  expect(called).toEqual(['started', 'ended']);
});
