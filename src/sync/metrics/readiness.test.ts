import { expect, test } from 'vitest';
import { runRecord, streamRecord } from '../../../integration_tests/support/run-records.ts';
import type { RunRecord } from '../history/run-record.ts';
import { decideReadiness, type KnownRuns } from './readiness.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-01-31T13:00:00Z');

function known(last: RunRecord, cursors = last): KnownRuns {
  return { last, cursors };
}

/** A stream whose newest row is from this time. */
function newestAt(time: string, name = 'events'): RunRecord['streams'][number] {
  return streamRecord({ name, cursor: time, cursor_time: time });
}

const error = { code: 'batch_unreachable', failure_type: 'transient_error', message: 'host-a is down', help: 'URL' };

test.each<[string, KnownRuns, number | undefined, boolean, RegExp]>([
  ['before the first run', { last: undefined, cursors: undefined }, HOUR, false, /^No run has ended yet\.$/],
  [
    'after a success',
    known(runRecord({ streams: [newestAt('2020-01-01T00:00:00Z')] })),
    undefined,
    true,
    /^The last run succeeded at 2026-01-31T12:00:00\.000Z\.$/,
  ],
  ['after a run with rejected rows', known(runRecord({ rows_rejected: 5 })), undefined, true, /succeeded/],
  [
    'after a failure',
    known(runRecord({ outcome: 'failed', error })),
    undefined,
    false,
    /^The last run failed at 2026-01-31T12:00:00\.000Z: batch_unreachable\. See URL$/,
  ],
  ['after a signal', known(runRecord({ outcome: 'stopped' })), undefined, false, /stopped by a signal at 2026-/],
  ['with a recent row', known(runRecord({ streams: [newestAt('2026-01-31T11:30:00Z')] })), 2 * HOUR, true, /succeeded/],
  [
    'with an old row of one stream',
    known(runRecord({ streams: [newestAt('2026-01-31T12:00:00Z'), newestAt('2026-01-31T10:00:00Z', 'orders')] })),
    2 * HOUR,
    false,
    /^The last run succeeded at \S+, but the newest row of orders that was sent is 3h old, more than 2h\.$/,
  ],
  [
    "with a row that is old only by ClickHouse's clock",
    known(runRecord({ server_clock_offset_ms: HOUR, streams: [newestAt('2026-01-31T11:00:00Z')] })),
    2 * HOUR,
    false,
    /is 3h old/,
  ],
  [
    'with newer rows of the active run',
    known(runRecord({ streams: [newestAt('2026-01-31T10:00:00Z')] }), runRecord({})),
    2 * HOUR,
    true,
    /succeeded/,
  ],
  [
    'with a cursor that is not a time, after a recent run',
    known(runRecord({ streams: [streamRecord({ cursor: '7', cursor_time: null })] })),
    2 * HOUR,
    true,
    /succeeded/,
  ],
  [
    'with a cursor that is not a time, long after the last run',
    known(runRecord({ streams: [streamRecord({ cursor: '7', cursor_time: null })] })),
    HOUR / 2,
    false,
    /^The last run succeeded at \S+, more than 30m ago\.$/,
  ],
])('%s', (_, runs, staleAfterMs, isReady, reason) => {
  const readiness = decideReadiness(runs, staleAfterMs, NOW);
  expect(readiness).toEqual({ isReady, reason: expect.stringMatching(reason) });
  expect(readiness.reason).not.toContain(error.message);
});
