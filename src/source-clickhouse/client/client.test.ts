import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { sourceConfigurationSchema } from '../config/schema.ts';
import { ClickHouse, type ClientOptions, findConfiguredProxy } from './client.ts';

let server: Server | undefined;
let clickhouse: ClickHouse | undefined;

afterEach(async () => {
  await clickhouse?.close();
  server?.closeAllConnections();
  server?.close();
});

type Request = { url: URL; headers: IncomingMessage['headers']; body: string };
type Answer = (response: ServerResponse, request: Request) => void;

/** A server's answer about its version and the settings of a user: whether each is fixed or changed, and its value. */
function looksUp(settings: Record<string, string>, version = '26.7.2.1'): string {
  return resultOf({ version, milliseconds: '1767225600000', settings: Object.entries(settings) });
}

/** For a user who can't change settings, and for one who can. */
const FIXED = looksUp({ log_comment: '10', readonly: '111', limit: '' });
const CHANGEABLE = looksUp({
  log_comment: '00',
  readonly: '112',
  cancel_http_readonly_queries_on_client_close: '000',
});

/** A result as the server writes it. */
function resultOf(...rows: Record<string, unknown>[]): string {
  return JSON.stringify({ meta: [], data: rows, rows: rows.length });
}

function isLookUp({ body }: Request): boolean {
  return body.includes('FROM system.settings');
}

function afterLookUp(answer: Answer, settings: string): Answer {
  return (response, request) => (isLookUp(request) ? response.end(settings) : answer(response, request));
}

/** An HTTP server on this machine that answers each request like this, and the requests that it received. */
async function connected(
  answer: Answer,
  configuration: {
    username?: string;
    password?: string;
    database?: string;
    table?: string;
    where?: string | undefined;
  } = {},
  options: Partial<ClientOptions> = { retryTimeMs: 0 },
): Promise<{ clickhouse: ClickHouse; requests: Request[]; port: number }> {
  const requests: Request[] = [];
  server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://server');
    const request = { url, headers: incoming.headers, body: await text(incoming) };
    requests.push(request);
    answer(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  clickhouse = new ClickHouse(sourceConfigurationSchema.parse({ host: '127.0.0.1', port, ...configuration }), options);
  return { clickhouse, requests, port };
}

const row = z.object({ n: z.number() });

function running(): AbortSignal {
  return new AbortController().signal;
}

describe('a request', () => {
  test('has basic authentication, and the name and version of this program as User-Agent', async () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync('package.json', 'utf8')));
    const { clickhouse, requests } = await connected(
      afterLookUp((response) => response.end(resultOf()), FIXED),
      { username: 'reader', password: 'p/"é' },
    );
    await clickhouse.rows('SELECT 1', {}, row);
    expect(requests.length).toBe(2);
    for (const { headers, url } of requests) {
      expect(headers.authorization).toBe(`Basic ${Buffer.from('reader:p/"é').toString('base64')}`);
      expect(headers['user-agent']).toMatch(`clickhouse-to-batch source-clickhouse ${version} `);
      expect(url.href).not.toContain('reader');
    }
  });

  test('sends a user name with a colon in the X-ClickHouse-User and X-ClickHouse-Key headers, in UTF-8', async () => {
    const { clickhouse, requests } = await connected(
      afterLookUp((response) => response.end(resultOf()), FIXED),
      { username: 'team:reader', password: 'p:/"é€' },
    );
    await clickhouse.rows('SELECT 1', {}, row);
    for (const { headers } of requests) {
      expect(headers.authorization).toBeUndefined();
      const sent = ['x-clickhouse-user', 'x-clickhouse-key'].map((name) =>
        Buffer.from(String(headers[name]), 'latin1'),
      );
      expect(sent.map(String)).toEqual(['team:reader', 'p:/"é€']);
    }
  });

  test.each([
    ['default', 'n > 1', 'a:b', { header: 'default', parameter: null }],
    ['shop', 'n > 1', 'reader', { header: undefined, parameter: 'shop' }],
    ['default', undefined, 'reader', { header: undefined, parameter: null }],
  ])('selects the database "%s" if the condition of the table is %s', async (database, where, username, expected) => {
    const { clickhouse, requests } = await connected(
      afterLookUp((response) => response.end(resultOf()), FIXED),
      { database, table: 'events', where, username },
    );
    await clickhouse.rows('SELECT 1', {}, row);
    for (const { headers, url } of requests) {
      const parameter = url.searchParams.get('database');
      expect({ header: headers['x-clickhouse-database'], parameter }).toEqual(expected);
      expect(headers['x-clickhouse-user']).toBe(username === 'a:b' ? 'a:b' : undefined);
    }
  });

  test('sends query parameters, and no settings if the user may not change any', async () => {
    const { clickhouse, requests } = await connected(afterLookUp((response) => response.end(resultOf()), FIXED));
    await clickhouse.rows('SELECT {a:String}', { a: "it's\t", n: 7 }, row);
    await clickhouse.bytes('SELECT {a:String} FORMAT JSONEachRow', { a: '' }, running());
    expect(requests.map(settingsOf)).toEqual([{}, {}, {}]);
    const [, first, second] = requests;
    expect(first?.url.searchParams.get('param_a')).toBe("it\\'s\\t");
    expect(first?.url.searchParams.get('param_n')).toBe('7');
    expect(first?.body.trim()).toBe('SELECT {a:String} \nFORMAT JSON');
    expect(second?.url.searchParams.get('param_a')).toBe('');
    expect(second?.body).toBe('SELECT {a:String} FORMAT JSONEachRow');
  });

  test('sends the settings that the user may change, which are looked up once before the first query', async () => {
    const { clickhouse, requests } = await connected(afterLookUp((response) => response.end(resultOf()), CHANGEABLE));
    await clickhouse.rows('SELECT 1', {}, row);
    await clickhouse.bytes('SELECT 2 FORMAT JSONEachRow', {}, running());
    const settings = {
      log_comment: expect.stringMatching(/^clickhouse-to-batch source-clickhouse \d/),
      cancel_http_readonly_queries_on_client_close: '1',
    };
    expect(requests.map(settingsOf)).toEqual([{}, settings, settings]);
    expect(requests.map(isLookUp)).toEqual([true, false, false]);
  });
});

