import { existsSync, openSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { PassThrough } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { readerWith, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { type Finished, finished, type LauncherName, type PrintedMessage, run, start } from '../../sandbox/launcher.ts';
import { SshServer } from '../../sandbox/ssh-server.ts';
import type { Role } from '../../src/cli/command.ts';
import { check as checkConnector } from '../../src/cli/commands/check.ts';
import { DESTINATION_ERRORS } from '../../src/destination-batch/errors.ts';
import { writeFiles } from '../../src/init/files.ts';
import { preview } from '../../src/preview/preview.ts';
import type { CommandContext } from '../../src/protocol/command-context.ts';
import { asConnectorError, PROTOCOL_ERRORS } from '../../src/protocol/errors.ts';
import { formatErrorWithStack } from '../../src/protocol/messages.ts';
import { MessageOutput } from '../../src/protocol/output.ts';
import { SYNC_ERRORS } from '../../src/runner/errors.ts';
import { SOURCE_ERRORS } from '../../src/source-clickhouse/errors/codes.ts';
import { startMetrics } from '../../src/sync/metrics/start.ts';
import { FileStateStore } from '../../src/sync/state/file-store.ts';
import { lockStateFile } from '../../src/sync/state/lock.ts';
import { openStateStore } from '../../src/sync/state/open-store.ts';
import { createS3Client } from '../../src/sync/state/s3/client.ts';
import { S3Objects } from '../../src/sync/state/s3/objects.ts';
import { after, type Faults, FaultyProxy, FOR_ROWS, says } from '../support/faulty-proxy.ts';
import { ForwardProxy } from '../support/forward-proxy.ts';
import { runInProcess } from '../support/in-process.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import {
  catalogOf,
  clickHouseWith,
  destinationConfiguration,
  errors,
  eventually,
  quickBatchApi,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { eventColumns } from '../support/tables.ts';
import { certificate, certificateAuthority, type Identity } from '../support/tls-certificate.ts';
import { expectOnPage, page, quotesOn, type Replaced } from './troubleshooting-page.ts';

/** A usual user, and users with more limits or fewer rights. */
const USER = readerWith('batch_sync', { settings: {} });
const LOSSY = readerWith('batch_sync_lossy', { settings: { max_rows_to_read: 1, read_overflow_mode: 'break' } });
const LIMITED = readerWith('batch_sync_limited', { settings: { max_result_rows: 10_000 } });
const SELDOM = readerWith('batch_sync_seldom', { settings: {}, quota: { seconds: 3_600, queries: 1 } });
const STRANGER: SandboxUser = {
  ...USER,
  name: 'batch_sync_stranger',
  grants: ['GRANT SELECT ON shop.orders', 'GRANT SHOW ON *.*'],
};

const COLUMNS = eventColumns();

const file = temporaryFiles();
const server = clickHouseWith('shop', [USER, LOSSY, LIMITED, SELDOM, STRANGER]);
const opened: { close: () => unknown }[] = [];
let batch: BatchApi;
let authority: Identity;
/** With the certificate of its authority. */
let identity: Identity;
let ssh: SshServer | undefined;

beforeAll(async () => {
  batch = await quickBatchApi();
  opened.push(batch);
  vi.stubEnv('AWS_ENDPOINT_URL', await stateStore());
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a-key-of-aws');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'its-secret-of-aws');
  authority = await certificateAuthority('Ours');
  const { key, cert } = await certificate({ authority });
  identity = { key, cert: `${cert}\n${authority.cert}` };
  if (SshServer.isInstalled) ssh = await SshServer.start(['PermitOpen 127.0.0.1:1']);
  const table = (name: string, more = ''): string =>
    `CREATE TABLE shop.${name} (${COLUMNS}${more}) ENGINE = MergeTree ORDER BY last_updated_at`;
  const view = (name: string, select: string): string =>
    `CREATE VIEW shop.${name} AS SELECT 'u1' AS custom_id, 'purchase' AS event_name, ${select}`;
  await server().execute(
    table('events', ', amount Float64, tags Array(String)'),
    table('stamped', ', inserted_at DateTime64(6)'),
    'CREATE TABLE shop.raw (user_id UInt64, action String, inserted_at DateTime, amount Float64) ENGINE = MergeTree ORDER BY user_id',
    'CREATE VIEW shop.events_view AS SELECT * FROM shop.events',
    table('orders', ', price Float64'),
    'CREATE VIEW shop.orders_view AS SELECT custom_id, event_name, last_updated_at, price FROM shop.orders',
    'ALTER TABLE shop.orders DROP COLUMN price',
    table('prices', ', price Int32'),
    "INSERT INTO shop.prices VALUES ('u1', 'purchase', now(), -1)",
    "CREATE VIEW shop.guarded AS SELECT *, throwIf(price < 0, 'negative price') AS guard FROM shop.prices",
    view('parsed', "now() AS last_updated_at, toUInt32(materialize('n/a')) AS code"),
    view('many', "toDateTime64('2026-01-01', 6) + number AS last_updated_at FROM numbers(100000)"),
    view('slow', 'now() AS last_updated_at, sleepEachRow(3) AS pause'),
    view('wide', "now() AS last_updated_at, repeat(repeat('x', 34000), 1000) AS page"),
    view('latin', "unhex('636166E9') AS last_updated_at"),
    table('rates', ', rate Float64'),
    "INSERT INTO shop.rates VALUES ('u1', 'purchase', now(), 1.5)",
    'CREATE VIEW shop.converted AS SELECT *, amount * (SELECT rate FROM shop.rates) AS euros FROM shop.events',
    "INSERT INTO shop.rates VALUES ('u1', 'purchase', now(), 1.6)",
    table('altered', ', n UInt32'),
    `CREATE TABLE shop.queue (${COLUMNS}) ENGINE = Kafka('127.0.0.1:1', 'topic', 'group', 'JSONEachRow')`,
    "INSERT INTO shop.altered VALUES ('u1', 'purchase', now(), 1)",
  );
});

afterAll(async () => {
  vi.unstubAllEnvs();
  for (const each of opened) await each.close();
  await ssh?.stop();
});

function user(of: SandboxUser): Record<string, unknown> {
  return server().connection(of);
}

function source(changes: Record<string, unknown> = {}): string {
  return file('source.json', sourceConfiguration(server(), 'shop', { ...user(USER), table: 'events', ...changes }));
}

function destination(changes: Record<string, unknown> = {}): string {
  return file('destination.json', destinationConfiguration(batch, changes));
}

const catalog = (name = 'events'): string => file('catalog.json', catalogOf('incremental', name));

/** A catalog with more details of its stream. */
const catalogWith = (stream: Record<string, unknown>): string =>
  file('catalog.json', { streams: [{ stream: { name: 'events', ...stream }, sync_mode: 'incremental' }] });

const withColumns = (): string =>
  catalogWith({ json_schema: { properties: { custom_id: {}, event_name: {}, email: {} } } });

const STATE = `${stateLine(0)}
`;

async function portOf(helper: Server): Promise<number> {
  opened.push(helper);
  await new Promise<void>((resolve) => void helper.listen(0, '127.0.0.1', resolve));
  const address = helper.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A server that terminates TLS and forwards nothing. */
const tlsPort = (options: TlsOptions = {}): Promise<number> => portOf(createTlsServer({ ...identity, ...options }));

/** A server that sends this greeting, and closes the connection. */
const portSaying = (words: string): Promise<number> => portOf(createServer((socket) => socket.end(words)));

async function proxyPort(...faults: Faults[]): Promise<number> {
  const proxy = await FaultyProxy.start(server(), faults);
  opened.push(proxy);
  return proxy.port;
}

/** A server in place of ClickHouse or Batch that answers each request with this response. */
function portAnswering(status: number, body = ''): Promise<number> {
  return portOf(createHttpServer((_, response) => response.writeHead(status).end(body)));
}

function context(printed: PassThrough): CommandContext {
  return { output: new MessageOutput(printed), stop: new AbortController().signal, now: Date.now };
}

/** What is printed about a failure. */
async function failureOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
  } catch (error) {
    return formatErrorWithStack(asConnectorError(error));
  }
  throw new Error('It did not fail.');
}

/** What `check` prints, run in this process: a process for each would take a quarter of a second of CPU time. */
async function checked(role: Role, config: string): Promise<string> {
  let printed = '';
  const stdout = new PassThrough().setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const failure = await checkConnector(context(stdout), role, config).then(() => undefined, asConnectorError);
  if (failure !== undefined) return formatErrorWithStack(failure);
  const lines = printed.trim().split('\n');
  const messages = lines.map((line): PrintedMessage => JSON.parse(line));
  return messages.at(-1)?.connectionStatus?.message ?? printed;
}

/** What a user sees of a command that failed. */
function printedBy(result: Finished): string {
  return errors(result)[0]?.message ?? result.stderr;
}

type Case = {
  code: string;
  say: () => Promise<string>;
  /** Names of the case that are different on the page. */
  replaced?: Replaced;
  /** The page that it links to, if that is another one. */
  linked?: string;
};

type Changes = Record<string, unknown> | (() => Record<string, unknown> | Promise<Record<string, unknown>>);

const resolved = async (changes: Changes): Promise<Record<string, unknown>> =>
  typeof changes === 'function' ? changes() : changes;

const check = (code: string, changes: Changes, replaced: Replaced = []): Case => ({
  code,
  say: async () => checked('source', source(await resolved(changes))),
  replaced,
});

const checkBatch = (code: string, changes: Changes): Case => ({
  code,
  say: async () => checked('destination', destination(await resolved(changes))),
});

const command = (code: string, launcher: LauncherName, args: () => string[], input = ''): Case => ({
  code,
  say: async () => printedBy(await run(launcher, args(), { input })),
});

type Reading = { config?: Changes; catalog?: () => string; state?: unknown; table?: string };

/** @param table the table to read; the pages use the usual name of a table. */
const read = (code: string, { table = 'events', config = {}, catalog: its, state }: Reading): Case => ({
  code,
  replaced: [
    [`"${table}"`, '"events"'],
    [`${table}: `, 'events: '],
  ],
  say: async () => {
    const states = state === undefined ? [] : ['--state', file('state.json', state)];
    const args = [
      'read',
      '--config',
      source(await resolved(config)),
      '--catalog',
      its?.() ?? catalog(table),
      ...states,
    ];
    return printedBy(await runInProcess('source-clickhouse', args));
  },
});

const write = (code: string, changes: Record<string, unknown>, input = '', its: () => string = catalog): Case => ({
  code,
  say: async () => {
    const args = ['write', '--config', destination(changes), '--catalog', its()];
    return printedBy(await runInProcess('destination-batch', args, { input }));
  },
});

const stateOf = (name: string, stream_state: Record<string, unknown>): unknown => [
  { type: 'STREAM', stream: { stream_descriptor: { name }, stream_state } },
];

/** The options of a tunnel through a server by a password. */
const byPassword = (port: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  tunnel_method: {
    tunnel_method: 'SSH_PASSWORD_AUTH',
    tunnel_host: '127.0.0.1',
    tunnel_port: port,
    tunnel_user: 'tunnel',
    tunnel_user_password: 'open sesame',
    ...more,
  },
});

