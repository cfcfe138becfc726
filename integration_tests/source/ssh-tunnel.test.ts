import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { finished, run, start } from '../../sandbox/launcher.ts';
import { makeKey, SshServer } from '../../sandbox/ssh-server.ts';
import { runInProcess } from '../support/in-process.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import {
  catalogOf,
  checkStatus,
  errors,
  eventually,
  expectSame,
  logs,
  numbers,
  sorted,
  sourceConfiguration,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { eventColumns } from '../support/tables.ts';
import { certificate, certificateAuthority } from '../support/tls-certificate.ts';
import { tlsProxy } from '../support/tls-proxy.ts';

/** Twice what the source keeps in memory. */
const ROWS = 200_000;

const file = temporaryFiles();
const folder = dirname(file('marker', ''));
let clickhouse: ClickHouseServer;
let ssh: SshServer;

if (!SshServer.isInstalled) {
  process.stderr.write('There is no sshd on this machine: the SSH tunnel is not tested. Install openssh-server.\n');
}

/** Options of a tunnel through a server by its key, with changes; undefined removes one. */
function byKey(server: SshServer, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    tunnel_method: 'SSH_KEY_AUTH',
    tunnel_host: server.host,
    tunnel_port: server.port,
    tunnel_user: server.user,
    ssh_key: server.userKey,
    tunnel_host_key: server.hostKeyFingerprint,
    ...changes,
  };
}

function configuration(tunnel_method: Record<string, unknown>, more: Record<string, unknown> = {}): string {
  return file('source.json', sourceConfiguration(clickhouse, 'shop', { tunnel_method, ...more }));
}

function check(tunnel: Record<string, unknown>, more = {}): ReturnType<typeof checkStatus> {
  return checkStatus('source-clickhouse', configuration(tunnel, more), runInProcess);
}

function readArguments(table: string, tunnel: Record<string, unknown>, more = {}): string[] {
  const catalog = file('catalog.json', catalogOf('full_refresh', table));
  return ['read', '--config', configuration(tunnel, more), '--catalog', catalog];
}

