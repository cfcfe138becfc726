import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { buildAlertBody } from '../../src/sync/alerts/body.ts';
import { runRecord, streamRecord } from '../support/run-records.ts';
import { pagesIn } from './pages.ts';

const [page] = pagesIn('docs/alerting.md');

function block(language: string): string {
  return page?.blocks.find((block) => block.language === language)?.text ?? '';
}

const newest = runRecord({
  outcome: 'failed',
  rows_read: 1_300,
  rows_accepted: 1_200,
  rows_rejected: 4,
  rejected: { custom_id_missing: 4 },
  error: {
    code: 'batch_key_refused',
    failure_type: 'config_error',
    message: 'Batch refused the REST API key for this project (HTTP 401).',
    help: 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/batch_key_refused.md',
  },
  streams: [streamRecord({ rows_accepted: 1_200, rows_rejected: 4, cursor_time: '2026-01-31T11:59:00.000Z' })],
});

const body = buildAlertBody({
  status: 'failed',
  last: undefined,
  newest,
  runs: [newest],
  limits: { rejected: undefined, staleAfterMs: 7_200_000 },
  host: 'vm-1',
  state: '/srv/sync/state.json',
});

test('the page shows a body as it is sent, and explains each field', () => {
  expect(JSON.parse(block('json'))).toEqual(body);
  const rows = page?.tables.find(({ head }) => head[0] === 'field')?.rows ?? [];
  const explained = rows.flatMap(([names = '']) => names.replaceAll('`', '').split(', '));
  expect(explained.toSorted()).toEqual(Object.keys(body).toSorted());
});

test('the page has a heading for each status, where the links of alerts lead', () => {
  expect([...(page?.anchors ?? [])]).toEqual(expect.arrayContaining(['failed', 'rejecting', 'stale', 'recovered']));
});

test.each([
  ['failed', 'trigger'],
  ['recovered', 'resolve'],
] as const)('the transformer for PagerDuty turns %s into %s', (status, event_type) => {
  const emitted: unknown[] = [];
  const emitGenericEvents = (events: unknown[]): number => emitted.push(...events);
  const alert = { ...body, status };
  runInNewContext(block('js'), {
    PD: { Trigger: 'trigger', Resolve: 'resolve', inputRequest: { body: alert }, emitGenericEvents },
  });
  expect(emitted).toMatchObject([
    { event_type, incident_key: '/srv/sync/state.json', description: body.text, details: alert },
  ]);
});
