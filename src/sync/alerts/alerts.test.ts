import { describe, expect, test } from 'vitest';
import { runRecord, streamRecord } from '../../../integration_tests/support/run-records.ts';
import { syncError } from '../../runner/errors.ts';
import type { AlertStatus } from '../history/run-history.ts';
import type { RunRecord } from '../history/run-record.ts';
import { Alerts } from './alerts.ts';
import type { Delivery } from './deliver.ts';

const unusable = syncError('state_file_unusable', "Can't use the state.");

const LIMITS = { rejected: { kind: 'percent', percent: 1 }, staleAfterMs: 7_200_000 } as const;

const ok = runRecord({ rows_accepted: 5 });
const failed = runRecord({ outcome: 'failed' });
const stopped = runRecord({ outcome: 'stopped' });
const rejecting = runRecord({ rows_accepted: 1, rows_rejected: 1 });
const stale = runRecord({ streams: [streamRecord({ cursor_time: '2026-01-01T00:00:00Z' })] });
const numeric = runRecord({ streams: [streamRecord({ cursor_column: 'id', cursor: '7', cursor_time: null })] });

/** A sync whose alerts are recorded in place of being sent. */
function sync(alert: AlertStatus | null = null) {
  const runs: RunRecord[] = [];
  const sent: string[] = [];
  const logged: string[] = [];
  const stored = { alert };
  let delivery: Delivery = { kind: 'delivered' };
  const never = new AbortController().signal;
  const alerts = new Alerts(
    { target: { url: new URL('https://host/secret'), headers: {}, proxy: undefined }, limits: LIMITS },
    {
      log: {
        alert: async () => stored.alert,
        runs: async () => runs,
        setAlert: async (status) => {
          stored.alert = status;
        },
      },
      reporter: { log: (level, _, message) => logged.push(`${level} ${message}`) },
      host: 'vm-1',
      store: {
        location: 'state.json',
        readRuns: async () => JSON.stringify({ version: 1, runs, alert: stored.alert }),
      },
      stop: never,
      stopAtOnce: never,
      deliver: async (_, body) => {
        sent.push(JSON.parse(body).status);
        return delivery;
      },
    },
  );
  return {
    alerts,
    sent,
    logged,
    stored,
    runEnded: async (run: RunRecord, isDelivered: boolean) => {
      delivery = isDelivered ? { kind: 'delivered' } : { kind: 'failed', reason: 'it answered with HTTP 500' };
      runs.push(run);
      await alerts.runEnded(run);
    },
  };
}

describe('sends one alert per change of status:', () => {
  /** A run, the alert that is attempted after it, and the status that is stored then. */
  type Step = [run: RunRecord, attempt: string, stored: string | undefined];

  test.each<[string, Step[]]>([
    [
      'none while runs succeed',
      [
        [ok, '', undefined],
        [ok, '', undefined],
      ],
    ],
    [
      'one for several failures, one for the recovery',
      [
        [failed, 'failed', 'failed'],
        [failed, '', 'failed'],
        [ok, 'recovered', 'ok'],
        [ok, '', 'ok'],
      ],
    ],
    [
      'none for a stopped run',
      [
        [failed, 'failed', 'failed'],
        [stopped, '', 'failed'],
        [failed, '', 'failed'],
      ],
    ],
    [
      'from one status to another',
      [
        [stale, 'stale', 'stale'],
        [failed, 'failed', 'failed'],
        [rejecting, 'rejecting', 'rejecting'],
        [ok, 'recovered', 'ok'],
      ],
    ],
    [
      'again if it was not delivered',
      [
        [failed, 'failed!', undefined],
        [failed, 'failed', 'failed'],
        [ok, 'recovered!', 'failed'],
        [ok, 'recovered', 'ok'],
      ],
    ],
    [
      'not again if the status has changed back',
      [
        [failed, 'failed!', undefined],
        [ok, '', undefined],
      ],
    ],
  ])('%s', async (_, steps) => {
    const { runEnded, sent, stored } = sync();
    for (const [run, attempt, expected] of steps) {
      sent.length = 0;
      await runEnded(run, !attempt.endsWith('!'));
      expect([sent.join(), stored.alert?.status]).toEqual([attempt.replace('!', ''), expected]);
    }
  });
});

test('logs whether an alert was delivered, with the host of the URL only', async () => {
  const { runEnded, logged, stored } = sync();
  await runEnded(failed, false);
  await runEnded(failed, true);
  expect(logged).toEqual([
    'WARN The alert "failed" could not be sent to host: it answered with HTTP 500. The next run tries again if the status is still the same.',
    'INFO Alert "failed" sent to host.',
  ]);
  expect(stored.alert).toEqual({ status: 'failed', since: failed.ended_at });
});

test('warns once about a cursor that is not a time', async () => {
  const { runEnded, logged, sent } = sync();
  await runEnded(numeric, true);
  await runEnded(numeric, true);
  expect(logged).toEqual([
    expect.stringMatching(/^WARN --stale-after does not apply to "events": its cursor "id" is not a time/),
  ]);
  expect(sent).toEqual([]);
});

test('reports an unusable state once, and does not report a state that another run has locked; stores nothing without the lock', async () => {
  const first = sync();
  await first.alerts.startFailed(unusable, 0);
  expect([first.sent, first.stored.alert]).toEqual([['failed'], null]);
  const second = sync({ status: 'failed', since: '2026-01-31T11:00:00Z' });
  await second.alerts.startFailed(unusable, 0);
  expect(second.sent).toEqual([]);
  const third = sync();
  await third.alerts.startFailed(syncError('state_file_locked', 'Another run is using the state.'), 0);
  expect(third.sent).toEqual([]);
});