function settingsOf({ url }: Request): Record<string, string> {
  return Object.fromEntries([...url.searchParams].filter(([key]) => !key.startsWith('param_') && key !== 'query_id'));
}

describe('rows', () => {
  test('are parsed by their schema', async () => {
    const { clickhouse } = await connected(
      afterLookUp((response) => response.end(resultOf({ n: 1 }, { n: 2 })), FIXED),
    );
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test.each([
    ['no JSON', '<html>secret</html>\n'],
    ['JSON of another service', '{"data":{"secret":1}}'],
    ['other rows', resultOf({ n: 'secret' })],
    ['JSON that was cut', '{"meta":[],"data":[{"n":"secret'],
  ])('in an invalid response after valid ones are a transient error that does not show them: %s', async (_, body) => {
    const { clickhouse } = await connected(afterLookUp((response) => response.end(body), FIXED));
    const error = await clickhouse.rows('SELECT n', {}, row).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'clickhouse_cut_off',
      failureType: 'transient_error',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ sent a response that is not from ClickHouse/),
    });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('in a response that ends with an error instead of JSON fail with that error', async () => {
    const said = 'Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 23.3.1.1)';
    const { clickhouse } = await connected(
      afterLookUp((response) => response.end(`{"meta":[],"data":[{"n":1}${said}`), FIXED),
    );
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ code: 'clickhouse_busy' });
  });

  test('explains an error of the server', async () => {
    const { clickhouse } = await connected(
      afterLookUp((response) => {
        response.writeHead(404, { 'X-ClickHouse-Exception-Code': '60' });
        response.end('Code: 60. DB::Exception: Table shop.x does not exist. (UNKNOWN_TABLE) (version 26.7.2.1)');
      }, FIXED),
    );
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'config_error',
      message: expect.stringContaining('ClickHouse said: Table shop.x does not exist (code 60, UNKNOWN_TABLE).'),
    });
  });

  test('fails if the response contains an error after some rows', async () => {
    const exception = 'Code: 394. DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED) (version 24.8.1.1)';
    const { clickhouse } = await connected(
      afterLookUp(
        (response) => response.end(JSON.stringify({ meta: [], data: [{ n: 1 }], rows: 1, exception })),
        FIXED,
      ),
    );
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
      message: expect.stringContaining('code 394, QUERY_WAS_CANCELLED'),
    });
  });

  test('explains a refused connection', async () => {
    const { clickhouse } = await connected((response) => response.end());
    server?.close();
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      name: 'ConnectorError',
      message: expect.stringContaining('Nothing listens at 127.0.0.1:'),
    });
  });
});

