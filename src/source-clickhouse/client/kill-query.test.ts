import { once } from 'node:events';
import { createServer } from 'node:net';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { mayBeRunning } from './kill-query.ts';

/** What the client says of a server that takes the query and is silent, or of a port where none is. */
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

test('a query may go on that the client had enough of waiting for', async () => {
  expect(mayBeRunning(await errorOf(true), new AbortController().signal)).toBe(true);
});

test('a query that no server took does not', async () => {
  expect(mayBeRunning(await errorOf(false), new AbortController().signal)).toBe(false);
});
