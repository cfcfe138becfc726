import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ClickHouse, type Surroundings } from './clickhouse-client.ts';
import { sourceConfigurationSchema } from './configuration.ts';

let server: Server | undefined;
let clickhouse: ClickHouse | undefined;

afterEach(async () => {
  await clickhouse?.close();
  server?.closeAllConnections();
  server?.close();
});

type Request = { url: URL; headers: IncomingMessage['headers']; body: string };

/** A server of HTTP on this machine that answers each request so, and the requests that it got. */
async function connected(
  answer: (response: ServerResponse) => void,
  configuration: { username?: string; password?: string } = {},
  surroundings: Partial<Surroundings> = { retryTimeMs: 0 },
): Promise<{ clickhouse: ClickHouse; requests: Request[]; port: number }> {
  const requests: Request[] = [];
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    requests.push({ url, headers: request.headers, body: await text(request) });
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  clickhouse = new ClickHouse(
    sourceConfigurationSchema.parse({ host: '127.0.0.1', port, ...configuration }),
    surroundings,
  );
  return { clickhouse, requests, port };
}

const row = z.object({ n: z.number() });

function running(): AbortSignal {
  return new AbortController().signal;
}

describe('a request', () => {
  test('is made by the user, in the name of this program', async () => {
    const { clickhouse, requests } = await connected((response) => response.end(), {
      username: 'reader',
      password: 'p/"é',
    });
    await clickhouse.rows('SELECT 1', {}, row);
    const [request] = requests;
    expect(request?.headers.authorization).toBe(`Basic ${Buffer.from('reader:p/"é').toString('base64')}`);
    expect(request?.headers['user-agent']).toMatch(/^clickhouse-to-batch /);
    expect(request?.url.href).not.toContain('reader');
  });

  test('carries its parameters beside the query, and no setting: a readonly=1 user may send none', async () => {
    const { clickhouse, requests } = await connected((response) => response.end());
    await clickhouse.rows('SELECT {a:String}', { a: "it's\t", n: 7 }, row);
    await clickhouse.bytes('SELECT {a:String} FORMAT JSONEachRow', { a: '' }, running());
    for (const { url } of requests) {
      const settings = [...url.searchParams.keys()].filter((key) => !key.startsWith('param_') && key !== 'query_id');
      expect(settings).toEqual([]);
    }
    expect(requests.map(({ url }) => url.searchParams.get('param_a'))).toEqual(["it\\'s\\t", '']);
    expect(requests[0]?.url.searchParams.get('param_n')).toBe('7');
    expect(requests.map(({ body }) => body.trim())).toEqual([
      'SELECT {a:String} \nFORMAT JSONEachRow',
      'SELECT {a:String} FORMAT JSONEachRow',
    ]);
  });
});

describe('rows', () => {
  test('are had in the form of their schema', async () => {
    const { clickhouse } = await connected((response) => response.end('{"n":1}\n{"n":2}\n'));
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('of another form are a failure with advice', async () => {
    const { clickhouse } = await connected((response) => response.end('<html>Welcome</html>\n'));
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
      message: expect.stringContaining("Check that host and port are those of ClickHouse's HTTP interface."),
    });
  });

  test('that the server refuses are a failure with advice', async () => {
    const { clickhouse } = await connected((response) => {
      response.writeHead(404, { 'X-ClickHouse-Exception-Code': '60' });
      response.end('Code: 60. DB::Exception: Table shop.x does not exist. (UNKNOWN_TABLE) (version 26.7.2.1)');
    });
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'config_error',
      message: expect.stringContaining('ClickHouse said: Table shop.x does not exist (code 60, UNKNOWN_TABLE).'),
    });
  });

  test('from a port where nothing listens are a failure with advice', async () => {
    const { clickhouse } = await connected((response) => response.end());
    server?.close();
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      name: 'ConnectorError',
      message: expect.stringContaining('Nothing listens at 127.0.0.1:'),
    });
  });
});

/** Answers of a server that wakes: the first ones are of this kind, the last one is right. */
function waking(failures: number, fail: (response: ServerResponse) => void): (response: ServerResponse) => void {
  let asked = 0;
  return (response) => {
    asked += 1;
    if (asked <= failures) fail(response);
    else response.end('{"n":1}\n');
  };
}

function unavailable(response: ServerResponse): void {
  response.writeHead(503);
  response.end('no healthy upstream');
}

