import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultRequest } from '../../sandbox/batch-api/faults.ts';
import { BatchApi as Sandbox } from '../../sandbox/batch-api/server.ts';
import { ConnectorError, type FailureType } from '../protocol/errors.ts';
import { BatchApi } from './batch/api.ts';
import { check } from './check.ts';

const KEYS = { rest_api_key: 'rest_check', project_key: 'project_check' };

let sandbox: Sandbox;
let api: BatchApi;
beforeEach(async () => {
  sandbox = await Sandbox.start({ restApiKey: KEYS.rest_api_key, projectKey: KEYS.project_key });
  api = new BatchApi({ ...KEYS, api_url: sandbox.url, api_version: '2.11' });
});
afterEach(async () => {
  await api.close();
  await sandbox.close();
});

async function failureOf(checked: BatchApi): Promise<{ type: FailureType; message: string } | undefined> {
  try {
    await check(checked);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return { type: error.failureType, message: error.message };
  }
}

test('accepts valid keys, and creates one profile without attributes or events', async () => {
  expect(await failureOf(api)).toBeUndefined();
  expect(sandbox.store.eventCount).toBe(0);
  expect([...sandbox.store.profiles]).toEqual([
    ['clickhouse-to-batch-connection-check', { attributes: new Map(), events: 0, updated_at: expect.any(String) }],
  ]);
});

test('sends one request, without retries', async () => {
  sandbox.faults.add({ kind: 'status', status: 503, times: 2 });
  await failureOf(api);
  expect(sandbox.stats.requests).toBe(1);
});

describe('explains what is wrong and what to do', () => {
  test.each([
    [
      'a wrong REST API key',
      { rest_api_key: 'other' },
      'config_error',
      /^Batch refused the REST API key for this project \(HTTP 401, AUTHENTICATION_INVALID: .*\)\. .*Settings → General\.$/,
    ],
    [
      'a wrong project key',
      { project_key: 'other' },
      'config_error',
      /^Batch refused the REST API key for this project \(/,
    ],
    [
      'an unknown version',
      { api_version: '3.0' },
      'config_error',
      /3\.0\/profiles\/update does not exist \(HTTP 404, ROUTE_NOT_FOUND: .*\)\. Check api_url, api_version and endpoint\.$/,
    ],
    [
      'connection refused',
      { api_url: 'http://127.0.0.1:1' },
      'transient_error',
      /^Can't reach 127\.0\.0\.1:1: nothing listens there \(connection refused\)\. Check api_url and the network, or try again later\.$/,
    ],
  ] as const)('%s', async (_, other, type, message) => {
    const wrong = new BatchApi({ ...KEYS, api_url: sandbox.url, api_version: '2.11', ...other });
    const failure = await failureOf(wrong);
    await wrong.close();
    expect(failure?.type).toBe(type);
    expect(failure?.message).toMatch(message);
  });

  const faults: [name: string, fault: FaultRequest, type: FailureType, message: RegExp][] = [
    [
      'HTTP 400',
      { kind: 'status', status: 400 },
      'config_error',
      /^Batch refused a test request \(HTTP 400, MALFORMED_PARAMETER: .*\)\. The project key may be misspelt, or Batch may not know api_version\. Check both\.$/,
    ],
    ['HTTP 403', { kind: 'status', status: 403 }, 'config_error', /^Batch forbids this request \(HTTP 403, /],
    ['HTTP 429', { kind: 'status', status: 429 }, 'transient_error', /^Batch asks the connector to wait \(HTTP 429, /],
    [
      'HTTP 503',
      { kind: 'status', status: 503 },
      'transient_error',
      /^Batch has an internal error or is under maintenance \(HTTP 503, /,
    ],
    [
      'a connection that is cut',
      { kind: 'cut' },
      'transient_error',
      /^The request to 127\.0\.0\.1:\d+ failed: the connection was closed before the response was complete\./,
    ],
  ];
  test.each(faults)('%s', async (_, fault, type, message) => {
    sandbox.faults.add(fault);
    const failure = await failureOf(api);
    expect(failure?.type).toBe(type);
    expect(failure?.message).toMatch(message);
  });
});

test('rejects a response that is not from Batch', async () => {
  sandbox.faults.add({ kind: 'garbage' });
  expect((await failureOf(api))?.type).toBe('config_error');
});