describe.runIf(SshServer.isInstalled)('through an SSH server', () => {
  beforeAll(async () => {
    [clickhouse, ssh] = await Promise.all([sharedClickHouse(), SshServer.start()]);
    const columns = eventColumns('n UInt64, note String');
    await clickhouse.execute(
      'CREATE DATABASE shop',
      `CREATE TABLE shop.events (${columns}) ENGINE = MergeTree ORDER BY last_updated_at`,
      "INSERT INTO shop.events SELECT toString(number), 'x', now64(6), number, '' FROM numbers(10)",
      `CREATE TABLE shop.large (${columns}) ENGINE = MergeTree ORDER BY last_updated_at`,
      `INSERT INTO shop.large SELECT 'u', 'x', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 50000), number, repeat('x', 300) FROM numbers(${ROWS})`,
    );
  });

  afterAll(async () => {
    await ssh?.stop();
  });

  describe('by key', () => {
    test('each command works through the tunnel, logs nothing about it, and ends by itself', async () => {
      const status = await checkStatus('source-clickhouse', configuration(byKey(ssh)));
      expect(status).toEqual({ status: 'SUCCEEDED', message: '' });
      const discovered = await run('source-clickhouse', ['discover', '--config', configuration(byKey(ssh))]);
      expect(discovered.messages.at(-1)?.catalog?.streams.map(({ name }) => name)).toEqual(['events', 'large']);
      const result = await run('source-clickhouse', readArguments('events', byKey(ssh)));
      expect(numbers(result).length).toBe(10);
      expect(logs(result)).toEqual(['INFO events: 10 rows read.']);
      expect(result.stderr).toBe('');
    });

    test('the rows really go through it', async () => {
      const closed = await SshServer.start(['AllowTcpForwarding no']);
      const { message } = await check(byKey(closed));
      await closed.stop();
      expect(message).toMatch(/accepted the user ".+", but does not allow this user to forward.+AllowTcpForwarding/);
    });

    test('an encrypted key is opened only by its passphrase', async () => {
      await makeKey(join(folder, 'encrypted'), 'open sesame');
      const ssh_key = readFileSync(join(folder, 'encrypted'), 'utf8');
      const own = await SshServer.start([`AuthorizedKeysFile ${join(folder, 'encrypted.pub')}`]);
      const tunnel = byKey(own, { ssh_key });
      expect(await check({ ...tunnel, ssh_key_passphrase: 'open sesame' })).toMatchObject({ status: 'SUCCEEDED' });
      expect((await check(tunnel)).message).toMatch(/key in ssh_key is encrypted.+ssh_key_passphrase/);
      const { message } = await check({ ...tunnel, ssh_key_passphrase: 'open barley' });
      expect(message).toMatch(/passphrase does not decrypt ssh_key/);
      expect(message).not.toMatch(/barley/);
      await own.stop();
    });

    test('accepts a key in PEM, and a key with the line ends of Windows', async () => {
      const path = join(folder, 'pem');
      execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '', '-f', path]);
      const own = await SshServer.start([`AuthorizedKeysFile ${path}.pub`]);
      expect(await check(byKey(own, { ssh_key: readFileSync(path, 'utf8') }))).toMatchObject({ status: 'SUCCEEDED' });
      await own.stop();
      expect(await check(byKey(ssh, { ssh_key: ssh.userKey.replaceAll('\n', '\r\n') }))).toMatchObject({
        status: 'SUCCEEDED',
      });
    });
  });

  test('by password', async (context) => {
    const user = 'tunnel-test';
    const isRoot = process.getuid?.() === 0;
    context.skip(!isRoot, 'Only root can make a user with a password: the password is not tested.');
    try {
      const hash = execFileSync('openssl', ['passwd', '-6', 'tunnel p"ss'], { encoding: 'utf8' }).trim();
      execFileSync('useradd', ['--no-create-home', '--shell', '/bin/sh', '--password', hash, user]);
    } catch {
      context.skip('This machine does not let us make a user: the password is not tested.');
    }
    const server = await SshServer.start(['PasswordAuthentication yes']);
    const { ssh_key: _, ...rest } = byKey(server);
    const tunnel = { ...rest, tunnel_method: 'SSH_PASSWORD_AUTH', tunnel_user: user };
    try {
      expect(await check({ ...tunnel, tunnel_user_password: 'tunnel p"ss' })).toEqual({
        status: 'SUCCEEDED',
        message: '',
      });
      const { message } = await check({ ...tunnel, tunnel_user_password: 'tunnel guess' });
      expect(message).toMatch(/refused the password of the user "tunnel-test".+tunnel_user_password/);
      expect(message).not.toMatch(/guess/);
    } finally {
      await server.stop();
      execFileSync('userdel', [user]);
    }
  });

  describe('TLS', () => {
    test('is between the source and ClickHouse itself, with the configured name', async () => {
      const authority = await certificateAuthority('Ours');
      const tls = { ca_certificate: authority.cert };
      const good = await tlsProxy(await certificate({ authority }), clickhouse.port);
      const other = await tlsProxy(await certificate({ authority, host: 'a.test', addresses: [] }), clickhouse.port);
      const reach = { host: 'localhost', ssl: true, tls };
      expect(await check(byKey(ssh), { ...reach, port: good.port })).toEqual({ status: 'SUCCEEDED', message: '' });
      expect(good.names.at(-1)).toBe('localhost');
      const { message } = await check(byKey(ssh), { ...reach, port: other.port });
      expect(message).toMatch(/is valid for another name.+localhost/);
      good.close();
      other.close();
    });
  });

  describe('the key of the server', () => {
    test('is logged when nothing was given to verify it', async () => {
      const config = configuration(byKey(ssh, { tunnel_host_key: undefined }));
      const result = await run('source-clickhouse', ['check', '--config', config]);
      // Without the logs about the rows.
      const ofServer = logs(result).filter((line) => line.includes('The SSH server'));
      expect(ofServer).toEqual([
        expect.stringMatching(
          `^WARN The SSH server .+ has the host key ${ssh.hostKeyFingerprint.replaceAll(/[+/]/g, '.')}, which was not verified`,
        ),
      ]);
    });

    test('is refused when it differs', async () => {
      const { message } = await check(byKey(ssh, { tunnel_host_key: `SHA256:${'A'.repeat(43)}` }));
      expect(message).toMatch(
        /has the host key SHA256:.+, but tunnel_host_key is SHA256:A+\. .+another server is answering/,
      );
    });
  });

  describe('check reports the cause:', () => {
    let helper: Server | undefined;

    afterAll(() => helper?.close());

    /** The port of a server that does this with each connection. */
    async function listening(connected: Parameters<typeof createServer>[1]): Promise<number> {
      helper?.close();
      helper = createServer(connected);
      helper.listen(0, '127.0.0.1');
      await once(helper, 'listening');
      const address = helper.address();
      return address === null || typeof address === 'string' ? 0 : address.port;
    }

    test.each<[string, () => Promise<[tunnel: Record<string, unknown>, more?: Record<string, unknown>]>, RegExp]>([
      [
        'no such host',
        async () => [byKey(ssh, { tunnel_host: 'no-such-host.invalid' })],
        /host name of the SSH server "no-such-host\.invalid" (does not resolve|could not be resolved)/,
      ],
      [
        'nothing listens',
        async () => [byKey(ssh, { tunnel_port: await freePort() })],
        /SSH server 127\.0\.0\.1:\d+ does not accept connections \(connection refused\).+tunnel_port/,
      ],
      [
        'no SSH server',
        async () => [byKey(ssh, { tunnel_port: await listening((socket) => socket.end('J\r8.0.36')) })],
        /^The server at 127\.0\.0\.1:\d+ does not speak SSH 2 \(Invalid header: expected newline\)/,
      ],
      [
        'an HTTP server, whose first lines an SSH server might send, too',
        async () => [byKey(ssh, { tunnel_port: await listening((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n')) })],
        /closed the connection before the tunnel was open .+ or is not an SSH server/,
      ],
      [
        'a server that hangs up',
        async () => [byKey(ssh, { tunnel_port: await listening((socket) => socket.destroy()) })],
        /closed the connection before the tunnel was open/,
      ],
      ['an unknown user', async () => [byKey(ssh, { tunnel_user: 'nobody-here' })], /refused the key.+"nobody-here"/],
      [
        'a key that is not accepted',
        async () => {
          await makeKey(join(folder, 'other'));
          return [byKey(ssh, { ssh_key: readFileSync(join(folder, 'other'), 'utf8') })];
        },
        /refused the key of the user ".+"\. .+authorized_keys/,
      ],
      ['a string that is not a key', async () => [byKey(ssh, { ssh_key: 'hunter2' })], /ssh_key is not a private key/],
      [
        'a key without its line breaks',
        async () => [byKey(ssh, { ssh_key: ssh.userKey.replaceAll('\n', ' ') })],
        /ssh_key is not a private key.+line breaks/,
      ],
      [
        'a public key',
        async () => {
          await makeKey(join(folder, 'public'));
          return [byKey(ssh, { ssh_key: readFileSync(join(folder, 'public.pub'), 'utf8') })];
        },
        /ssh_key is not a private key.+public key/,
      ],
      [
        'ClickHouse is not running',
        async () => [byKey(ssh), { port: await freePort() }],
        /could not connect to ClickHouse at 127\.0\.0\.1:\d+.+as seen from the SSH server/,
      ],
      [
        'an invalid fingerprint',
        async () => [byKey(ssh, { tunnel_host_key: 'aa:bb' })],
        /tunnel_method\.tunnel_host_key must be a fingerprint/,
      ],
    ])('%s', async (_, arrange, expected) => {
      const [tunnel, more] = await arrange();
      const { status, message } = await check(tunnel, more);
      expect(status).toBe('FAILED');
      expect(message).toMatch(expected);
      expect(message).not.toMatch(/hunter2|PRIVATE KEY-----\n/);
    });
  });

  test('retries after the SSH server is killed and restarted, and reads each row once', async () => {
    const child = start('source-clickhouse', readArguments('large', byKey(ssh)), { stdio: ['ignore', 'pipe', 'pipe'] });
    // Until the test reads stdout, the response can't end.
    await eventually(async () => expect(await queriesOfReader()).toBe(1));
    await ssh.kill();
    await ssh.restart();
    const result = await finished(child);
    expect(errors(result)).toEqual([]);
    expect(result.code).toBe(0);
    expectSame(sorted(numbers(result)), upTo(ROWS));
    expect(logs(result)).toContainEqual(expect.stringMatching(/WARN large: .*Retrying: reading continues/));
  });
});

/** How many queries of the source are running on the server. */
async function queriesOfReader(): Promise<number> {
  const rows = await clickhouse.query<{ queries: string }>(
    "SELECT count() AS queries FROM system.processes WHERE user = 'batch_reader' AND query LIKE '%row_hash%'",
  );
  return Number(rows[0]?.queries);
}