/** The same by a key. */
const byKey = (more: Record<string, unknown>): Record<string, unknown> => ({
  tunnel_method: { tunnel_method: 'SSH_KEY_AUTH', tunnel_host: '127.0.0.1', tunnel_user: 'tunnel', ...more },
});

/** The same through a real server, which forwards connections only to one port of this machine. */
function throughSsh(more: Record<string, unknown> = {}): Record<string, unknown> {
  if (ssh === undefined) throw new Error('There is no sshd on this machine.');
  return byKey({ tunnel_port: ssh.port, tunnel_user: ssh.user, ssh_key: ssh.userKey, ...more });
}

/** An SSH server that knows one way to agree on keys, which is not safe any more. */
function oldSshPort(): Promise<number> {
  const hostKeys = [ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private];
  const old = new ssh2.Server({ hostKeys, algorithms: { kex: ['diffie-hellman-group1-sha1'] } }, (connection) => {
    connection.on('error', () => {});
  });
  return portOf(old);
}

/** Ends the query for the row of a view as soon as it runs. */
async function kill(view: string): Promise<void> {
  const isIt = `user = '${USER.name}' AND query LIKE '%${view}%LIMIT 1%'`;
  await eventually(async () =>
    expect(await server().query(`SELECT 1 FROM system.processes WHERE ${isIt}`)).toHaveLength(1),
  );
  await server().execute(`KILL QUERY WHERE ${isIt}`);
}

