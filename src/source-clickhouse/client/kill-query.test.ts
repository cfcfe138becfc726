import { once } from 'node:events';
import { createServer } from 'node:net';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { mayBeRunning } from './kill-query.ts';

/** The client's error for a server that accepts the query and is silent, or for a port where no server listens. */
async function errorOf(isThere: boolean): Promise<unknown> {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  if (!isThere) silent.close();
  const url = `http://127.0.0.1:${address.port}`;
  const client = createClient({ url, request_timeout: 50, log: { level: ClickHouseLogLevel.OFF } });
  const error: unknown = await client.exec({ query: 'SELECT 1' }).catch((cause: unknown) => cause);
  await client.close();
  silent.close();
  return error;
}

test('a query may still be running after a timeout of the client', async () => {
  expect(mayBeRunning(await errorOf(true), new AbortController().signal)).toBe(true);
});

test('a query is not running if the connection was refused', async () => {
  expect(mayBeRunning(await errorOf(false), new AbortController().signal)).toBe(false);
});