/** A server that is waking up: it fails a few times and then answers. */
function waking(errors: number, fail: (response: ServerResponse) => void): Answer {
  let asked = 0;
  return (response, request) => {
    asked += 1;
    if (asked <= errors) fail(response);
    else good(response, request);
  };
}

const good = afterLookUp((response) => response.end(resultOf({ n: 1 })), FIXED);

function unavailable(response: ServerResponse): void {
  response.writeHead(503);
  response.end('no healthy upstream');
}

test.each([
  [401, '"10.0.0.1:1": invalid username or password for user "reader"', 'clickhouse_login_refused', 'config_error'],
  [403, '<html><title>403 Forbidden</title></html>', 'clickhouse_login_refused', 'config_error'],
  [429, 'limits for user "reader" are exceeded', 'clickhouse_busy', 'transient_error'],
])('explains HTTP %i of a proxy instead of the server', async (status, body, code, type) => {
  const { clickhouse } = await connected((response) => response.writeHead(status).end(body));
  const error = await clickhouse.rows('SELECT n', {}, row).catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    code,
    failureType: type,
    message: expect.stringMatching(new RegExp(`^A proxy at 127\\.0\\.0\\.1:\\d+ .+HTTP ${status}`)),
  });
});

describe('a server that is waking up', () => {
  const QUICK = { retryTimeMs: 10_000, firstRetryMs: 1 };

  test.each<[string, (response: ServerResponse) => void]>([
    ['cuts the connection', (response) => response.destroy()],
    ['is not reachable for its proxy', unavailable],
    ['cuts off its response', (response) => response.write('{"n":', () => response.destroy())],
  ])('and %s: retries until it answers', async (_, fail) => {
    const warnings: string[] = [];
    const { clickhouse, requests } = await connected(
      waking(3, fail),
      {},
      { ...QUICK, warn: (message) => warnings.push(message) },
    );
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
    expect(requests.map(isLookUp)).toEqual([true, true, true, true, false]);
    expect(warnings).toEqual(Array(3).fill(expect.stringMatching(/127\.0\.0\.1:\d+.+ Retrying\.$/)));
  });

  test('behind a proxy: check retries, too', async () => {
    const { clickhouse } = await connected(waking(3, unavailable), {}, { ...QUICK, retryOn: 'wake-up' });
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
  });

  test('may take more than a minute for its first response', async () => {
    const timeouts: unknown[] = [];
    const look = (message: unknown): void => {
      if (!(message instanceof Object) || !('request' in message) || !(message.request instanceof Object)) return;
      if ('timeout' in message.request) timeouts.push(message.request.timeout);
    };
    subscribe('http.client.request.start', look);
    const { clickhouse } = await connected(good);
    await clickhouse.rows('SELECT n', {}, row);
    unsubscribe('http.client.request.start', look);
    expect(timeouts).toEqual([300_000, 300_000]);
  });

  test('retries for a limited time, and then reports the last error', async () => {
    const { clickhouse } = await connected(unavailable, {}, { retryTimeMs: 50, firstRetryMs: 1 });
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(/^A proxy at .+ answered, because it can't reach ClickHouse.+HTTP 503.+waking up/),
    });
  });

  test('is not retried after the signal to stop', async () => {
    const stop = new AbortController();
    const { clickhouse } = await connected(
      unavailable,
      {},
      { retryTimeMs: 60_000, firstRetryMs: 60_000, stop: stop.signal, warn: () => setImmediate(() => stop.abort()) },
    );
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ name: 'ConnectorError' });
  });

  test('returns a response that arrives within the grace period after the signal to stop', async () => {
    const stop = new AbortController();
    const { clickhouse } = await connected(
      (response, request) => {
        stop.abort();
        good(response, request);
      },
      {},
      { stop: stop.signal },
    );
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
  });
});

