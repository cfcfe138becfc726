import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import {
  catalogOf,
  checkStatus,
  errors,
  logs,
  records,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { certificate, certificateAuthority, type Identity } from '../support/tls-certificate.ts';
import { type TlsProxy, tlsProxy } from '../support/tls-proxy.ts';

const file = temporaryFiles();
const proxies: TlsProxy[] = [];
let server: ClickHouseServer;
let authority: Identity;
let stranger: Identity;
let identity: Identity;
/** A proxy with a certificate of the authority, and one that requires a client certificate, too. */
let verified: TlsProxy;
let mutual: TlsProxy;

const DAY_MS = 86_400_000;

beforeAll(async () => {
  server = await sharedClickHouse();
  await server.execute(
    'CREATE DATABASE shop',
    createTableSql('shop.events'),
    "INSERT INTO shop.events SELECT toString(number), 'x', now64(6) FROM numbers(10)",
  );
  [authority, stranger] = await Promise.all([certificateAuthority('Ours'), certificateAuthority('Theirs')]);
  identity = await certificate({ authority });
  verified = await proxy(identity);
  mutual = await proxy({ ...identity, ca: authority.cert, requestCert: true, rejectUnauthorized: true });
});

afterAll(async () => {
  for (const { close } of proxies) close();
});

async function proxy(options: TlsOptions): Promise<TlsProxy> {
  const started = await tlsProxy(options, server.port);
  proxies.push(started);
  return started;
}

function configuration(port: number, tls: Record<string, unknown> | undefined, more = {}): string {
  return file('source.json', sourceConfiguration(server, 'shop', { port, ssl: true, ...(tls && { tls }), ...more }));
}

function check(port: number, tls?: Record<string, unknown>, more = {}): ReturnType<typeof checkStatus> {
  return checkStatus('source-clickhouse', configuration(port, tls, more), runInProcess);
}

function read(port: number, tls: Record<string, unknown>): Promise<Finished> {
  const catalog = file('catalog.json', catalogOf('full_refresh', 'events'));
  return runInProcess('source-clickhouse', ['read', '--config', configuration(port, tls), '--catalog', catalog]);
}

describe('a certificate of the server', () => {
  test('of a private authority is accepted when its certificate is given, and rows are read', async () => {
    const tls = { ca_certificate: authority.cert };
    expect(await check(verified.port, tls)).toEqual({ status: 'SUCCEEDED', message: '' });
    const result = await read(verified.port, tls);
    expect(errors(result)).toEqual([]);
    expect(records(result).length).toBe(10);
  });

  test('is requested by name (SNI)', async () => {
    await check(verified.port, { ca_certificate: authority.cert }, { host: 'localhost' });
    expect(verified.names.at(-1)).toBe('localhost');
  });

  test('of one of several authorities is accepted, also with text around them', async () => {
    const ca_certificate = `# Theirs\r\n${stranger.cert.replaceAll('\n', '\r\n')}\n# Ours\n${authority.cert}\n`;
    expect(await check(verified.port, { ca_certificate })).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('is accepted when verification is turned off, with a warning from each command', async () => {
    const tls = { verify: false };
    const warning = expect.stringMatching(
      /^WARN The certificate of 127\.0\.0\.1:\d+ is NOT VERIFIED.+read the password/,
    );
    const result = await read(verified.port, tls);
    expect(records(result).length).toBe(10);
    expect(logs(result)).toContainEqual(warning);
    for (const command of ['check', 'discover']) {
      const printed = await run('source-clickhouse', [command, '--config', configuration(verified.port, tls)]);
      expect(logs(printed)).toContainEqual(warning);
      expect(errors(printed)).toEqual([]);
    }
  });

  test("is verified whatever Node's environment variables say", async () => {
    const result = await run('source-clickhouse', ['check', '--config', configuration(verified.port, undefined)], {
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    expect(result.messages.at(-1)?.connectionStatus?.status).toBe('FAILED');
  });

  test.each<[string, () => Promise<Identity>, Record<string, unknown> | 'ours', RegExp]>([
    ['of an unknown authority', async () => identity, {}, /is not signed by a known authority.+tls\.ca_certificate/],
    [
      'of another authority',
      () => certificate({ authority: stranger }),
      'ours',
      /is not signed by the authority in tls\.ca_certificate/,
    ],
    ['that is self-signed', () => certificate(), {}, /is not signed by a known authority/],
    [
      'that has expired',
      () =>
        certificate({
          authority,
          notBefore: new Date(Date.now() - 2 * DAY_MS),
          notAfter: new Date(Date.now() - DAY_MS),
        }),
      'ours',
      /has expired.+renew/,
    ],
    [
      'that is not valid yet',
      () => certificate({ authority, notBefore: new Date(Date.now() + DAY_MS) }),
      'ours',
      /not valid yet.+clock/,
    ],
    [
      'of another name',
      () => certificate({ authority, host: 'ch.example.com', addresses: ['10.0.0.1'] }),
      'ours',
      /is valid for another name.+10\.0\.0\.1.+Use a name from the certificate as host/,
    ],
  ])('%s is refused with advice', async (_, make, tls, expected) => {
    const { port } = await proxy(await make());
    const { status, message } = await check(port, tls === 'ours' ? { ca_certificate: authority.cert } : tls);
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
  });
});

test.each(['check', 'discover'])(
  '%s retries when a server cuts the first connections, as one that is waking up does',
  async (command) => {
    let connections = 0;
    const gate = createServer((socket) => {
      connections += 1;
      // The data is read: unread data would turn the end of the connection into a reset.
      if (connections === 1) return socket.resume().end();
      const onward = connect(verified.port, '127.0.0.1');
      socket.on('error', () => {});
      return onward
        .on('error', () => {})
        .pipe(socket)
        .pipe(onward);
    }).listen(0, '127.0.0.1');
    await once(gate, 'listening');
    const address = gate.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    const config = configuration(port, { ca_certificate: authority.cert });
    const result = await run('source-clickhouse', [command, '--config', config]);
    gate.close();
    expect(logs(result)[0]).toMatch(/WARN .+closed the connection before TLS began.+the server is waking up.+Retrying/);
    expect(connections).toBeGreaterThan(1);
    expect(errors(result)).toEqual([]);
    expect(result.messages.find(({ type }) => type === 'CONNECTION_STATUS')?.connectionStatus?.status).not.toBe(
      'FAILED',
    );
  },
);

describe('a server that wants a client certificate', () => {
  test('gets it, and rows are read', async () => {
    const client = await certificate({ authority, host: 'batch-sync' });
    const tls = { ca_certificate: authority.cert, client_certificate: client.cert, client_key: client.key };
    const result = await read(mutual.port, tls);
    expect(errors(result)).toEqual([]);
    expect(records(result).length).toBe(10);
  });

  test('gets it also with an encrypted key', async () => {
    const client = await certificate({ authority, passphrase: 'open sesame' });
    const tls = { ca_certificate: authority.cert, client_certificate: client.cert, client_key: client.key };
    expect(await check(mutual.port, { ...tls, client_key_passphrase: 'open sesame' })).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect((await check(mutual.port, tls)).message).toMatch(/tls\.client_key_passphrase is missing/);
    const { message } = await check(mutual.port, { ...tls, client_key_passphrase: 'open barley' });
    expect(message).toMatch(/tls\.client_key_passphrase does not decrypt/);
    expect(message).not.toMatch(/barley/);
  });

  test('and gets none is reported with advice', async () => {
    const { status, message } = await check(mutual.port, { ca_certificate: authority.cert });
    expect(status).toBe('FAILED');
    expect(message).toMatch(/requires a client certificate.+Set tls\.client_certificate and tls\.client_key/);
  });

  test('and refuses the one that it gets is reported with advice', async (context) => {
    const port = await freePort();
    const paths = {
      key: file('s.key', identity.key),
      cert: file('s.crt', identity.cert),
      ca: file('ca.crt', authority.cert),
    };
    const strict = spawn('openssl', [
      ...['s_server', '-accept', `127.0.0.1:${port}`, '-key', paths.key, '-cert', paths.cert],
      ...['-CAfile', paths.ca, '-Verify', '3', '-verify_return_error'],
    ]);
    // It prints ACCEPT when it listens.
    const started = await Promise.race([
      once(strict.stdout, 'data').then(() => true),
      once(strict, 'error').then(() => false),
    ]);
    context.skip(!started, 'There is no openssl on this machine, which can refuse a certificate as servers do.');
    try {
      const client = await certificate({ authority: stranger });
      const { message } = await check(port, {
        ca_certificate: authority.cert,
        client_certificate: client.cert,
        client_key: client.key,
      });
      expect(message).toMatch(/refused the client certificate.+Check that tls\.client_certificate/);
    } finally {
      strict.kill('SIGKILL');
      await once(strict, 'exit');
    }
  });
});

/** A certificate in PEM without its last line, as from a selection with the mouse that ended too early. */
function cutOff(pem: string): string {
  return pem.trim().split('\n').slice(0, -1).join('\n');
}

describe('invalid TLS options are reported before anything connects:', () => {
  const NOWHERE = 1;

  test.each<[string, () => Promise<Record<string, unknown>>, Record<string, unknown>, RegExp]>([
    ['without ssl', async () => ({ verify: false }), { ssl: false }, /tls only works with ssl.+Turn ssl on/],
    [
      'an authority that is not PEM',
      async () => ({ ca_certificate: 'MIIB' }),
      {},
      /tls\.ca_certificate is not a PEM certificate/,
    ],
    [
      'an authority without its line breaks',
      async () => ({ ca_certificate: authority.cert.replaceAll('\n', ' ').slice(0, 200) }),
      {},
      /tls\.ca_certificate is not a PEM certificate/,
    ],
    [
      'authorities with one truncated certificate',
      async () => ({ ca_certificate: `${authority.cert}\n${cutOff(stranger.cert)}` }),
      {},
      /tls\.ca_certificate contains a complete certificate, but also a part that can't be read \(bad end line\)/,
    ],
    [
      'a client certificate followed by a truncated one',
      async () => ({ client_certificate: `${identity.cert}\n${cutOff(authority.cert)}`, client_key: identity.key }),
      {},
      /usable: tls\.client_certificate contains a complete certificate, but also a part that can't be read \(bad end line\)[^;]+$/,
    ],
    [
      'a client certificate with something after its last dash',
      async () => ({ client_certificate: `${identity.cert.trim()}stray`, client_key: identity.key }),
      {},
      /tls\.client_certificate contains a complete certificate, but also a part that can't be read \(bad end line\)/,
    ],
    [
      'a client certificate that is too weak for TLS',
      async () => {
        const weak = await certificate({ bits: 512 });
        return { client_certificate: weak.cert, client_key: weak.key };
      },
      {},
      /tls\.client_certificate can't be used for TLS \(ee key too small\)/,
    ],
    [
      'a key as certificate',
      async () => ({ client_certificate: identity.key, client_key: identity.key }),
      {},
      /tls\.client_certificate is not a PEM certificate/,
    ],
    [
      'a certificate as key',
      async () => ({ client_certificate: identity.cert, client_key: identity.cert }),
      {},
      /tls\.client_key is not a PEM private key/,
    ],
    ['only a key', async () => ({ client_key: identity.key }), {}, /tls\.client_certificate is missing/],
    ['only a certificate', async () => ({ client_certificate: identity.cert }), {}, /tls\.client_key is missing/],
    [
      'a key of another certificate',
      async () => ({ client_certificate: identity.cert, client_key: stranger.key }),
      {},
      /tls\.client_key does not belong to the client certificate/,
    ],
  ])('%s', async (_, make, more, expected) => {
    const { status, message } = await check(NOWHERE, await make(), more);
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/MII/);
  });
});
