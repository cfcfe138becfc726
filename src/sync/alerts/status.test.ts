import { describe, expect, test } from 'vitest';
import { runRecord, streamRecord } from '../../../integration_tests/support/run-records.ts';
import type { RunRecord } from '../history/run-record.ts';
import { type AlertLimits, ageOf, decideStatus, type Status } from './status.ts';

const HOUR = 3_600_000;

const LIMITS: AlertLimits = { rejected: { kind: 'percent', percent: 1 }, staleAfterMs: 2 * HOUR };
const NO_LIMITS: AlertLimits = { rejected: undefined, staleAfterMs: undefined };

const ok = runRecord({ rows_accepted: 1_000 });
const empty = runRecord({});
const failed = runRecord({ outcome: 'failed' });
const stopped = runRecord({ outcome: 'stopped' });
const rejecting = runRecord({ rows_accepted: 989, rows_rejected: 11 });
const stale = runRecord({ streams: [streamRecord({ cursor_time: '2026-01-31T09:59:59.999Z' })] });

describe('the status after a run', () => {
  test.each<[string, RunRecord[], Status | undefined, AlertLimits, Status | undefined]>([
    ['the first run succeeds', [ok], undefined, LIMITS, 'ok'],
    ['a run fails', [failed], 'ok', NO_LIMITS, 'failed'],
    [
      'a run fails, with too many rejected rows and an old cursor',
      [{ ...rejecting, ...pick(stale), outcome: 'failed' }],
      'ok',
      LIMITS,
      'failed',
    ],
    ['too many rows are rejected and the cursor is old', [{ ...rejecting, ...pick(stale) }], 'ok', LIMITS, 'rejecting'],
    ['a signal stops the run', [{ ...rejecting, ...pick(stale), outcome: 'stopped' }], 'ok', LIMITS, undefined],
    ['a signal stops the run after a failed one', [failed, stopped], 'failed', LIMITS, undefined],
    ['no limits are set', [{ ...rejecting, ...pick(stale) }], 'ok', NO_LIMITS, 'ok'],
    ['a limit was removed', [rejecting], 'rejecting', NO_LIMITS, 'ok'],
    ['a run succeeds again', [failed, empty], 'failed', LIMITS, 'ok'],
    ['a run succeeds again, but the cursor is old', [failed, stale], 'failed', LIMITS, 'stale'],

    ['exactly 1% of the rows are rejected', [runRecord({ rows_accepted: 990, rows_rejected: 10 })], 'ok', LIMITS, 'ok'],
    ['more than 1% of the rows are rejected', [rejecting], 'ok', LIMITS, 'rejecting'],
    [
      'rows that were read but not settled do not count',
      [{ ...rejecting, rows_read: 9_000 }],
      'ok',
      LIMITS,
      'rejecting',
    ],
    ['as many rows are rejected as allowed', [rejecting], 'ok', rows(11), 'ok'],
    ['one more row is rejected than allowed', [rejecting], 'ok', rows(10), 'rejecting'],
    [
      'one row is rejected and none is allowed',
      [runRecord({ rows_accepted: 99, rows_rejected: 1 })],
      'ok',
      rows(0),
      'rejecting',
    ],
    ['the next run has no rows', [rejecting, empty], 'rejecting', LIMITS, 'rejecting'],
    ['the next run has rows that are accepted', [rejecting, ok], 'rejecting', LIMITS, 'ok'],
    ['the alert was not delivered, and the next run has no rows', [rejecting, empty], 'ok', LIMITS, 'rejecting'],
    [
      'the run with rejected rows was stopped',
      [{ ...rejecting, outcome: 'stopped' }, empty],
      'ok',
      LIMITS,
      'rejecting',
    ],
    ['the run with rejected rows is no longer in the history', [empty, empty], 'rejecting', LIMITS, 'rejecting'],

    ['the cursor is exactly as old as allowed', [at('2026-01-31T10:00:00Z')], 'ok', LIMITS, 'ok'],
    ['the cursor is a millisecond older', [stale], 'ok', LIMITS, 'stale'],
    ['the cursor is in another time zone', [at('2026-01-31T12:00:00+02:00')], 'ok', LIMITS, 'ok'],
    ['the cursor is in the future', [at('2026-02-01T00:00:00Z')], 'ok', LIMITS, 'ok'],
    ['the table was always empty', [at(null)], 'ok', LIMITS, 'ok'],
    [
      "the server's clock is ahead",
      [{ ...at('2026-01-31T10:00:00Z'), server_clock_offset_ms: 1 }],
      'ok',
      LIMITS,
      'stale',
    ],
    ["the server's clock is behind", [{ ...stale, server_clock_offset_ms: -1 }], 'ok', LIMITS, 'ok'],
    [
      'one of two streams is old',
      [runRecord({ streams: [...at('2026-01-31T12:00:00Z').streams, ...stale.streams] })],
      'ok',
      LIMITS,
      'stale',
    ],
    ['it stays stale', [stale, stale], 'stale', LIMITS, 'stale'],
    ['new rows arrive', [stale, at('2026-01-31T11:00:00Z')], 'stale', LIMITS, 'ok'],
    [
      'a full refresh comes after a stale run',
      [stale, { ...stale, sync_mode: 'full_refresh' }],
      'stale',
      LIMITS,
      'stale',
    ],
    ['a full refresh succeeds', [{ ...stale, sync_mode: 'full_refresh' }], 'failed', LIMITS, 'ok'],
    ['a full refresh fails', [{ ...failed, sync_mode: 'full_refresh' }], 'ok', LIMITS, 'failed'],
  ])('%s', (_, runs, last, limits, expected) => {
    expect(decideStatus(runs, last, limits)).toBe(expected);
  });
});

test('the age of the newest row is measured by the clock of the server', () => {
  const run = { ...at('2026-01-31T11:30:00Z'), server_clock_offset_ms: -60_000 };
  expect(run.streams.map((stream) => ageOf(stream, run))).toEqual([29 * 60_000]);
});

function at(time: string | null): RunRecord {
  return runRecord({ streams: [streamRecord({ cursor_time: time })] });
}

function pick({ streams }: RunRecord): Pick<RunRecord, 'streams'> {
  return { streams };
}

function rows(count: number): AlertLimits {
  return { ...LIMITS, rejected: { kind: 'rows', rows: count } };
}