describe('a silent server after the signal to stop', () => {
  test.each([
    ['no settings', (): void => {}],
    ['no response', afterLookUp(() => {}, FIXED)],
    ['an incomplete response', afterLookUp((response) => response.write('{"meta": ['), FIXED)],
  ])('%s: gives up after the grace period', async (_, answer) => {
    const stop = new AbortController();
    const options = { stop: stop.signal, shutdownGraceMs: 20, retryTimeMs: 60_000 };
    const { clickhouse } = await connected(
      (response, request) => {
        if (request.body.startsWith('KILL QUERY')) response.end();
        else answer(response, request);
        setImmediate(() => stop.abort());
      },
      {},
      options,
    );
    const asked = clickhouse.rows('SELECT 1', {}, row);
    await expect(asked).rejects.toThrow('did not answer within 0.02 seconds after the signal to stop');
    // The same for a query after the signal.
    await expect(clickhouse.rows('SELECT 1', {}, row)).rejects.toThrow('after the signal to stop');
  });
});

describe.each(['wake-up', 'transient'] as const)(
  'a service that is not ClickHouse fails without retries (%s):',
  (retryOn) => {
    test.each<[string, Answer, number]>([
      ['a page', (response) => response.end('<html>Welcome</html>'), 200],
      ['another JSON', (response) => response.end('{"data":{"id":1}}'), 200],
      ['a page that is not found', (response) => response.writeHead(404).end('{"error_code":"ROUTE_NOT_FOUND"}'), 404],
      ['the native port', (response) => response.writeHead(400).end('Port 9000 is for clickhouse-client program'), 400],
      ['a redirection', (response) => response.writeHead(301, { location: 'https://x/' }).end(), 301],
      ['an error without a reason', (response) => response.writeHead(500).end(), 500],
    ])('%s', async (_, answer, status) => {
      const { clickhouse, requests } = await connected(
        answer,
        {},
        { retryOn, retryTimeMs: 60_000, firstRetryMs: 60_000 },
      );
      await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
        code: 'clickhouse_not_spoken',
        failureType: 'config_error',
        message: expect.stringMatching(
          `^127\\.0\\.0\\.1:\\d+ answered, but the response isn't from ClickHouse \\(HTTP ${status}\\)\\.`,
        ),
      });
      expect(requests.length).toBe(1);
    });
  },
);

describe('a server that is too old is refused after its first response', () => {
  const displayText =
    (code: number, words: string): Answer =>
    (response) =>
      response.writeHead(500).end(`Code: ${code}, e.displayText() = DB::Exception: ${words}, e.what() = DB::Exception`);

  test.each<[string, Answer, string]>([
    ['by its version', (response) => response.end(looksUp({}, '21.8.15.7')), 'ClickHouse 21.8.15.7'],
    ['by a version without a number', (response) => response.end(looksUp({}, '')), 'ClickHouse (no version)'],
    [
      'by the format of its errors, as in 18.16',
      displayText(47, 'Unknown identifier: readonly'),
      'a ClickHouse version before 21.10',
    ],
    [
      'by the format of an error about settings, as in 18.16',
      displayText(115, 'Unknown setting param_database'),
      'a ClickHouse version before 21.10',
    ],
    [
      'by an error with its version',
      displayText(62, 'Syntax error (version 20.3.4.10 (official build))'),
      'ClickHouse 20.3.4.10',
    ],
  ])('%s', async (_, answer, seen) => {
    const { clickhouse, requests } = await connected(answer, {}, { retryTimeMs: 60_000, firstRetryMs: 60_000 });
    for (const ask of [
      () => clickhouse.rows('SELECT n', {}, row),
      () => clickhouse.bytes('SELECT n FORMAT TSVRaw', {}, running()),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: 'clickhouse_too_old',
        message: expect.stringContaining(
          `The server runs ${seen}, which is too old. This connector needs 23.6 or later`,
        ),
      });
    }
    expect(requests.length).toBe(2);
  });
});

