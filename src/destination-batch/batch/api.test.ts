import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { certificate } from '../../../integration_tests/support/tls-certificate.ts';
import type { FaultRequest } from '../../../sandbox/batch-api/faults.ts';
import { BatchApi as Sandbox } from '../../../sandbox/batch-api/server.ts';
import { ConnectorError } from '../../protocol/errors.ts';
import { BatchApi } from './api.ts';
import { MASS_UPDATE, UPDATE } from './endpoints.ts';
import { RetryableCallError } from './errors.ts';
import type { BatchResponse } from './responses.ts';

const KEY = 'rest-key-that-must-stay-secret';
const PROJECT = 'project_1';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.start({ restApiKey: KEY, projectKey: PROJECT, limits: { updateBurst: 1e6 } });
});
beforeEach(() => {
  sandbox.reset();
  sandbox.faults.clear();
});
afterAll(() => sandbox.close());

const clients: BatchApi[] = [];
const servers: Server[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

function clientOf(options: Partial<ConstructorParameters<typeof BatchApi>[0]> = {}): BatchApi {
  const client = new BatchApi({
    api_url: sandbox.url,
    api_version: '2.11',
    rest_api_key: KEY,
    project_key: PROJECT,
    ...options,
  });
  clients.push(client);
  return client;
}

/** Starts a server with this handler, and returns its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serveText = (status: number, text: string, headers: Record<string, string> = {}): Promise<string> =>
  serve((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(status, headers).end(text));
  });

const never = new AbortController().signal;
const update = (customId: string, attributes: string): string =>
  `{"identifiers":{"custom_id":"${customId}"},"events":[{"name":"e","attributes":${attributes}}]}`;
const BODY = `[${update('u1', '{"n":9007199254740993}')}]`;

type CallOutcome =
  | BatchResponse
  | { kind: 'retry'; outcomeUnknown: boolean; isRateLimit: boolean; retryAfterMs: number | undefined; message: string }
  | { kind: 'fails'; type: string; message: string };

async function outcomeOf(
  client: BatchApi,
  body = BODY,
  { signal = never, endpoint = UPDATE } = {},
): Promise<CallOutcome> {
  try {
    return await client.post(endpoint, Buffer.from(body), signal);
  } catch (error) {
    // No part of an error contains the key: neither the message, nor the stack, the fields or the cause.
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(KEY);
    if (error instanceof RetryableCallError) {
      const { outcomeUnknown, isRateLimit, retryAfterMs, message } = error;
      return { kind: 'retry', outcomeUnknown, isRateLimit, retryAfterMs, message };
    }
    if (error instanceof ConnectorError) return { kind: 'fails', type: error.failureType, message: error.message };
    throw error;
  }
}

const withFault = (fault: FaultRequest): Promise<CallOutcome> => {
  sandbox.faults.add(fault);
  return outcomeOf(clientOf());
};

const retry = (message: string, rest: Partial<Extract<CallOutcome, { kind: 'retry' }>> = {}): CallOutcome => ({
  kind: 'retry',
  outcomeUnknown: false,
  isRateLimit: false,
  retryAfterMs: undefined,
  message,
  ...rest,
});

describe('a call', () => {
  test('sends the updates unchanged, and is accepted', async () => {
    expect(await outcomeOf(clientOf())).toEqual({ kind: 'accepted', errors: [] });
    expect([...sandbox.store.events()].map(({ custom_id, json }) => [custom_id, json])).toEqual([
      ['u1', '{"name":"e","attributes":{"n":9007199254740993}}'],
    ]);
  });

  test('with mass_update goes to that endpoint', async () => {
    expect(await outcomeOf(clientOf(), BODY, { endpoint: MASS_UPDATE })).toEqual({ kind: 'accepted', errors: [] });
    expect(sandbox.stats.tokens['mass-update'].used).toBe(1);
  });

  test.each([
    ['', '/2.11/profiles/update'],
    ['/', '/2.11/profiles/update'],
    ['/batch', '/batch/2.11/profiles/update'],
    ['/batch/', '/batch/2.11/profiles/update'],
  ])(
    'adds the version and the endpoint to the path "%s", and sends the keys and the body length',
    async (base, path) => {
      const calls: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders }[] = [];
      const url = await serve((request, response) => {
        const { method, url, headers } = request;
        calls.push({ method, url, headers });
        response.writeHead(202).end('{"code":"SUCCESS"}');
      });
      await outcomeOf(clientOf({ api_url: url + base }), '["é"]');
      expect(calls).toMatchObject([
        {
          method: 'POST',
          url: path,
          headers: {
            authorization: `Bearer ${KEY}`,
            'x-batch-project': PROJECT,
            'content-type': 'application/json',
            'content-length': '6',
          },
        },
      ]);
    },
  );

  test('can be aborted while it waits for the response', async () => {
    sandbox.faults.add({ kind: 'hang' });
    const leaving = new AbortController();
    const outcome = outcomeOf(clientOf(), BODY, { signal: leaving.signal });
    await expect.poll(() => sandbox.stats.requests, { interval: 5 }).toBe(1);
    leaving.abort();
    expect((await outcome).kind).toBe('retry');
  });

  test('ends when the client is closed', async () => {
    sandbox.faults.add({ kind: 'hang' });
    const client = clientOf();
    const outcome = outcomeOf(client);
    await expect.poll(() => sandbox.stats.requests, { interval: 5 }).toBe(1);
    await client.close();
    expect((await outcome).kind).toBe('retry');
  });

  test('does not wait for other calls', async () => {
    sandbox.faults.add({ kind: 'hang', times: 7 });
    const client = clientOf();
    const hanging = Array.from({ length: 7 }, () => outcomeOf(client));
    await expect.poll(() => sandbox.stats.requests, { interval: 5 }).toBe(7);
    expect((await outcomeOf(client)).kind).toBe('accepted');
    await client.close();
    await Promise.all(hanging);
  });
});

describe('an accepted call reports errors in the response', () => {
  test('with the update and the attribute', async () => {
    const body = `[${update('u1', '{"a":1}')},${update('u2', '{"b":"","c":1}')},${update('null', '{}')}]`;
    expect(await outcomeOf(clientOf(), body)).toEqual({
      kind: 'accepted',
      errors: [
        { bulkIndex: 1, attribute: 'b', reason: 'a blank string (in events[0])' },
        {
          bulkIndex: 2,
          attribute: undefined,
          reason: 'custom_id is blank, has several lines, or is a placeholder such as null',
        },
      ],
    });
  });

  const accepted = (...errors: object[]) => ({ kind: 'accepted', errors });
  test.each([
    ['no list', '{"code":"SUCCESS"}', accepted()],
    ['a null list', '{"code":"SUCCESS","errors":null}', accepted()],
    ['an empty list', '{"errors":[]}', accepted()],
    [
      'only an index',
      '{"errors":[{"bulk_index":3}]}',
      accepted({ bulkIndex: 3, attribute: undefined, reason: 'no reason given' }),
    ],
    [
      'fields that are null',
      '{"errors":[{"bulk_index":0,"category":null,"attribute":null,"reason":null}]}',
      accepted({ bulkIndex: 0, attribute: undefined, reason: 'no reason given' }),
    ],
    [
      'unknown fields',
      '{"errors":[{"bulk_index":0,"event_index":2,"reason":"x"}],"z":1}',
      accepted({ bulkIndex: 0, attribute: undefined, reason: 'x' }),
    ],
  ])('in every known form: %s', async (_, text, expected) => {
    expect(await outcomeOf(clientOf({ api_url: await serveText(202, text) }))).toEqual(expected);
  });

  test.each([
    ['an empty body', ''],
    ['a page', '<html>\n<body>x</body></html>'],
    ['a list', '[]'],
    ['a string', '"SUCCESS"'],
    ['null', 'null'],
    ['an error without an index', '{"errors":[{"reason":"x"}]}'],
    ['a negative index', '{"errors":[{"bulk_index":-1}]}'],
    ['an index that is a string', '{"errors":[{"bulk_index":"0"}]}'],
    ['truncated JSON', '{"code":"SUCCESS"'],
  ])("or that the response can't be parsed: %s", async (_, text) => {
    expect(await outcomeOf(clientOf({ api_url: await serveText(202, text) }))).toEqual({
      kind: 'accepted_unreadable',
      detail: text,
    });
  });

  test("or the beginning of a long page that can't be parsed", async () => {
    const outcome = await outcomeOf(clientOf({ api_url: await serveText(202, 'x'.repeat(10_000)) }));
    expect(outcome).toEqual({ kind: 'accepted_unreadable', detail: 'x'.repeat(2_000) });
  });

  test.each([true, false])("or a page of the sandbox that can't be parsed; stored: %s", async (stored) => {
    expect(await withFault({ kind: 'garbage', stored })).toEqual({
      kind: 'accepted_unreadable',
      detail: '<html><body>This is not the page you expect.</body></html>',
    });
  });
});

describe('decompresses a response although the request did not ask for compression', () => {
  const PARTIAL = JSON.stringify({
    code: 'SUCCESS_WITH_PARTIAL_ERRORS',
    errors: [{ bulk_index: 0, category: 'EVENT', reason: 'unknown event' }],
  });
  const compressed = (status: number, encoding: string, body: Buffer): Promise<string> =>
    serve((request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(status, { 'content-encoding': encoding }).end(body));
    });

  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (text: string) => Buffer.from(text)],
  ])('%s', async (encoding, compress) => {
    const url = await compressed(202, encoding, compress(PARTIAL));
    expect(await outcomeOf(clientOf({ api_url: url }))).toEqual({
      kind: 'accepted',
      errors: [{ bulkIndex: 0, attribute: undefined, reason: 'unknown event' }],
    });
  });

  test('of a refused request', async () => {
    const url = await compressed(400, 'gzip', gzipSync('{"error_code":20,"error_message":"Invalid event"}'));
    expect(await outcomeOf(clientOf({ api_url: url }))).toEqual({
      kind: 'refused',
      reason: 'HTTP 400, 20: Invalid event',
    });
  });

  test.each([
    ['broken', 'gzip', Buffer.from('not gzip')],
    ['in an unknown encoding', 'zstd-next', Buffer.from('(µ/ý')],
    ['larger than any response of Batch', 'gzip', gzipSync(Buffer.alloc(40 * 1024 * 1024))],
  ])('and uses only the status if the body is %s', async (_, encoding, body) => {
    const url = await compressed(202, encoding, body);
    expect(await outcomeOf(clientOf({ api_url: url }))).toMatchObject({
      kind: 'accepted_unreadable',
      detail: expect.stringMatching(/compressed/),
    });
  });
});

// Batch accepts with HTTP 202. If another server returns a page with HTTP 200, nothing was stored.
describe('a 2xx status other than 202', () => {
  test.each([200, 201])('means accepted if the response is from Batch: %i', async (status) => {
    const text =
      '{"code":"SUCCESS_WITH_PARTIAL_ERRORS","errors":[{"bulk_index":0,"category":"x","attribute":"a","reason":"y"}]}';
    expect(await outcomeOf(clientOf({ api_url: await serveText(status, text) }))).toEqual({
      kind: 'accepted',
      errors: [{ bulkIndex: 0, attribute: 'a', reason: 'y' }],
    });
  });

  test.each([
    [200, '<html>Sign in</html>', 'HTTP 200, <html>Sign in</html>'],
    [200, '', 'HTTP 200'],
    [204, '', 'HTTP 204'],
    [299, '', 'HTTP 299'],
    [200, '{}', 'HTTP 200, {}'],
    [200, '{"errors":[]}', 'HTTP 200, {"errors":[]}'],
    [200, '{"code":"SIGN_IN_REQUIRED"}', 'HTTP 200, {"code":"SIGN_IN_REQUIRED"}'],
  ])('fails the sync if the response is not from Batch: %i "%s"', async (status, text, said) => {
    const url = await serveText(status, text);
    expect(await outcomeOf(clientOf({ api_url: url }))).toEqual({
      kind: 'fails',
      type: 'config_error',
      message: `${url} returned a successful response that is not from Batch (${said}). Another server may be listening there, or a proxy requires a login. Check api_url and the network.`,
    });
  });
});

describe('the reason of a refused call contains the message of Batch', () => {
  test.each([
    [
      'in the documented form',
      { kind: 'status', status: 400 },
      'HTTP 400, MALFORMED_PARAMETER: The request is malformed.',
    ],
    [
      'with a number as the code',
      { kind: 'status', status: 400, body: { error_code: 31, error_message: 'Bad' } },
      'HTTP 400, 31: Bad',
    ],
    ['without a message', { kind: 'status', status: 400, body: { error_code: 'X' } }, 'HTTP 400, X: no message'],
    [
      'with a null message',
      { kind: 'status', status: 400, body: { error_code: 'X', error_message: null } },
      'HTTP 400, X: no message',
    ],
    ['in another form', { kind: 'status', status: 400, body: { message: 'Bad' } }, 'HTTP 400, {"message":"Bad"}'],
    ['with an empty body', { kind: 'status', status: 400, body: '' }, 'HTTP 400'],
    [
      'with a page',
      { kind: 'status', status: 413, body: '<html>\n  <b>Too\tlarge</b>\r\n</html>' },
      'HTTP 413, <html> <b>Too large</b> </html>',
    ],
    ['with a long page', { kind: 'status', status: 413, body: 'x'.repeat(9_000) }, `HTTP 413, ${'x'.repeat(2_000)}`],
    [
      'with an undocumented status',
      { kind: 'status', status: 422, body: { error_code: 'X', error_message: 'Y' } },
      'HTTP 422, X: Y',
    ],
  ] satisfies [string, FaultRequest, string][])('%s', async (_, fault, reason) => {
    expect(await withFault(fault)).toEqual({ kind: 'refused', reason });
  });
});

describe('a call that cannot succeed fails with advice', () => {
  test.each([
    [
      401,
      'Batch refused the REST API key for this project (HTTP 401, AUTHENTICATION_INVALID: The REST API key is not valid here.). The key or the project key is wrong, or they belong to different companies. Copy both again from the dashboard: Settings → General.',
    ],
    [
      403,
      "Batch forbids this request (HTTP 403, API_MISUSE: This API is not open to the account.). The project may have no access to the profile API. Ask Batch's support to enable it.",
    ],
  ])('%i', async (status, message) => {
    expect(await withFault({ kind: 'status', status })).toEqual({ kind: 'fails', type: 'config_error', message });
  });

  test('404, with the address that was called', async () => {
    expect(await outcomeOf(clientOf({ api_version: '3.0' }))).toEqual({
      kind: 'fails',
      type: 'config_error',
      message: `${sandbox.url}/3.0/profiles/update does not exist (HTTP 404, ROUTE_NOT_FOUND: There is no POST /3.0/profiles/update.). Check api_url, api_version and endpoint.`,
    });
  });

  test.each([300, 301, 302, 303, 307, 308])('%i, and the key is not sent to the new address', async (status) => {
    const elsewhere: (string | undefined)[] = [];
    const location = await serve((request, response) => {
      elsewhere.push(request.headers.authorization);
      response.writeHead(202).end('{"code":"SUCCESS"}');
    });
    const url = await serveText(status, '', { location: `${location}/2.11/profiles/update` });
    expect(await outcomeOf(clientOf({ api_url: url }))).toEqual({
      kind: 'fails',
      type: 'config_error',
      message: `${url} redirects to another address (HTTP ${status}). The key is not sent there. Check api_url.`,
    });
    expect(elsewhere).toEqual([]);
  });
});

test.each([
  ['', '1'],
  [', even with NODE_TLS_REJECT_UNAUTHORIZED=0', '0'],
])('an untrusted certificate is a config_error and is not retried%s', async (_, env) => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', env);
  const { key, cert } = await certificate();
  const server = createTlsServer({ key, cert }, () => {});
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await outcomeOf(clientOf({ api_url: url }))).toMatchObject({
    kind: 'fails',
    type: 'config_error',
    message: expect.stringMatching(
      /^The certificate of https:.* is not accepted: no known authority has signed it \(DEPTH_ZERO_SELF_SIGNED_CERT\).*NODE_EXTRA_CA_CERTS/,
    ),
  });
});

test('a port without TLS is a config_error, in plain words', async () => {
  const url = sandbox.url.replace('http:', 'https:');
  const { host } = new URL(url);
  expect(await outcomeOf(clientOf({ api_url: url }))).toEqual({
    kind: 'fails',
    type: 'config_error',
    message: `api_url says https, but ${host} does not use TLS on that port. Check the host and the port of api_url. If they are right, a proxy may be answering in place of Batch.`,
  });
});

test.each([
  ['an unexpected error', 500],
  ['too many calls', 429],
  ['a forbidden call', 403],
  ['a missing page', 404],
])('masks values of rows that Batch quotes in the message of %s', async (_, status) => {
  const url = await serveText(
    status,
    '{"error_code":"X","error_message":"bad value jane@example.com in \\"jane\\" of u1"}',
  );
  const body = `[${update('u1', '{"mail":"jane@example.com","name":"jane"}')}]`;
  const outcome = await outcomeOf(clientOf({ api_url: url }), body);
  expect('message' in outcome && outcome.message).toContain('X: bad value **** in "****" of u1');
});

describe('a call that may succeed later is retryable', () => {
  const fault = (status: number, words: string) =>
    `Batch has an internal error or is under maintenance (HTTP ${status}, ${words})`;
  const wait = (status: number, words: string) => `Batch asks the connector to wait (HTTP ${status}, ${words})`;
  const unexpected = 'SERVER_ERROR: Something unexpected happened.';
  const tooMany = 'TOO_MANY_REQUESTS: Too many updates: wait a few seconds.';

  test.each([
    [408, {}, retry(wait(408, unexpected))],
    [429, {}, retry(wait(429, tooMany), { isRateLimit: true })],
    [429, { retry_after_seconds: 7 }, retry(wait(429, tooMany), { isRateLimit: true, retryAfterMs: 7_000 })],
    [429, { retry_after_seconds: 0 }, retry(wait(429, tooMany), { isRateLimit: true, retryAfterMs: 0 })],
    [500, {}, retry(fault(500, unexpected), { outcomeUnknown: true })],
    [502, {}, retry(fault(502, unexpected), { outcomeUnknown: true })],
    [503, {}, retry(fault(503, 'MAINTENANCE_ERROR: Under maintenance: try again later.'))],
    [
      503,
      { retry_after_seconds: 60 },
      retry(fault(503, 'MAINTENANCE_ERROR: Under maintenance: try again later.'), { retryAfterMs: 60_000 }),
    ],
    [504, {}, retry(fault(504, unexpected), { outcomeUnknown: true })],
    [599, {}, retry(fault(599, unexpected), { outcomeUnknown: true })],
  ])('%i %j', async (status, more, expected) => {
    expect(await withFault({ kind: 'status', status, ...more })).toEqual(expected);
    expect(sandbox.store.eventCount).toBe(0);
  });

  test.each([
    ['a date in the past', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
    [
      'a date in the far future',
      'Tue, 21 Oct 2999 07:28:00 GMT',
      expect.closeTo(Date.UTC(2999, 9, 21) - Date.now(), -8),
    ],
    ['a fraction', '1.5', 1_500],
    ['a negative number', '-1', undefined],
    ['a word', 'soon', undefined],
    ['Infinity', 'Infinity', undefined],
    ['empty', '', undefined],
  ])('with a Retry-After that is %s', async (_, value, retryAfterMs) => {
    const url = await serveText(429, '', { 'retry-after': value });
    expect(await outcomeOf(clientOf({ api_url: url }))).toEqual(
      retry('Batch asks the connector to wait (HTTP 429)', { isRateLimit: true, retryAfterMs }),
    );
  });

  test.each([
    ['before Batch stored the events', false, 0],
    ['after Batch stored the events', true, 1],
  ])('if the connection is cut %s, and reports the outcome as unknown', async (_, stored, events) => {
    const outcome = await withFault({ kind: 'cut', stored });
    expect(outcome).toMatchObject({ kind: 'retry', outcomeUnknown: true, isRateLimit: false });
    expect('message' in outcome && outcome.message).toMatch(
      /^The request to 127\.0\.0\.1:\d+ failed: the connection was closed before the response was complete$/,
    );
    expect(sandbox.store.eventCount).toBe(events);
  });

  test('if the connection is cut in the middle of the response', async () => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(202, { 'content-length': '100' });
      response.write('{"code":');
      setImmediate(() => response.destroy());
    });
    expect(await outcomeOf(clientOf({ api_url: url }))).toMatchObject({ kind: 'retry', outcomeUnknown: true });
  });

  test('if the response never ends', { timeout: 10_000 }, async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const url = await serve((request, response) => {
        request.resume();
        response.writeHead(202).write('{"code":');
        vi.advanceTimersByTime(120_000);
      });
      expect(await outcomeOf(clientOf({ api_url: url }))).toMatchObject({
        kind: 'retry',
        outcomeUnknown: true,
        message: expect.stringContaining('failed: the response was not complete within 120 seconds'),
      });
    } finally {
      vi.useRealTimers();
    }
  });

  test('if the response is not HTTP', async () => {
    const url = await serve((request) => {
      request.socket.end('nonsense\r\n\r\n');
    });
    const outcome = await outcomeOf(clientOf({ api_url: url }));
    expect(outcome).toEqual(
      retry(`The request to ${new URL(url).host} failed: the server does not speak HTTP`, {
        outcomeUnknown: true,
      }),
    );
  });

  test('if no server listens at the address, and reports that nothing was stored', async () => {
    const outcome = await outcomeOf(clientOf({ api_url: 'http://127.0.0.1:1' }));
    expect(outcome).toEqual(retry("Can't reach 127.0.0.1:1: nothing listens there (connection refused)"));
  });
});

test('the same client continues after each error', async () => {
  const client = clientOf();
  sandbox.faults.add([
    { kind: 'cut' },
    { kind: 'status', status: 500 },
    { kind: 'garbage', stored: true },
    { kind: 'cut', stored: true },
    { kind: 'status', status: 429, retry_after_seconds: 1 },
  ]);
  const kinds: string[] = [];
  for (let call = 0; call < 6; call += 1) kinds.push((await outcomeOf(client)).kind);
  expect(kinds).toEqual(['retry', 'retry', 'accepted_unreadable', 'retry', 'retry', 'accepted']);
});

test('the error about a key that is not a valid header value does not contain the key', async () => {
  const odd = `${KEY}\n`;
  const error = await clientOf({ rest_api_key: odd })
    .post(UPDATE, Buffer.from(BODY), never)
    .catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(Error);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(KEY);
});