/** A check of Batch through a proxy. */
const throughProxy = (code: string, proxy: () => Promise<string>): Case => ({
  code,
  say: async () => {
    const args = ['check', '--config', destination({ api_url: 'https://api.batch.com' })];
    const { messages } = await run('destination-batch', args, { env: { HTTPS_PROXY: await proxy() } });
    return messages.at(-1)?.connectionStatus?.message ?? '';
  },
});

async function proxyRefusing(options: { refusal?: number; credentials?: string }): Promise<string> {
  const proxy = await ForwardProxy.start({ names: { 'api.batch.com': 1 }, ...options });
  opened.push(proxy);
  return proxy.url;
}

const NO_LISTENER = {
  stop: new AbortController().signal,
  onWaiting: () => {},
  onLost: () => {},
  onUncertain: () => {},
};

const METRICS = { runs: [], staleAfterMs: undefined, now: Date.now, onListening: () => {} };

const SELF = { pid: process.pid, host: 'host-b', since: '2026-01-01T00:00:00.000Z' };

const COMMAND_ERRORS: readonly Case[] = [
  command('command_invalid', 'source-clickhouse', () => ['read', '--config', 'source.json']),
  command('file_unreadable', 'connector', () => ['check', '--config', '/secrets/source.json']),
  check('configuration_invalid', { host: undefined, port: '8123' }),
  read('catalog_invalid', { catalog: () => file('catalog.json', {}) }),
  read('state_invalid', { state: { type: 'GLOBAL' } }),
  throughProxy('proxy_invalid', async () => 'socks5://127.0.0.1:1080'),
  throughProxy('proxy_refused', async () => proxyRefusing({ refusal: 403 })),
  throughProxy('proxy_refused', async () => proxyRefusing({ credentials: 'user:password' })),
  {
    code: 'output_unwritable',
    say: async () => {
      const full = openSync('/dev/full', 'w');
      return printedBy(await finished(start('source-clickhouse', ['spec'], { stdio: ['ignore', full, 'pipe'] })));
    },
  },
];