describe('an error in a response that is cut off', () => {
  const cut =
    (words: string): Answer =>
    (response) => {
      response.writeHead(200, { 'X-ClickHouse-Exception-Code': '43', 'Transfer-Encoding': 'chunked' });
      response.flushHeaders();
      if (words === '') setImmediate(() => response.destroy());
      else response.write(words, () => response.destroy());
    };

  test.each([
    ['before the message', '', 'ClickHouse failed (code 43), and its message was cut off.'],
    [
      'in the message',
      'Code: 43. DB::Exception: Illegal type String of argum',
      'ClickHouse said: Illegal type String of argum (code 43).',
    ],
    [
      'after the message',
      'Code: 43. DB::Exception: Illegal type. (ILLEGAL_TYPE_OF_ARGUMENT) (version 25.5.2.1)',
      'ClickHouse said: Illegal type (code 43, ILLEGAL_TYPE_OF_ARGUMENT).',
    ],
  ])('%s has its code, and is not retried', async (_, words, message) => {
    const { clickhouse, requests } = await connected(afterLookUp(cut(words), FIXED), {}, { retryTimeMs: 60_000 });
    for (const ask of [
      () => clickhouse.rows('SELECT n', {}, row),
      () => clickhouse.bytes('SELECT n FORMAT TSVRaw', {}, running()),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: 'clickhouse_query_failed',
        message: expect.stringContaining(message),
      });
    }
    expect(requests.length).toBe(3);
  });
});

describe('check does not retry if the host or port may be wrong:', () => {
  test.each<[string, (server: Server | undefined) => void, (response: ServerResponse) => void, number]>([
    ['nothing listens', (running) => running?.close(), (response) => response.end(), 0],
    ['another service answers', () => {}, (response) => response.end('<html>Welcome</html>'), 1],
    ['an HTTPS port cuts the connection', () => {}, (response) => response.destroy(), 1],
    ['a page is not found', () => {}, (response) => response.writeHead(404).end('Not found'), 1],
  ])('%s', async (_, before, answer, asked) => {
    const { clickhouse, requests } = await connected(
      answer,
      {},
      { retryOn: 'wake-up', retryTimeMs: 60_000, firstRetryMs: 60_000 },
    );
    before(server);
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ name: 'ConnectorError' });
    expect(requests.length).toBe(asked);
  });
});

test('other commands retry while the server is unreachable', async () => {
  let refused = 0;
  const { clickhouse, port } = await connected(
    good,
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
  test('returns the body as a stream', async () => {
    const { clickhouse } = await connected(
      afterLookUp((response) => {
        response.write('a\u2028\n');
        response.end(Buffer.from([0xff, 0x00]));
      }, FIXED),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of await clickhouse.bytes('SELECT 1', {}, running())) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat([Buffer.from('a\u2028\n'), Buffer.from([0xff, 0x00])]));
  });

  test('explains an error of the server', async () => {
    const { clickhouse } = await connected(
      afterLookUp((response) => {
        response.writeHead(500, { 'X-ClickHouse-Exception-Code': '241' });
        response.end('Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)');
      }, FIXED),
    );
    await expect(clickhouse.bytes('SELECT 1', {}, running())).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
    });
  });

  test('fails if the connection is cut, and the error can be explained', async () => {
    const { clickhouse } = await connected(
      afterLookUp((response) => {
        response.write('half', () => response.destroy());
      }, FIXED),
    );
    const stream = await clickhouse.bytes('SELECT 1', {}, running());
    const error: unknown = await text(stream).catch((thrown: unknown) => thrown);
    expect(clickhouse.explainError(error)).toMatchObject({ name: 'ConnectorError', failureType: 'transient_error' });
  });

  test('are cancelled by the signal, also while the server is silent', async () => {
    const { clickhouse } = await connected(afterLookUp((response) => response.write('first'), CHANGEABLE));
    const leave = new AbortController();
    const stream = await clickhouse.bytes('SELECT 1', {}, leave.signal);
    stream.on('error', () => {});
    await once(stream, 'data');
    leave.abort();
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(stream.destroyed).toBe(true);
  });
});

