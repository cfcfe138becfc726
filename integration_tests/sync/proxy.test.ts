import { once } from 'node:events';
import { createServer } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { ForwardProxy } from '../support/forward-proxy.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  catalogOf,
  clickHouseWith,
  destinationConfiguration,
  errors,
  logs,
  quickBatchApi,
  records,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { certificate, certificateAuthority, type Identity } from '../support/tls-certificate.ts';
import { tlsProxy } from '../support/tls-proxy.ts';

/** Names that only the proxies know. A request that reaches them went through a proxy. */
const BATCH = 'batch.test';
const CLICKHOUSE = 'clickhouse.test';
const STORE = 's3.test';

const CREDENTIALS = 'proxy user:p@ss/w0rd';
const IN_URL = 'proxy%20user:p%40ss%2Fw0rd';

const file = temporaryFiles();
const server = clickHouseWith('shop');
const opened: { close: () => unknown }[] = [];
let batch: BatchApi;
let authority: Identity;
/** A file with the certificate of the authority that signed the certificates of all servers here. */
let authorities: string;
/** The ports of the TLS servers in front of Batch and ClickHouse, and of a store that accepts everything. */
let ports: { batch: number; clickhouse: number; store: number };
let names: Record<string, number>;
const stored: string[] = [];

beforeAll(async () => {
  await server().execute(
    createTableSql('shop.events'),
    "INSERT INTO shop.events SELECT toString(number), 'x', now64(6) FROM numbers(10)",
  );
  batch = await quickBatchApi();
  opened.push(batch);
  authority = await certificateAuthority('Ours');
  authorities = file('authority.pem', authority.cert);
  const [ofBatch, ofClickHouse, ofStore] = await Promise.all(
    [BATCH, CLICKHOUSE, STORE].map((host) => certificate({ authority, host })),
  );
  const inFront = [
    await tlsProxy(ofBatch ?? {}, Number(new URL(batch.url).port)),
    await tlsProxy(ofClickHouse ?? {}, server().port),
  ];
  const store = createServer(ofStore ?? {}, (request, response) => {
    stored.push(`${request.method} ${request.url?.split('?')[0]}`);
    request.resume().on('end', () => response.writeHead(200).end());
  }).listen(0, '127.0.0.1');
  await once(store, 'listening');
  opened.push(...inFront, store);
  const address = store.address();
  const [front, behind] = inFront.map(({ port }) => port);
  ports = {
    batch: front ?? 0,
    clickhouse: behind ?? 0,
    store: typeof address === 'object' && address !== null ? address.port : 0,
  };
  names = { [BATCH]: ports.batch, [CLICKHOUSE]: ports.clickhouse, [STORE]: ports.store };
});

afterAll(async () => {
  for (const each of opened) await each.close();
});

afterEach(() => vi.unstubAllEnvs());

async function proxyWith(options: Partial<Parameters<typeof ForwardProxy.start>[0]> = {}): Promise<ForwardProxy> {
  const proxy = await ForwardProxy.start({ names, ...options });
  opened.push(proxy);
  return proxy;
}

const withCredentials = (url: string, credentials = IN_URL): string => url.replace('://', `://${credentials}@`);

type Environment = Record<string, string>;

const catalog = (): string => file('catalog.json', catalogOf('full_refresh', 'events'));

function destination(more: Record<string, unknown> = {}): string {
  return file(
    'destination.json',
    destinationConfiguration(batch, { api_url: `https://${BATCH}:${ports.batch}`, ...more }),
  );
}

/** The source with ClickHouse under a name that only a proxy knows, by HTTPS or by HTTP. */
function source(ssl: boolean): string {
  const port = ssl ? ports.clickhouse : server().port;
  const tls = ssl ? { tls: { ca_certificate: authority.cert } } : {};
  return file('source.json', sourceConfiguration(server(), 'shop', { host: CLICKHOUSE, port, ssl, ...tls }));
}

const inEnvironment = (env: Environment): { env: Environment } => ({
  env: { NODE_EXTRA_CA_CERTS: authorities, ...env },
});

/** Checks in a separate process: Node reads the authorities of NODE_EXTRA_CA_CERTS only when it starts. */
function checkBatch(env: Environment, more: Record<string, unknown> = {}): Promise<Finished> {
  return run('destination-batch', ['check', '--config', destination(more)], inEnvironment(env));
}

/** Sets variables of this process until the end of the test, for the commands that run in it. */
function setEnvironment(env: Environment): void {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
}