describe('a server that wakes', () => {
  const QUICK = { retryTimeMs: 10_000, firstRetryMs: 1 };

  test.each<[string, (response: ServerResponse) => void]>([
    ['cuts the connection', (response) => response.destroy()],
    ['stands behind a proxy that can not reach it', unavailable],
    ['breaks off in its answer', (response) => response.write('{"n":', () => response.destroy())],
  ])('and %s is asked again until it answers', async (_, fail) => {
    const warnings: string[] = [];
    const { clickhouse, requests } = await connected(
      waking(3, fail),
      {},
      { ...QUICK, warn: (message) => warnings.push(message) },
    );
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
    expect(requests.length).toBe(4);
    expect(warnings).toEqual(Array(3).fill(expect.stringMatching(/127\.0\.0\.1:\d+.+ Asking again\.$/)));
  });

  test('and stands behind a proxy is asked again by check, too', async () => {
    const { clickhouse } = await connected(waking(3, unavailable), {}, { ...QUICK, askAgainWhen: 'waking' });
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
  });

  test('may take more than a minute for its first answer', async () => {
    const timeouts: unknown[] = [];
    const look = (message: unknown): void => {
      if (!(message instanceof Object) || !('request' in message) || !(message.request instanceof Object)) return;
      if ('timeout' in message.request) timeouts.push(message.request.timeout);
    };
    subscribe('http.client.request.start', look);
    const { clickhouse } = await connected((response) => response.end('{"n":1}\n'));
    await clickhouse.rows('SELECT n', {}, row);
    unsubscribe('http.client.request.start', look);
    expect(timeouts).toEqual([300_000]);
  });

  test('is not waited for without end, and what it said last is told', async () => {
    const { clickhouse, requests } = await connected(unavailable, {}, { retryTimeMs: 50, firstRetryMs: 1 });
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(/^A proxy at .+ answered in place of ClickHouse.+HTTP 503.+waking up/),
    });
    expect(requests.length).toBeGreaterThan(1);
  });

  test('is no longer waited for when the command is to end', async () => {
    const stop = new AbortController();
    const { clickhouse } = await connected(
      unavailable,
      {},
      { retryTimeMs: 60_000, firstRetryMs: 60_000, stop: stop.signal, warn: () => setImmediate(() => stop.abort()) },
    );
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ name: 'ConnectorError' });
  });

  test('answers in time, and a stop that comes meanwhile does not take that away', async () => {
    const stop = new AbortController();
    const { clickhouse } = await connected(
      (response) => {
        stop.abort();
        response.end('{"n":1}\n');
      },
      {},
      { stop: stop.signal },
    );
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
  });
});

describe('a host or port that may be wrong is told at once by check:', () => {
  test.each<[string, (server: Server | undefined) => void, (response: ServerResponse) => void, number]>([
    ['nothing listens', (running) => running?.close(), (response) => response.end(), 0],
    ['something else than ClickHouse answers', () => {}, (response) => response.end('<html>Welcome</html>'), 1],
    ['an HTTPS port cuts the connection', () => {}, (response) => response.destroy(), 1],
    ['a page is not found', () => {}, (response) => response.writeHead(404).end('Not found'), 1],
  ])('%s', async (_, before, answer, asked) => {
    const { clickhouse, requests } = await connected(
      answer,
      {},
      { askAgainWhen: 'waking', retryTimeMs: 60_000, firstRetryMs: 60_000 },
    );
    before(server);
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ name: 'ConnectorError' });
    expect(requests.length).toBe(asked);
  });
});

test('a server that is not there for a while is asked again by the other commands', async () => {
  let refused = 0;
  const { clickhouse, port } = await connected(
    (response) => response.end('{"n":1}\n'),
    {},
    {
      retryTimeMs: 10_000,
      firstRetryMs: 20,
      warn: () => {
        refused += 1;
        if (refused === 2) server?.listen(port, '127.0.0.1');
      },
    },
  );
  server?.close();
  expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
  expect(refused).toBeGreaterThanOrEqual(2);
});

describe('bytes', () => {
  test('are those of the body, as they come', async () => {
    const { clickhouse } = await connected((response) => {
      response.write('a\u2028\n');
      response.end(Buffer.from([0xff, 0x00]));
    });
    const chunks: Buffer[] = [];
    for await (const chunk of await clickhouse.bytes('SELECT 1', {}, running())) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat([Buffer.from('a\u2028\n'), Buffer.from([0xff, 0x00])]));
  });

  test('that the server refuses are a failure with advice', async () => {
    const { clickhouse } = await connected((response) => {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': '241' });
      response.end('Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)');
    });
    await expect(clickhouse.bytes('SELECT 1', {}, running())).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
    });
  });

  test('end with an error when the connection is cut, which has advice to give', async () => {
    const { clickhouse } = await connected((response) => {
      response.write('half', () => response.destroy());
    });
    const stream = await clickhouse.bytes('SELECT 1', {}, running());
    const error: unknown = await text(stream).catch((thrown: unknown) => thrown);
    expect(clickhouse.failure(error)).toMatchObject({ name: 'ConnectorError', failureType: 'transient_error' });
  });

  test('are no longer taken when the signal comes, also while the server is silent', async () => {
    const { clickhouse } = await connected((response) => response.write('first'));
    const leave = new AbortController();
    const stream = await clickhouse.bytes('SELECT 1', {}, leave.signal);
    stream.on('error', () => {});
    await once(stream, 'data');
    leave.abort();
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(stream.destroyed).toBe(true);
  });
});
