import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { S3Options } from '../config/rejection.ts';
import { openRejectedRowStore } from './open-store.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

let server: Server | undefined;

afterEach(() => {
  vi.useRealTimers();
  server?.closeAllConnections();
  server?.close();
});

/** A store that returns errors for a number of requests, and then accepts them. */
async function storeWithFaults(faults: number): Promise<{ endpoint: string; requests: string[]; bodies: string[] }> {
  const requests: string[] = [];
  const bodies: string[] = [];
  server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url?.split('?')[0]}`);
    let body = '';
    for await (const chunk of request) body += chunk;
    if (requests.length <= faults) {
      response.writeHead(503).end();
      return;
    }
    bodies.push(body);
    response.writeHead(request.method === 'DELETE' ? 204 : 200).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, bodies };
}

const optionsOf = (endpoint: string): S3Options => ({
  storage_type: 'S3',
  s3_bucket_name: 'bucket',
  bucket_path: 'rejected',
  s3_bucket_region: 'eu-west-1',
  s3_endpoint: endpoint,
  access_key_id: 'key',
  secret_access_key: 'secret',
});

async function openStore(endpoint: string, retryTimeMs: number): Promise<RejectedRowStore> {
  const store = await openRejectedRowStore(optionsOf(endpoint), { streams: [] }, 0, retryTimeMs);
  if (store === undefined) throw new Error('A store is configured.');
  return store;
}

test('retries while the store returns errors', async () => {
  const { endpoint, requests, bodies } = await storeWithFaults(2);
  const store = await openStore(endpoint, 60_000);
  await store.confirm('s', [], '{"n":1}\n');
  // The first object is the record of the run.
  expect(bodies.slice(1)).toEqual(['{"n":1}\n']);
  expect(new Set(requests).size).toBe(2);
  await store.close(false);
});

test('fails with a transient error when the store is unreachable for longer than the retry time', async () => {
  const { endpoint, requests } = await storeWithFaults(Number.POSITIVE_INFINITY);
  const store = await openStore(endpoint, 1_500);
  await expect(store.confirm('s', [], '{"n":1}\n')).rejects.toMatchObject({
    failureType: 'transient_error',
    message: expect.stringMatching(/bucket bucket .*503.*unreachable or has an internal error.*reads them again/),
  });
  expect(requests.length).toBeGreaterThan(1);
  await store.close(false);
});

test('fails with a transient error when the store does not respond', async () => {
  let arrived: () => void = () => {};
  const request = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  server = createServer(() => arrived());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const store = await openStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 0);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const confirmed = store.confirm('s', [], '{"n":1}\n');
  const rejected = expect(confirmed).rejects.toMatchObject({
    failureType: 'transient_error',
    message: expect.stringContaining('(no response in time). The store is unreachable'),
  });
  await request;
  await vi.advanceTimersByTimeAsync(60_000);
  await rejected;
  await store.close(false);
});