/** Checks in this process, for tests that don't reach the certificate of Batch, or use none. */
function checkBatchHere(more: Record<string, unknown> = {}): Promise<Finished> {
  return runInProcess('destination-batch', ['check', '--config', destination(more)]);
}

function checkClickHouse(ssl = true): Promise<Finished> {
  return runInProcess('source-clickhouse', ['check', '--config', source(ssl)]);
}

function status({ messages }: Finished): { status: string; message?: string } | undefined {
  return messages.find(({ type }) => type === 'CONNECTION_STATUS')?.connectionStatus;
}

const ROWS = Array.from({ length: 3 }, (_, n) =>
  JSON.stringify({
    type: 'RECORD',
    record: { stream: 'events', emitted_at: 1, data: { custom_id: `u${n}`, event_name: 'x' } },
  }),
).join('\n');

describe('Batch is reached through the proxy of HTTPS_PROXY', () => {
  test.each([
    ['', undefined, 'HTTPS_PROXY'],
    [' in lower case', undefined, 'https_proxy'],
    [' with its credentials', CREDENTIALS, 'HTTPS_PROXY'],
  ])('%s by check, which logs it', async (_, credentials, variable) => {
    const proxy = await proxyWith(credentials === undefined ? {} : { credentials });
    const value = credentials === undefined ? proxy.url : withCredentials(proxy.url);
    const result = await checkBatch({ [variable]: value });
    expect(status(result)).toEqual({ status: 'SUCCEEDED' });
    expect(proxy.requests).toEqual([`CONNECT ${BATCH}:${ports.batch}`]);
    expect(logs(result)).toEqual([
      `INFO Requests to ${BATCH}:${ports.batch} go through the proxy ${proxy.url} (${variable}).`,
    ]);
  });

  test('by write', async () => {
    const proxy = await proxyWith({ credentials: CREDENTIALS });
    const before = [...batch.store.events()].length;
    const args = ['write', '--config', destination({ retry_minutes: 0.05 }), '--catalog', catalog()];
    const result = await run('destination-batch', args, {
      input: `${ROWS}\n`,
      ...inEnvironment({ HTTPS_PROXY: withCredentials(proxy.url) }),
    });
    expect(errors(result)).toEqual([]);
    expect([...batch.store.events()].length - before).toBe(3);
    expect(proxy.requests).toEqual([`CONNECT ${BATCH}:${ports.batch}`]);
  });

  test('also through a proxy that is reached by HTTPS', async () => {
    const proxy = await proxyWith({ identity: await certificate({ authority }) });
    expect(status(await checkBatch({ HTTPS_PROXY: proxy.url }))).toEqual({ status: 'SUCCEEDED' });
    expect(proxy.requests).toHaveLength(1);
  });

  test('and so is the S3 storage of rejected rows', async () => {
    const proxy = await proxyWith();
    const rejected_rows = {
      storage_type: 'S3',
      s3_bucket_name: 'rows',
      s3_bucket_region: 'eu-west-1',
      bucket_path: 'kept',
      s3_endpoint: `https://${STORE}:${ports.store}`,
      access_key_id: 'AKIA0000000000000000',
      secret_access_key: 'secret-of-the-store',
    };
    expect(status(await checkBatch({ HTTPS_PROXY: proxy.url }, { rejected_rows }))).toEqual({ status: 'SUCCEEDED' });
    expect(proxy.requests).toContain(`CONNECT ${STORE}:${ports.store}`);
    expect(stored).toEqual([
      expect.stringMatching(/^PUT \/rows\/kept\/\.probe-/),
      expect.stringMatching(/^DELETE \/rows\/kept\/\.probe-/),
    ]);
  });
});

describe('ClickHouse is reached through a proxy', () => {
  test.each([
    ['that opens connections for HTTPS', true, 'HTTPS_PROXY', 'CONNECT '],
    ['that forwards HTTP requests', false, 'HTTP_PROXY', 'POST http://'],
    ['of a variable in lower case', false, 'http_proxy', 'POST http://'],
  ])('%s, by check and by read', async (_, ssl, variable, begin) => {
    const proxy = await proxyWith({ names: ssl ? names : { [CLICKHOUSE]: server().port }, credentials: CREDENTIALS });
    setEnvironment({ [variable]: withCredentials(proxy.url) });
    const target = `${CLICKHOUSE}:${ssl ? ports.clickhouse : server().port}`;
    const checked = await checkClickHouse(ssl);
    expect(status(checked)).toEqual({ status: 'SUCCEEDED' });
    expect(logs(checked)).toContain(`INFO Requests to ${target} go through the proxy ${proxy.url} (${variable}).`);
    expect(new Set(proxy.requests)).toEqual(new Set([begin + target]));
    const args = ['read', '--config', source(ssl), '--catalog', catalog()];
    const result = await runInProcess('source-clickhouse', args);
    expect(errors(result)).toEqual([]);
    expect(records(result)).toHaveLength(10);
  });

  test('whose address begins with https://, for HTTP', async () => {
    const proxy = await proxyWith({
      names: { [CLICKHOUSE]: server().port },
      identity: await certificate({ authority }),
    });
    const args = ['check', '--config', source(false)];
    const result = await run('source-clickhouse', args, inEnvironment({ HTTP_PROXY: proxy.url }));
    expect(status(result)).toEqual({ status: 'SUCCEEDED' });
    expect(proxy.requests.length).toBeGreaterThan(0);
  });
});