const CONNECTION_ERRORS: readonly Case[] = [
  // A name that needs no name server.
  check('clickhouse_address_wrong', { host: 'clickhuose..example.com' }, [['..', '.']]),
  check('clickhouse_unreachable', { port: 1 }),
  check('clickhouse_port_wrong', async () => ({ port: await tlsPort() })),
  check('clickhouse_not_spoken', async () => ({ port: await portAnswering(404) })),
  {
    code: 'clickhouse_cut_off',
    say: async () => {
      const [message] = await Promise.all([checked('source', source({ table: 'slow' })), kill('slow')]);
      return message;
    },
  },
  check('tls_not_spoken', { ssl: true }),
  check('tls_not_agreed', async () => ({
    ssl: true,
    port: await tlsPort({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  })),
  check('tls_certificate_refused', async () => ({ ssl: true, port: await tlsPort() })),
  check('tls_client_certificate_refused', async () => ({
    ssl: true,
    port: await tlsPort({ ca: authority.cert, requestCert: true, rejectUnauthorized: true }),
    tls: { ca_certificate: authority.cert },
  })),
  check('ssh_address_wrong', () => byPassword(22, { tunnel_host: 'basion..example.com' }), [['..', '.']]),
  check('ssh_address_wrong', async () => byPassword(await portSaying('SSH-1.5-OpenSSH_2.1\r\n'))),
  check('ssh_unreachable', () => byPassword(1)),
  check('ssh_handshake_failed', async () => byPassword(await oldSshPort())),
  check('ssh_key_unusable', () => byKey({ ssh_key: 'ssh-ed25519 AAAA' })),
];

/** Cases that need sshd, which not every machine has. */
const SSH_ERRORS: readonly Case[] = [
  check('ssh_host_key_wrong', () => throughSsh({ tunnel_host_key: `SHA256:${'A'.repeat(43)}` })),
  check('ssh_login_refused', () => throughSsh({ tunnel_user: 'tunnel' })),
  check('ssh_forwarding_forbidden', () => throughSsh(), [[/user "[^"]+"/g, 'user "tunnel"']]),
  check('ssh_target_unreachable', () => ({ ...throughSsh(), port: 1 })),
];

const SERVER_ERRORS: readonly Case[] = [
  check('clickhouse_login_refused', { password: 'guessed' }),
  check('clickhouse_right_missing', () => user(STRANGER)),
  check('clickhouse_settings_unfit', () => user(LOSSY)),
  read('clickhouse_limit_too_low', { config: () => user(LIMITED), table: 'many' }),
  check('clickhouse_busy', () => user(SELDOM)),
  check('clickhouse_too_old', async () => ({
    port: await proxyPort({
      words: 'SELECT version()',
      faults: [says(200, '{"data":[{"version":"21.8.15.7","milliseconds":"0","settings":[]}]}')],
    }),
  })),
  check('clickhouse_query_failed', { table: 'converted' }),
];

const TABLE_AND_STATE_ERRORS: readonly Case[] = [
  check('table_missing', { table: 'Events' }),
  read('table_missing', { table: 'Events' }),
  check('table_unreadable', { table: 'queue' }),
  check('query_invalid', {
    queries: [{ name: 'orders', sql: 'SELECT custom_id, last_updated_at, price FROM orders' }],
  }),
  check('columns_missing', { table: 'raw' }),
  read('columns_missing', { table: 'raw' }),
  check('schema_outdated', { table: 'orders_view' }),
  read('schema_outdated', { catalog: () => catalogWith({ namespace: 'shop_old' }) }),
  read('table_changed', {
    config: async () => {
      const alter = after(() => server().execute('ALTER TABLE shop.altered MODIFY COLUMN n String'));
      return { port: await proxyPort({ words: FOR_ROWS, faults: [alter] }) };
    },
    table: 'altered',
  }),
  check('cursor_unusable', { cursor_column: 'tags' }),
  read('cursor_unusable', { table: 'latin' }),
  check('start_from_invalid', { start_from: '2026-12-01' }),
  check('final_unsupported', { use_final: true }),
  check('throw_if_met', { table: 'guarded' }),
  check('value_unfit', { table: 'parsed' }),
  read('row_too_long', { table: 'wide' }),
  read('state_of_other_settings', {
    config: { cursor_column: 'inserted_at' },
    table: 'stamped',
    state: stateOf('stamped', { version: 2, cursor: null, cursor_type: 'DateTime64(6)' }),
  }),
  read('state_of_other_settings', {
    config: { partition: { index: 0, count: 8 } },
    state: stateOf('events', {
      version: 2,
      cursor: null,
      cursor_type: 'DateTime64(6)',
      partition: { index: 0, count: 4 },
    }),
  }),
];

const SYNC_ERRORS_OF_COMMANDS: readonly Case[] = [
  {
    code: 'stream_unknown',
    say: () => {
      const options = { source: source({ table: undefined }), destination: destination(), stream: 'clicks', rows: 1 };
      return failureOf(preview(context(new PassThrough()), { ...options, warn: () => {} }));
    },
    replaced: [[/It has: [^.]+/g, 'It has: events, orders']],
  },
  {
    code: 'stream_unknown',
    say: () => {
      const options = { source: source({ table: undefined }), destination: destination(), stream: undefined, rows: 1 };
      return failureOf(preview(context(new PassThrough()), { ...options, warn: () => {} }));
    },
    replaced: [[/has \d+ streams: [^.]+/g, 'has 2 streams: events, orders']],
  },
  {
    code: 'configuration_unwritable',
    say: () => failureOf(writeFiles('/nowhere', { source: {}, destination: {}, catalog: {} })),
    replaced: [
      ['no such file or directory', 'permission denied'],
      ['/nowhere/', './'],
    ],
  },
  {
    code: 'state_file_unusable',
    say: () => failureOf(lockStateFile('/state/state.json', SELF, NO_LISTENER)),
  },
  {
    code: 'state_file_unwritable',
    say: async () => failureOf(new FileStateStore('/nowhere/state.json').writeState('[]')),
    replaced: [
      ['no such file or directory', 'no space left on device'],
      ['/nowhere/', ''],
    ],
  },
  {
    code: 'state_file_changed',
    say: async () => {
      const path = file('state.json', '[]');
      const store = new FileStateStore(path);
      await store.readState();
      writeFileSync(path, '[ ]');
      return failureOf(store.writeState('[]'));
    },
  },
  {
    code: 'metrics_unusable',
    say: async () => {
      const { host, port } = server().connection(USER);
      return failureOf(startMetrics({ listen: { host, port }, file: undefined }, METRICS));
    },
    replaced: [[/port \d+/g, 'port 9464']],
  },
  {
    code: 'metrics_unusable',
    say: () => failureOf(startMetrics({ listen: undefined, file: '/metrics/orders.prom' }, METRICS)),
  },
];

/** A store of states, with an error in each bucket. */
async function stateStore(): Promise<string> {
  const answers: Record<string, [status: number, code: string, message: string]> = {
    '/missing/': [404, 'NoSuchBucket', 'The specified bucket does not exist'],
    '/old/': [501, 'NotImplemented', 'A header you provided implies functionality that is not implemented'],
    '/busy/': [503, 'SlowDown', 'Please reduce your request rate.'],
  };
  const port = await portOf(
    createHttpServer((request, response) => {
      const [, [status, code, message]] = Object.entries(answers).find(([path]) => request.url?.startsWith(path)) ?? [
        '',
        [400, '', ''],
      ];
      response.writeHead(status).end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
    }),
  );
  return `http://127.0.0.1:${port}`;
}

/** A request to a store of states, without retries. */
const inBucket = (code: string, bucket: string, request: (objects: S3Objects) => Promise<unknown>): Case => ({
  code,
  say: async () => {
    const location = { url: `s3://${bucket}/state.json`, bucket, key: 'state.json' };
    return failureOf(request(new S3Objects(await createS3Client(location.url), location, 10_000)));
  },
});

const STATE_STORE_ERRORS: readonly Case[] = [
  { code: 'state_store_unusable', say: () => failureOf(openStateStore('s3://bucket')) },
  inBucket('state_store_unusable', 'missing', (objects) => objects.read('state.json')),
  inBucket('state_store_unusable', 'old', (objects) => objects.write('state.json', '[]', { kind: 'absent' })),
  inBucket('state_store_unreachable', 'busy', (objects) => objects.read('state.json')),
];

const BATCH_ERRORS: readonly Case[] = [
  checkBatch('batch_address_wrong', { api_version: '9.9' }),
  checkBatch('batch_address_wrong', () => ({ api_url: batch.url.replace('http:', 'https:') })),
  checkBatch('batch_certificate_refused', async () => ({ api_url: `https://127.0.0.1:${await tlsPort()}` })),
  checkBatch('batch_key_refused', { rest_api_key: 'another-rest-key' }),
  checkBatch('batch_api_forbidden', async () => ({ api_url: `http://127.0.0.1:${await portAnswering(403)}` })),
  checkBatch('batch_call_refused', async () => ({ api_url: `http://127.0.0.1:${await portAnswering(400)}` })),
  checkBatch('batch_call_refused', async () => ({ api_url: `http://127.0.0.1:${await portAnswering(405)}` })),
  {
    ...write(
      'batch_unreachable',
      { api_url: 'https://127.0.0.1:1', retry_minutes: 0.001 },
      `${recordLine({ custom_id: 'u1', event_name: 'purchase' })}\n`,
    ),
    replaced: [['0.001', '30']],
  },
];

const ROW_ERRORS: readonly Case[] = [
  write('mapping_unfit', { mapping: { custom_id_column: 'user_id' } }, '', withColumns),
  write('mapping_unfit', { mapping: { exclude_columns: ['Email'] } }, '', withColumns),
  write('mapping_unfit', { mapping: { event_name: { from: 'stream' } } }, '', () => catalog('Shop orders')),
  write(
    'mapping_unfit',
    { event_id_attribute: 'row_id', streams: { customers: { object: 'profile_attributes' } } },
    '',
    () => catalog('customers'),
  ),
  write('object_unknown', {}, '', () =>
    file('catalog.json', {
      streams: [{ stream: { name: 'customers' }, sync_mode: 'incremental', destination_object_name: 'profile' }],
    }),
  ),
  write('stream_not_in_catalog', {}, `${recordLine({}, 'orders')}\n`),
  write('input_broken', {}, '{"type":"RECORD","record":{"stream":"eve'),
  {
    ...write('too_many_rejected', {}, `${recordLine({ event_name: 'purchase' })}\n`.repeat(100) + STATE),
    // It links to what the user has to fix.
    linked: 'custom_id_missing',
  },
  checkBatch('rejected_rows_unwritable', { rejected_rows: { storage_type: 'Local', path: '/rejected' } }),
  checkBatch('rejected_rows_unavailable', {
    rejected_rows: {
      storage_type: 'S3',
      s3_bucket_name: 'rejected',
      s3_bucket_region: 'eu-west-1',
      bucket_path: 'batch',
      s3_endpoint: 'https://127.0.0.1:1',
      access_key_id: 'an-access-key',
      secret_access_key: 'its-secret',
    },
  }),
  write('dry_run_unwritable', { dry_run: true, dry_run_file: '/data/requests.jsonl' }),
  command('request_log_unwritable', 'destination-batch', () => [
    ...['write', '--config', destination({}), '--catalog', catalog()],
    ...['--request-log', '/data/requests.ndjson'],
  ]),
];

/** Codes that other tests cause and compare with their pages, and codes that no test can cause. */
const TESTED_ELSEWHERE: readonly string[] = [
  // source/late-rows.test.ts
  'cursor_in_future',
  // destination/retry.test.ts
  'rejected_rows_locked',
  // sync/command.test.ts
  'temporary_folder_missing',
  'state_file_locked',
  'connector_crashed',
  // src/runner/process.test.ts
  'connector_not_started',
  // A bug of ours that isn't known yet.
  'unexpected_fault',
  // A bug of ours; src/sync/run.test.ts has connectors that cause it.
  'rows_unaccounted',
];

const REPRODUCIBLE_ERRORS = [
  ...COMMAND_ERRORS,
  ...CONNECTION_ERRORS,
  ...SSH_ERRORS,
  ...SERVER_ERRORS,
  ...TABLE_AND_STATE_ERRORS,
  ...SYNC_ERRORS_OF_COMMANDS,
  ...STATE_STORE_ERRORS,
  ...BATCH_ERRORS,
  ...ROW_ERRORS,
];

/** Whether this machine has what a case needs. */
function isPossible(each: Case): boolean {
  return each.code === 'output_unwritable'
    ? existsSync('/dev/full')
    : SshServer.isInstalled || !SSH_ERRORS.includes(each);
}

describe('the error of a command ends with the link to a page that quotes it:', () => {
  const possible = REPRODUCIBLE_ERRORS.filter(isPossible);
  /** The messages on pages that were printed. */
  const seen = new Set<string>();

  test.concurrent.each(possible)('$code', async ({ code, say, replaced, linked }) => {
    seen.add(expectOnPage(code, await say(), replaced, linked));
  });

  test('every message on these pages is reproduced, except for those that take too long', () => {
    const quotes = [...new Set(possible.map(({ code }) => code))].flatMap(quotesOn);
    expect(quotes.filter((quote) => !seen.has(quote)).map((quote) => quote.replaceAll('\n', ' '))).toEqual([
      // Only after minutes of retries.
      expect.stringMatching(/^The connection to .+ was cut\. /),
    ]);
  });

  test('each code has a case here or a test elsewhere', () => {
    const codes = Object.keys({ ...PROTOCOL_ERRORS, ...SOURCE_ERRORS, ...DESTINATION_ERRORS, ...SYNC_ERRORS });
    const reproduced = REPRODUCIBLE_ERRORS.map(({ code }) => code);
    expect(codes.filter((code) => !reproduced.includes(code)).toSorted()).toEqual(TESTED_ELSEWHERE.toSorted());
  });
});

/** Statements about users and logs, which the server of the sandbox keeps elsewhere or not at all: they are only parsed. */
const ONLY_PARSED = /\b(?:GRANTS?|USER|QUOTA|system\.users|system\.query_log)\b/;

/** The statements on the pages, each with the code of its page. */
function statementsOfPages(): { code: string; statement: string }[] {
  return [...page('README').matchAll(/^- \[(\w+)\]/gm)].flatMap(([, code = '']) =>
    [...page(code).matchAll(/```sql\n([\s\S]+?)\n```/g)]
      .flatMap(([, block = '']) => block.split(/;\s*$/m))
      .map((statement) => ({ code, statement: statement.trim() }))
      .filter(({ statement }) => statement !== ''),
  );
}

test('the SQL of the pages is valid and works', async () => {
  const statements = statementsOfPages();
  expect(statements.length).toBeGreaterThan(20);
  for (const { code, statement } of statements) {
    const query = ONLY_PARSED.test(statement) ? `EXPLAIN AST ${statement}` : statement;
    await server()
      .execute(query)
      .catch((error: unknown) => {
        throw new Error(`${code}: ${statement}`, { cause: error });
      });
  }
});
