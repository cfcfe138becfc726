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

/** What a server says of its version, and of the settings of a user: each with whether it is fixed, or changed, and its value. */
function looksUp(settings: Record<string, string>, version = '26.7.2.1'): string {
  return resultOf({ version, settings: Object.entries(settings) });
}

/** Of a user who may change none, and of one who may. */
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

/** A server of HTTP on this machine that answers each request so, and the requests that it got. */
async function connected(
  answer: Answer,
  configuration: { username?: string; password?: string } = {},
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
  test('is made by the user, in the name of this program and its version, with whatever settings', async () => {
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

  test('of a user with a colon in its name has both in headers of ClickHouse, in UTF-8', async () => {
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

  test('carries its parameters beside the query, and no setting for a user who may send none', async () => {
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

  test('carries the settings that the user may send, which are looked up once and before it', async () => {
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
  test('are had in the form of their schema', async () => {
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
  ])('of another form after answers of ClickHouse may pass, and are not shown: %s', async (_, body) => {
    const { clickhouse } = await connected(afterLookUp((response) => response.end(body), FIXED));
    const error = await clickhouse.rows('SELECT n', {}, row).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'clickhouse_cut_off',
      failureType: 'transient_error',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ sent a response that is not from ClickHouse/),
    });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('whose answer ends with an error in place of JSON have its reason', async () => {
    const said = 'Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 23.3.1.1)';
    const { clickhouse } = await connected(
      afterLookUp((response) => response.end(`{"meta":[],"data":[{"n":1}${said}`), FIXED),
    );
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ code: 'clickhouse_busy' });
  });

  test('that the server refuses are a failure with advice', async () => {
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

  test('that the server could not finish are a failure with advice, and not taken for all', async () => {
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
])('a proxy that answers %i in the place of the server is a failure of its kind', async (status, body, code, type) => {
  const { clickhouse } = await connected((response) => response.writeHead(status).end(body));
  const error = await clickhouse.rows('SELECT n', {}, row).catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    code,
    failureType: type,
    message: expect.stringMatching(new RegExp(`^A proxy at 127\\.0\\.0\\.1:\\d+ .+HTTP ${status}`)),
  });
});

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
    expect(requests.map(isLookUp)).toEqual([true, true, true, true, false]);
    expect(warnings).toEqual(Array(3).fill(expect.stringMatching(/127\.0\.0\.1:\d+.+ Retrying\.$/)));
  });

  test('and stands behind a proxy is asked again by check, too', async () => {
    const { clickhouse } = await connected(waking(3, unavailable), {}, { ...QUICK, retryOn: 'wake-up' });
    expect(await clickhouse.rows('SELECT n', {}, row)).toEqual([{ n: 1 }]);
  });

  test('may take more than a minute for its first answer', async () => {
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

  test('is not waited for without end, and what it said last is told', async () => {
    const { clickhouse } = await connected(unavailable, {}, { retryTimeMs: 50, firstRetryMs: 1 });
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(/^A proxy at .+ answered instead of ClickHouse.+HTTP 503.+waking up/),
    });
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

describe('a server that says nothing after the signal to end', () => {
  test.each([
    ['of its settings', (): void => {}],
    ['at all', afterLookUp(() => {}, FIXED)],
    ['more than the beginning', afterLookUp((response) => response.write('{"meta": ['), FIXED)],
  ])('%s is left soon', async (_, answer) => {
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
    // And so is one that is asked only then.
    await expect(clickhouse.rows('SELECT 1', {}, row)).rejects.toThrow('after the signal to stop');
  });
});

describe.each(['wake-up', 'transient'] as const)(
  'a service that is not ClickHouse is refused at once (%s):',
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
          `^127\\.0\\.0\\.1:\\d+ answered, but not like ClickHouse \\(HTTP ${status}\\)\\.`,
        ),
      });
      expect(requests.length).toBe(1);
    });
  },
);

describe('a server that is too old is refused at its first answer', () => {
  const displayText =
    (code: number, words: string): Answer =>
    (response) =>
      response.writeHead(500).end(`Code: ${code}, e.displayText() = DB::Exception: ${words}, e.what() = DB::Exception`);

  test.each<[string, Answer, string]>([
    ['by its version', (response) => response.end(looksUp({}, '21.8.15.7')), 'ClickHouse 21.8.15.7'],
    ['by a version without a number', (response) => response.end(looksUp({}, '')), 'ClickHouse (no version)'],
    [
      'by its form of an error, as of 18.16',
      displayText(47, 'Unknown identifier: readonly'),
      'a ClickHouse from before version 21.10',
    ],
    [
      'by its form of an error of settings, as of 18.16',
      displayText(115, 'Unknown setting param_database'),
      'a ClickHouse from before version 21.10',
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
        message: expect.stringContaining(`The server is ${seen}, which is too old: 23.6 or later is needed`),
      });
    }
    expect(requests.length).toBe(2);
  });
});

