import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { afterEach, describe, expect, test } from 'vitest';
import { ForwardProxy } from '../../../integration_tests/support/forward-proxy.ts';
import { certificate } from '../../../integration_tests/support/tls-certificate.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { forgetSecrets } from '../../protocol/secrets.ts';
import { type DeliverOptions, type Delivery, deliverAlert } from './deliver.ts';
import { parseAlertOptions } from './options.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  forgetSecrets();
  for (const close of closing.splice(0)) await close();
});

type Received = { method: string | undefined; url: string | undefined; headers: Record<string, unknown>; body: string };

/** A receiver of alerts that answers with these statuses, one after the other, and the last one for the rest. */
async function receiver(statuses: readonly number[], answer = 'ok'): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const port = await listen(
    createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const { method, url, headers } = request;
          received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
          response.writeHead(statuses[Math.min(received.length, statuses.length) - 1] ?? 200).end(answer);
        });
    }),
  );
  return { port, received };
}

async function listen(server: Server | ReturnType<typeof createTlsServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const QUICK = { forMs: 60_000, minDelayMs: 1, maxDelayMs: 2 };

function deliver(
  url: string,
  {
    alertHeaders = [],
    environment = {},
    ...more
  }: Partial<DeliverOptions> & {
    alertHeaders?: readonly string[];
    environment?: Record<string, string>;
  } = {},
): Promise<Delivery> {
  const options = parseAlertOptions({ alertUrl: url, alertHeaders }, undefined, environment);
  if (options === undefined) throw new Error('There is a URL.');
  const never = new AbortController().signal;
  return deliverAlert(options.target, '{"text":"é"}', { stop: never, stopAtOnce: never, retries: QUICK, ...more });
}

test('an alert is posted as JSON with the headers of the user, and again after HTTP 500 and 429', async () => {
  const { port, received } = await receiver([500, 429, 204]);
  const url = `http://127.0.0.1:${port}/hook?a=b`;
  expect(await deliver(url, { alertHeaders: ['Authorization: Bearer t0ken'] })).toEqual({ kind: 'delivered' });
  expect(received).toHaveLength(3);
  expect(received[2]).toMatchObject({
    method: 'POST',
    url: '/hook?a=b',
    headers: { 'content-type': 'application/json', authorization: 'Bearer t0ken' },
    body: '{"text":"é"}',
  });
});

describe('an alert that is not delivered:', () => {
  test.each([
    [
      'HTTP 404 is not retried',
      404,
      'no_service',
      /^it answered with HTTP 404 \(no_service\)\. The address .* check --alert-url/,
    ],
    ['a redirect is not followed', 302, '', /^it answered with HTTP 302\. It redirects .* set --alert-url/],
    ['an HTML page is not quoted', 403, '<html>', /^it answered with HTTP 403\. The address/],
    ['a secret is masked', 401, 'bad t0ken-1', /^it answered with HTTP 401 \(bad \*\*\*\*\)/],
  ])('%s', async (_, status, answer, expected) => {
    const { port, received } = await receiver([status], answer);
    const delivery = await deliver(`http://127.0.0.1:${port}`, { alertHeaders: ['A: t0ken-1'] });
    expect(delivery).toEqual({ kind: 'failed', reason: expect.stringMatching(expected) });
    expect(received).toHaveLength(1);
  });

  test('retries end with the reason of the last attempt', async () => {
    const { port, received } = await receiver([503]);
    expect(await deliver(`http://127.0.0.1:${port}`, { retries: { ...QUICK, forMs: 30 } })).toEqual({
      kind: 'failed',
      reason: 'it answered with HTTP 503 (ok)',
    });
    expect(received.length).toBeGreaterThan(0);
  });

  test('gives up on a receiver that does not answer', async () => {
    const port = await listen(createServer(() => {}));
    const once = { retries: { ...QUICK, forMs: 0 }, attemptMs: 20 };
    expect(await deliver(`http://127.0.0.1:${port}`, once)).toEqual({
      kind: 'failed',
      reason: 'it did not answer within 0.02 s',
    });
  });

  test('a signal prevents further attempts, and a second one ends the attempt', async () => {
    const { port, received } = await receiver([500]);
    const aborted = AbortSignal.abort();
    expect(await deliver(`http://127.0.0.1:${port}`, { stop: aborted })).toMatchObject({ kind: 'failed' });
    expect(received).toHaveLength(1);
    expect(await deliver(`http://127.0.0.1:${port}`, { stopAtOnce: aborted })).toMatchObject({ kind: 'failed' });
    expect(received).toHaveLength(1);
  });

  test('nothing listens there', async () => {
    const delivery = await deliver(`http://127.0.0.1:${await freePort()}`, { retries: { ...QUICK, forMs: 0 } });
    expect(delivery).toEqual({ kind: 'failed', reason: 'nothing listens there (connection refused)' });
  });

  test('HTTPS on a port without TLS is not retried', async () => {
    const { port } = await receiver([200]);
    expect(await deliver(`https://localhost:${port}`)).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^it does not use TLS on that port\. .* begin with http:/),
    });
  });

  test('a certificate of an unknown authority is refused, and not retried', async () => {
    const port = await listen(createTlsServer(await certificate(), refuse));
    expect(await deliver(`https://localhost:${port}`)).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^its certificate is not accepted: no known authority .* set NODE_EXTRA_CA_CERTS/),
    });
  });
});

describe('through a proxy', () => {
  test('an alert is delivered', async () => {
    const { port, received } = await receiver([200]);
    const proxy = await ForwardProxy.start({ names: { 'alerts.internal': port }, credentials: 'u:p' });
    closing.push(() => proxy.close());
    const environment = { HTTP_PROXY: proxy.url.replace('//', '//u:p@') };
    expect(await deliver('http://alerts.internal/hook', { environment })).toEqual({ kind: 'delivered' });
    expect(proxy.requests).toEqual(['CONNECT alerts.internal:80']);
    expect(received).toHaveLength(1);
  });

  test('that refuses, an alert fails with the name of the variable', async () => {
    const proxy = await ForwardProxy.start({ names: {}, credentials: 'u:p' });
    closing.push(() => proxy.close());
    expect(await deliver('https://alerts.internal', { environment: { HTTPS_PROXY: proxy.url } })).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^The proxy .* \(HTTPS_PROXY\) requires a user and a password/),
    });
  });
});

const refuse: RequestListener = (_, response) => response.writeHead(500).end();