describe('an abandoned query', () => {
  type Failing = (response: ServerResponse, leave: () => void) => void;
  const answers: [string, Failing][] = [
    ['the signal comes before the response', (_, leave) => leave()],
    ['the signal comes during the response', (response) => response.write('first')],
    ['a proxy returns 503', unavailable],
    ['the connection is cut', (response) => response.destroy()],
  ];

  /** Abandons a query, closes the connection, and returns the requests after the one for the settings. */
  async function leave(answer: Failing, settings: string): Promise<{ asked: Request; after: Request[] }> {
    const signal = new AbortController();
    const { clickhouse, requests } = await connected(
      afterLookUp((response, request) => {
        if (request.body.startsWith('KILL')) response.end();
        else answer(response, () => signal.abort());
      }, settings),
    );
    try {
      const stream = await clickhouse.bytes('SELECT 1 FORMAT JSONEachRow', {}, signal.signal);
      stream.on('error', () => {});
      await once(stream, 'data');
      signal.abort();
    } catch {
      // Expected.
    }
    await clickhouse.close();
    const [, asked, ...after] = requests;
    if (asked === undefined) throw new Error('No request arrived.');
    return { asked, after };
  }

  test.each(answers)('is killed on the server before the connection closes: %s', async (_, answer) => {
    const { asked, after } = await leave(answer, FIXED);
    expect(after.map(({ body }) => body)).toEqual(['KILL QUERY WHERE query_id = {query_id:String}']);
    expect(after[0]?.url.searchParams.get('param_query_id')).toBe(asked.url.searchParams.get('query_id'));
  });

  test.each(answers)('is not killed if the server notices the closed connection: %s', async (_, answer) => {
    expect((await leave(answer, CHANGEABLE)).after).toEqual([]);
  });

  test('is not killed if it is complete', async () => {
    const { clickhouse, requests } = await connected(
      afterLookUp((response) => response.end(resultOf({ n: 1 })), FIXED),
    );
    const signal = new AbortController();
    await text(await clickhouse.bytes('SELECT 1 FORMAT JSONEachRow', {}, signal.signal));
    signal.abort();
    await clickhouse.close();
    expect(requests.length).toBe(2);
  });

  test('is not killed if the server refused it', async () => {
    const { after } = await leave((response) => {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': '241' });
      response.end('Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)');
    }, FIXED);
    expect(after).toEqual([]);
  });

  test('warns with the GRANT that is needed to kill it', async () => {
    const warnings: string[] = [];
    const { clickhouse } = await connected(
      afterLookUp((response, { body }) => {
        if (!body.startsWith('KILL')) return unavailable(response);
        response.writeHead(500, { 'X-ClickHouse-Exception-Code': '497' });
        response.end(
          "Code: 497. DB::Exception: reader: Not enough privileges. To execute this query, it's necessary to have the grant SELECT ON system.processes. (ACCESS_DENIED) (version 26.7.2.1)",
        );
      }, FIXED),
      { username: 'reader' },
      { retryTimeMs: 0, warn: (message) => warnings.push(message) },
    );
    await expect(clickhouse.bytes('SELECT 1', {}, running())).rejects.toThrow(/HTTP 503/);
    await clickhouse.close();
    expect(warnings).toEqual([
      expect.stringMatching(
        /^An abandoned query.+may still be running there.+GRANT SELECT ON system\.processes TO `reader`$/s,
      ),
    ]);
  });
});

test('uses no proxy with an SSH tunnel', () => {
  vi.stubEnv('HTTPS_PROXY', 'http://proxy.example.com:3128');
  const direct = { host: 'clickhouse.internal', port: 8443, ssl: true };
  const tunnel = { tunnel_host: 'bastion', tunnel_user: 'u', tunnel_user_password: 'p' };
  const method = (tunnel_method: string): unknown => ({ ...direct, tunnel_method: { tunnel_method, ...tunnel } });
  const used = [direct, method('NO_TUNNEL'), method('SSH_PASSWORD_AUTH')].map(
    (options) => findConfiguredProxy(sourceConfigurationSchema.parse(options))?.variable,
  );
  vi.unstubAllEnvs();
  expect(used).toEqual(['HTTPS_PROXY', 'HTTPS_PROXY', undefined]);
});
