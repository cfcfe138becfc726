import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import {
  clickHouseWith,
  destinationConfiguration,
  quickBatchApi,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const file = temporaryFiles();
const server = clickHouseWith('shop');
let batch: BatchApi;
let receiver: Server;
let url: string;

type Alert = { status: string; text: string } & Record<string, unknown>;
/** The alerts that arrived since the last check, and the statuses that they are answered with (200 by default). */
const arrived: Alert[] = [];
const answers: number[] = [];
const tokens = new Set<unknown>();

beforeAll(async () => {
  batch = await quickBatchApi();
  await server().execute(
    createTableSql('shop.events', ''),
    "INSERT INTO shop.events SELECT if(number = 0, '', 'u'), 'e', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') FROM numbers(4)",
  );
  receiver = createServer((request, response) => {
    let body = '';
    request
      .on('data', (chunk) => {
        body += chunk;
      })
      .on('end', () => {
        arrived.push(JSON.parse(body));
        tokens.add(request.headers['x-token']);
        response.writeHead(answers.shift() ?? 200).end();
      });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});

afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await batch.close();
});

const HOOK = '/services/T00/the-secret-of-the-hook';
const TOKEN = 'the-token-of-the-header';

type Ended = Pick<Finished, 'code' | 'stderr'> & { alerts: string[] };

/** Runs a sync whose alerts are sent to the receiver. Returns what it printed, and the statuses of the alerts. */
async function sync(state: string, destination: Record<string, unknown>, ...more: string[]): Promise<Ended> {
  const { code, stdout, stderr } = await run(
    'connector',
    [
      ...['sync', '--source', file('source.json', sourceConfiguration(server(), 'shop'))],
      ...['--destination', file('destination.json', destinationConfiguration(batch, destination))],
      ...['--state', state, '--alert-url', '${HOOK}', '--alert-header', 'X-Token: ${TOKEN}', ...more],
    ],
    { env: { HOOK: `${url}${HOOK}`, TOKEN } },
  );
  expect(stdout + stderr).not.toMatch(/the-secret|the-token/);
  return { code, stderr, alerts: arrived.map(({ status }) => status) };
}

/** The last alert; forgets all that have arrived. */
function lastAlert(): Alert | undefined {
  return arrived.splice(0).at(-1);
}

test('single runs send one alert per change of status, again after HTTP 500, and one when they have recovered', async () => {
  const state = join(dirname(file('folder', '')), 'state.json');
  const stored = (): unknown => JSON.parse(readFileSync(`${state}.runs.json`, 'utf8')).alert.status;
  // Detected before a connector reads or writes.
  const wrong = { rest_api_key: 'two words' };

  answers.push(500);
  const failed = await sync(state, wrong);
  expect([failed.code, failed.alerts, stored()]).toEqual([2, ['failed', 'failed'], 'failed']);
  expect(failed.stderr).toMatch(/^INFO {2}Alert "failed" sent to 127\.0\.0\.1:\d+\.$/m);
  expect(lastAlert()).toMatchObject({
    previous_status: 'ok',
    text: expect.stringMatching(/^Sync failed: .*state\.json\)\. The configuration in .*\/configuration_invalid\.md$/),
    error: { code: 'configuration_invalid' },
  });

  expect(await sync(state, wrong)).toMatchObject({ code: 2, alerts: [] });

  const rejecting = await sync(state, {}, '--alert-rejected', '1%', '--stale-after', '2h');
  expect([rejecting.code, rejecting.alerts]).toEqual([3, ['rejecting']]);
  expect(lastAlert()).toMatchObject({
    text: expect.stringMatching(/ 1 of 4 rows \(25%\) were rejected, more than 1%: 1 custom_id_missing\. /),
    rejected: { custom_id_missing: 1 },
  });

  const stale = await sync(state, {}, '--stale-after', '2h');
  expect([stale.code, stale.alerts]).toEqual([0, ['stale']]);
  expect(lastAlert()).toMatchObject({
    text: expect.stringMatching(
      / older than 2h: events \d+d\. .* ClickHouse has no newer rows\. .*alerting\.md#stale$/,
    ),
    streams: [{ cursor_column: 'last_updated_at', cursor_time: '2026-01-01T00:00:00.000000Z', stale: true }],
  });

  const recovered = await sync(state, {});
  expect([recovered.code, recovered.alerts, stored()]).toEqual([0, ['recovered'], 'ok']);
  expect(lastAlert()?.text).toMatch(/^Sync recovered: events on .*\. It had been stale for \S+\. 0 rows read/);
  expect(tokens).toEqual(new Set([TOKEN]));
});
