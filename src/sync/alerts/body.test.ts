import { describe, expect, test } from 'vitest';
import { runRecord, streamRecord } from '../../../integration_tests/support/run-records.ts';
import { type AlertBody, type AlertEvent, buildAlertBody } from './body.ts';

const HOUR = 3_600_000;
const HOME = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs';

function build({ newest = runRecord({}), runs = [newest], ...more }: Partial<AlertEvent>): AlertBody {
  return buildAlertBody({
    status: 'failed',
    last: undefined,
    newest,
    runs,
    limits: { rejected: { kind: 'percent', percent: 1 }, staleAfterMs: 2 * HOUR },
    host: 'vm-1',
    state: 'state.json',
    ...more,
  });
}

const error = {
  code: 'batch_key_refused',
  failure_type: 'config_error',
  message: 'Batch refused the key (HTTP 401).',
  help: `${HOME}/troubleshooting/batch_key_refused.md`,
};

test('the body has the status, the counts, the error with its page, and the streams without their cursors', () => {
  const newest = runRecord({
    outcome: 'failed',
    rows_read: 1_300,
    rows_accepted: 1_200,
    rows_rejected: 4,
    rejected: { custom_id_missing: 4 },
    error,
    streams: [
      streamRecord({ cursor: 'a value', cursor_time: '2026-01-31T09:00:00Z', rows_accepted: 1_200, rows_rejected: 4 }),
    ],
  });
  expect(build({ newest, last: { status: 'stale', since: '2026-01-31T11:00:00Z' } })).toEqual({
    status: 'failed',
    previous_status: 'stale',
    text: `Sync failed: events on vm-1 (state.json). Batch refused the key (HTTP 401). 1,300 rows read, 1,200 accepted, 4 rejected. ${error.help}`,
    host: 'vm-1',
    state: 'state.json',
    run: {
      started_at: '2026-01-31T11:59:58.000Z',
      ended_at: '2026-01-31T12:00:00.000Z',
      outcome: 'failed',
      sync_mode: 'incremental',
    },
    rows_read: 1_300,
    rows_accepted: 1_200,
    rows_rejected: 4,
    rejected: { custom_id_missing: 4 },
    error,
    help: error.help,
    streams: [
      {
        name: 'events',
        namespace: 'shop',
        rows_accepted: 1_200,
        rows_rejected: 4,
        cursor_column: 'last_updated_at',
        cursor_time: '2026-01-31T09:00:00Z',
        age_seconds: 10_800,
        stale: true,
      },
    ],
  });
});

describe('the text', () => {
  const failed = runRecord({ outcome: 'failed', error, streams: [] });

  test('of a run that failed before it had streams names the streams of the run before', () => {
    expect(build({ newest: failed, runs: [runRecord({}), failed] }).text).toMatch(
      /^Sync failed: events on vm-1 \(state/,
    );
    expect(build({ newest: failed }).text).toMatch(/^Sync failed: vm-1 \(state/);
  });

  test('of rejected rows has the share, the limit and the codes, with the page of the most frequent one', () => {
    const rejecting = runRecord({
      rows_accepted: 1_152,
      rows_rejected: 52,
      rejected: { date_invalid: 5, custom_id_missing: 40, text_too_long: 4, name_invalid: 3 },
    });
    const runs = [rejecting, runRecord({})];
    const body = build({ status: 'rejecting', runs });
    expect(body.text).toBe(
      `Sync rejects rows: events on vm-1 (state.json). 52 of 1,204 rows (4.3%) were rejected, more than 1%: 40 custom_id_missing, 5 date_invalid, 4 text_too_long and 1 more. Rejected rows are not sent again. ${HOME}/troubleshooting/custom_id_missing.md`,
    );
    expect(body.rows_rejected).toBe(52);
    const limits = { rejected: { kind: 'rows', rows: 1 }, staleAfterMs: undefined } as const;
    expect(build({ status: 'rejecting', runs, limits }).text).toMatch(/ \(4\.3%\) were rejected, more than 1 row: /);
  });

  test('of a stale sync has the age of each stale stream, and whether ClickHouse has newer rows', () => {
    const streams = [
      streamRecord({ name: 'orders', cursor_time: '2026-01-31T06:00:00Z' }),
      streamRecord({}),
      streamRecord({ name: 'clicks', cursor_time: '2026-01-31T09:00:00Z' }),
    ];
    expect(build({ status: 'stale', newest: runRecord({ streams }) }).text).toBe(
      `Sync is stale: orders, events, clicks on vm-1 (state.json). The newest row sent is older than 2h: orders 6h, clicks 3h. The last run succeeded, but ClickHouse has no newer rows. ${HOME}/alerting.md#stale`,
    );
    expect(build({ status: 'stale', newest: runRecord({ streams, rows_accepted: 7 }) }).text).toMatch(
      / clicks 3h\. 7 rows read, 7 accepted, 0 rejected\. https/,
    );
  });

  test('of a recovery has the status before and its duration', () => {
    const last = { status: 'failed', since: '2026-01-31T09:00:00Z' } as const;
    expect(build({ status: 'recovered', last, newest: runRecord({ rows_accepted: 2 }) })).toMatchObject({
      previous_status: 'failed',
      text: 'Sync recovered: events on vm-1 (state.json). It had been failing for 3h. 2 rows read, 2 accepted, 0 rejected.',
      help: null,
    });
  });

  test('shortens a long error, and has nothing that a chat would interpret', () => {
    const message = `<!channel>\u001b[1m ${'many words '.repeat(40)}`;
    const { text } = build({ newest: { ...failed, error: { ...error, message } } });
    expect(text).toContain('. ‹!channel›\\u001b[1m many words ');
    expect(text).toMatch(/ many … 0 rows read, 0 accepted, 0 rejected\. https:/);
    expect(text.length).toBeLessThan(520);
  });
});