describe('no proxy is used', () => {
  test.each([['NO_PROXY'], ['no_proxy']])('for a host that %s names', async (variable) => {
    const proxy = await proxyWith();
    setEnvironment({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, [variable]: 'example.com, .test' });
    for (const result of await Promise.all([checkBatchHere(), checkClickHouse(), checkClickHouse(false)])) {
      expect(status(result)?.status).toBe('FAILED');
      expect(status(result)?.message).not.toMatch(/proxy/i);
      expect(logs(result)).toEqual([]);
    }
    expect(proxy.requests).toEqual([]);
  });

  test('for a server on this machine, whose requests may hold the key in plain text', async () => {
    const proxy = await proxyWith();
    setEnvironment({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url });
    const local = await checkBatchHere({ api_url: batch.url });
    expect(status(local)).toEqual({ status: 'SUCCEEDED' });
    expect(logs(local)).toEqual([]);
    expect(proxy.requests).toEqual([]);
  });
});

describe('a proxy that fails is named, with its variable and what to do', () => {
  const failures: [string, number | 'down', boolean, RegExp][] = [
    ['asks for credentials', 407, false, /requires a user and a password \(HTTP 407\), but HTTPS_PROXY has none/],
    ['refuses the credentials', 407, true, /refuses the user and the password in HTTPS_PROXY \(HTTP 407\)/],
    ['forbids the host', 403, false, /does not allow a connection to [\w.]+:\d+ \(HTTP 403\).+NO_PROXY/],
    ['cannot reach the host', 502, false, /could not connect to [\w.]+:\d+ \(HTTP 502\).+NO_PROXY/],
    ['is down', 'down', false, /can't be reached: nothing listens there.+Check HTTPS_PROXY/],
  ];
  test.each(failures)('when it %s', async (_, refusal, hasCredentials, expected) => {
    const wrong = 'proxy%20user:wr%40ng-2024';
    const down = `http://127.0.0.1:${await freePort()}`;
    const proxy =
      refusal === 'down' ? undefined : await proxyWith(refusal === 407 ? { credentials: CREDENTIALS } : { refusal });
    const address = proxy?.url ?? down;
    const value = hasCredentials ? withCredentials(address, wrong) : address;
    setEnvironment({ HTTPS_PROXY: value, HTTP_PROXY: value });
    const results = await Promise.all([checkBatchHere(), checkClickHouse(), checkClickHouse(false)]);
    for (const [index, result] of results.entries()) {
      const variable = index === 2 ? 'HTTP_PROXY' : 'HTTPS_PROXY';
      const { message = '' } = status(result) ?? {};
      expect(message.replaceAll(/\bHTTP_PROXY/g, 'HTTPS_PROXY')).toMatch(expected);
      expect(message).toContain(`The proxy ${address} (${variable})`);
      expect(message).not.toMatch(/ECONN|UND_ERR|\.\./);
      expect(result.stdout + result.stderr).not.toMatch(/wr(@|%40)ng-2024/);
    }
  });

  test('when its address is invalid, without showing the value', async () => {
    for (const value of ['socks5://u:hidden-1@127.0.0.1:1080', 'http://u:hidden-1/@127.0.0.1:3128']) {
      for (const [variable, check] of [
        ['HTTPS_PROXY', checkBatchHere],
        ['https_proxy', checkClickHouse],
      ] as const) {
        setEnvironment({ [variable]: value });
        const result = await check();
        vi.unstubAllEnvs();
        const said = status(result)?.message ?? errors(result)[0]?.message ?? '';
        expect(said).toMatch(new RegExp(`^${variable} is not the address of an HTTP proxy`));
        expect(result.stdout + result.stderr).not.toContain('hidden');
      }
    }
  });
});