describe('an error whose connection is cut', () => {
  const cut =
    (words: string): Answer =>
    (response) => {
      response.writeHead(200, { 'X-ClickHouse-Exception-Code': '43', 'Transfer-Encoding': 'chunked' });
      response.flushHeaders();
      if (words === '') setImmediate(() => response.destroy());
      else response.write(words, () => response.destroy());
    };

  test.each([
    ['before its first word', '', 'ClickHouse failed (code 43), and its message was cut off.'],
    [
      'in its words',
      'Code: 43. DB::Exception: Illegal type String of argum',
      'ClickHouse said: Illegal type String of argum (code 43).',
    ],
    [
      'behind them',
      'Code: 43. DB::Exception: Illegal type. (ILLEGAL_TYPE_OF_ARGUMENT) (version 25.5.2.1)',
      'ClickHouse said: Illegal type (code 43, ILLEGAL_TYPE_OF_ARGUMENT).',
    ],
  ])('%s has its code, and is not asked again', async (_, words, message) => {
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
      { retryOn: 'wake-up', retryTimeMs: 60_000, firstRetryMs: 60_000 },
    );
    before(server);
    await expect(clickhouse.rows('SELECT n', {}, row)).rejects.toMatchObject({ name: 'ConnectorError' });
    expect(requests.length).toBe(asked);
  });
});

test('a server that is not there for a while is asked again by the other commands', async () => {
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
  test('are those of the body, as they come', async () => {
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

  test('that the server refuses are a failure with advice', async () => {
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

  test('end with an error when the connection is cut, which has advice to give', async () => {
    const { clickhouse } = await connected(
      afterLookUp((response) => {
        response.write('half', () => response.destroy());
      }, FIXED),
    );
    const stream = await clickhouse.bytes('SELECT 1', {}, running());
    const error: unknown = await text(stream).catch((thrown: unknown) => thrown);
    expect(clickhouse.explainError(error)).toMatchObject({ name: 'ConnectorError', failureType: 'transient_error' });
  });

  test('are no longer taken when the signal comes, also while the server is silent', async () => {
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

describe('a query that nobody waits for any more', () => {
  type Failing = (response: ServerResponse, leave: () => void) => void;
  const answers: [string, Failing][] = [
    ['the signal ends before its answer', (_, leave) => leave()],
    ['the signal ends in its answer', (response) => response.write('first')],
    ['a proxy gave up on', unavailable],
    ['a connection was cut under', (response) => response.destroy()],
  ];

  /** Asks until the connection is closed, and tells what was asked after the look-up of settings. */
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
      // That is what is looked at.
    }
    await clickhouse.close();
    const [, asked, ...after] = requests;
    if (asked === undefined) throw new Error('nothing was asked');
    return { asked, after };
  }

  test.each(answers)('as %s, is ended on the server before the connection closes', async (_, answer) => {
    const { asked, after } = await leave(answer, FIXED);
    expect(after.map(({ body }) => body)).toEqual(['KILL QUERY WHERE query_id = {query_id:String}']);
    expect(after[0]?.url.searchParams.get('param_query_id')).toBe(asked.url.searchParams.get('query_id'));
  });

  test.each(answers)('as %s, is left to a server that sees it by itself', async (_, answer) => {
    expect((await leave(answer, CHANGEABLE)).after).toEqual([]);
  });

  test('as it came to its end, is left alone', async () => {
    const { clickhouse, requests } = await connected(
      afterLookUp((response) => response.end(resultOf({ n: 1 })), FIXED),
    );
    const signal = new AbortController();
    await text(await clickhouse.bytes('SELECT 1 FORMAT JSONEachRow', {}, signal.signal));
    signal.abort();
    await clickhouse.close();
    expect(requests.length).toBe(2);
  });

  test('as the server refused it, is left alone', async () => {
    const { after } = await leave((response) => {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': '241' });
      response.end('Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)');
    }, FIXED);
    expect(after).toEqual([]);
  });

  test('and that may not be ended, is told of with what an administrator is to run', async () => {
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
      expect.stringMatching(/^An abandoned query.+may still run there.+GRANT SELECT ON system\.processes TO `reader`$/),
    ]);
  });
});

test('with an SSH tunnel no proxy is used, as host and port are those that the SSH server sees', () => {
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
