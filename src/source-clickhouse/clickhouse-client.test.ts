import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ClickHouse } from './clickhouse-client.ts';
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
): Promise<{ clickhouse: ClickHouse; requests: Request[] }> {
  const requests: Request[] = [];
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    requests.push({ url, headers: request.headers, body: await text(request) });
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  clickhouse = new ClickHouse(sourceConfigurationSchema.parse({ host: '127.0.0.1', port, ...configuration }));
  return { clickhouse, requests };
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
