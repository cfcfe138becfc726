import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { type Finished, finished, run, start } from '../../sandbox/launcher.ts';
import { lockStateFile } from '../../src/sync/state/lock.ts';
import { expectOnPage } from '../docs/troubleshooting-page.ts';
import {
  clickHouseWith,
  destinationConfiguration,
  eventually,
  expectSame,
  quickBatchApi,
  REST_API_KEY,
  sorted,
  sourceConfiguration,
  temporaryFiles,
  upTo,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { type Piped, typeIntoPipes } from '../support/typed-command.ts';

const MANY = 45_000;

/** With this rate limit, there is time to interrupt a run over many rows, and to see it finish. */
const SLOW = { rate_limit: 7_000 };

const ENVIRONMENT = { SYNC_PASSWORD: READER.password, SYNC_USER: 'nobody-knows-me' };

const file = temporaryFiles();
const KEY_FILE = file('key', `${REST_API_KEY}\n`);
const server = clickHouseWith('shop');
let batch: BatchApi;

beforeAll(async () => {
  batch = await quickBatchApi();
  const table = (name: string): string => createTableSql(`shop.${name}`, 'n UInt32');
  const rows = (name: string, count: number, customId: string): string =>
    `INSERT INTO shop.${name} SELECT ${customId}, '${name}', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 7), number FROM numbers(${count})`;
  await server().execute(
    ...['events', 'orders', 'many'].map(table),
    rows('events', 1_000, "if(number = 900, '', toString(number % 100))"),
    rows('orders', 10, "'u'"),
    rows('many', MANY, 'toString(number)'),
  );
});

afterAll(() => batch.close());

beforeEach(() => batch.reset());

type Options = { source?: Record<string, unknown>; destination?: Record<string, unknown>; state?: string };

/** The path for a state file, in a new folder. */
function statePath(): string {
  return join(dirname(file('folder', '')), 'state.json');
}

/** The arguments of a sync whose secrets are only in an environment variable and in a file. */
function syncArguments({ source = {}, destination = {}, state = statePath() }: Options, ...more: string[]): string[] {
  return [
    'sync',
    '--source',
    file('source.json', sourceConfiguration(server(), 'shop', { password: '${SYNC_PASSWORD}', ...source })),
    '--destination',
    file('destination.json', destinationConfiguration(batch, { rest_api_key: `\${file:${KEY_FILE}}`, ...destination })),
    '--state',
    state,
    ...more,
  ];
}

async function sync(options: Options, ...more: string[]): Promise<Finished> {
  const result = await run('connector', syncArguments(options, ...more), { env: ENVIRONMENT });
  return withoutSecrets(result);
}

function startSync(options: Options, ...more: string[]): { child: ChildProcess; ended: Promise<Finished> } {
  const child = start('connector', syncArguments(options, ...more), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...ENVIRONMENT },
  });
  return { child, ended: finished(child).then(withoutSecrets) };
}

/** A user is named in messages, whether the name came from the environment or not. */
function withoutSecrets<Result extends { stdout: string; stderr: string }>(result: Result): Result {
  for (const value of [READER.password, REST_API_KEY]) expect(result.stdout + result.stderr).not.toContain(value);
  return result;
}

type Event = { event: string } & Record<string, unknown>;

function events({ stdout }: Pick<Finished, 'stdout'>): Event[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Event => JSON.parse(line));
}

/** The numbers of the rows of a table that Batch received, repeated for each time. */
function received(table: string): number[] {
  return sorted(
    [...batch.store.events()]
      .map(({ json }) => JSON.parse(json))
      .filter(({ name }) => name === table)
      .map(({ attributes }) => attributes.n),
  );
}

/** The processes that a process has started, by their commands. */
function children({ pid }: ChildProcess): Map<string, number> {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const found = lines.flatMap((line): [string, number][] => {
    const [, child, parent, command] = /^\s*(\d+)\s+(\d+) .*bin\/connector (\w+) /.exec(line) ?? [];
    return command !== undefined && Number(parent) === pid ? [[command, Number(child)]] : [];
  });
  return new Map(found);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function statusOf(state: string, ...more: string[]): Promise<Piped> {
  return typeIntoPipes(['status', '--state', state, ...more]);
}

async function untilThere(path: string): Promise<void> {
  await eventually(() => expect(existsSync(path)).toBe(true), 5);
}

describe('several runs with one state file', () => {
  const state = statePath();

  test('the first run announces itself, stops at --limit, and reports its progress as JSON', async () => {
    const result = await sync({ state }, '--all-streams', '--limit', '400', '--json');
    expect([result.code, result.stderr]).toEqual([0, '']);
    const [first, ...others] = events(result);
    expect(first).toMatchObject({ event: 'run_started', sync_mode: 'incremental', goes_on: false });
    expect(first?.streams).toEqual(['events', 'many', 'orders'].map((name) => ({ name, namespace: 'shop' })));
    expect(others.at(-2)).toMatchObject({ event: 'progress', rows_read: 400, rows_accepted: 400, rows_rejected: 0 });
    expect(others.at(-1)).toMatchObject({
      event: 'run_ended',
      outcome: 'complete',
      rows_read: 400,
      rows_accepted: 400,
      rows_rejected: 0,
      rows_to_come_again: 0,
      exit_code: 0,
      errors: [],
    });
    expect(statSync(state).mode & 0o777).toBe(0o600);
    expect(received('events')).toHaveLength(400);
  });

  test('the second run sends the rest, each row once; a rejected row makes the exit code 3', async () => {
    const before = readFileSync(state, 'utf8');
    const result = await sync({ state }, '--stream', 'events', 'orders');
    expect(result.code).toBe(3);
    expect(result.stdout).toMatch(
      /^Done in \S+: 610 rows read, 609 accepted, 1 rejected\.\nThe next run does not send rejected rows again/,
    );
    expect(result.stderr).toMatch(/^events, orders: the rows since the last run\.\n/);
    expect(result.stderr).toMatch(/\nWARN {2}destination: A row of events is rejected \(custom_id_missing\)/);
    expect(result.stderr).toMatch(/\nWARN {2}destination: Rows rejected: custom_id_missing: 1\.\n$/);
    expect(received('events')).toHaveLength(599);
    expect(received('orders')).toEqual(upTo(10));
    expect(readFileSync(state, 'utf8')).not.toBe(before);
    const status = await statusOf(state);
    expect([status.code, status.stderr]).toEqual([3, '']);
    expect(status.stdout).toMatch(/: rejected\n\nLast run +succeeded \S+ ago, after \S+: 610 rows read, 609 accepted,/);
    expect(status.stdout).toMatch(/\nRejected +1 × custom_id_missing\./);
    expect(status.stdout).toMatch(/\nevents +599 +1 +\d+d +last_updated_at 2026-01-01T00:02:22\.000000Z\n/);
    expect(status.stdout).toMatch(/\norders +10 +0 +\d+d +last_updated_at 2026-01-01T00:00:01\.000000Z\n/);
  });

  test("--full-refresh sends all rows again, and doesn't change the state", async () => {
    const before = readFileSync(state, 'utf8');
    const result = await sync({ state }, '--stream', 'orders', '--full-refresh', '--limit', '4');
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining('4 rows read, 4 accepted')]);
    expect(received('orders')).toHaveLength(4);
    expect(readFileSync(state, 'utf8')).toBe(before);
  });

  test('status shows the records of all runs, and that the rows are old', async () => {
    const status = await statusOf(state, '--json', '--history', '--stale-after', '1h');
    const { history: runs, ...shown } = JSON.parse(status.stdout);
    expect(shown).toMatchObject({ status: 'stale', exit_code: 1, alert: null, lock: null, last_run: runs.at(-1) });
    expect([status.code, status.stderr]).toEqual([1, '']);
    const stream = { namespace: 'shop', rows_rejected: 0, cursor_column: 'last_updated_at' };
    expect(runs).toMatchObject([
      { outcome: 'succeeded', rows_read: 400, rows_accepted: 400, rows_rejected: 0, rejected: {}, error: null },
      {
        ...{ outcome: 'succeeded', sync_mode: 'incremental', rejected: { custom_id_missing: 1 }, error: null },
        ...{ rows_read: 610, rows_accepted: 609, rows_rejected: 1, server_clock_offset_ms: expect.any(Number) },
        streams: [
          {
            ...{ ...stream, name: 'events', rows_accepted: 599, rows_rejected: 1 },
            ...{ cursor: '2026-01-01T00:02:22.000000Z', cursor_time: '2026-01-01T00:02:22.000000Z' },
          },
          { ...stream, name: 'orders', rows_accepted: 10, cursor: '2026-01-01T00:00:01.000000Z' },
        ],
      },
      { sync_mode: 'full_refresh', rows_accepted: 4, streams: [{ name: 'orders', rows_accepted: 4, cursor: null }] },
    ]);
  });
});

test("a state of some streams doesn't replace --stream or --all-streams", async () => {
  const state = statePath();
  expect((await sync({ state }, '--stream', 'orders')).code).toBe(0);
  const before = readFileSync(state, 'utf8');
  const result = await sync({ state });
  expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('--all-streams')]);
  expect(readFileSync(state, 'utf8')).toBe(before);
  expect(received('orders')).toEqual(upTo(10));
});

test('a column called __proto__ is sent, and is in the preview', async () => {
  await server().execute(
    'CREATE DATABASE odd',
    createTableSql('odd.events', '`__proto__` UInt8'),
    "INSERT INTO odd.events VALUES ('u', 'x', '2026-01-01 00:00:00', 7)",
  );
  const source = { database: 'odd' };
  expect((await sync({ source })).code).toBe(0);
  expect([...batch.store.events()].map(({ json }) => json)).toEqual([expect.stringContaining('"__proto__":7')]);
  const [, ...files] = syncArguments({ source });
  const preview = await typeIntoPipes(['preview', ...files.slice(0, 4)], ENVIRONMENT);
  expect([preview.code, preview.stdout]).toEqual([0, expect.stringContaining('"__proto__": 7')]);
});

test('--config reads the options from a file, in whose folder paths start; the command line takes precedence', async () => {
  const config = file('sync.json', {
    $schema: '../spec/sync.json',
    source: sourceConfiguration(server(), 'shop', { password: '${SYNC_PASSWORD}' }),
    destination: destinationConfiguration(batch, {
      rest_api_key: REST_API_KEY,
      rejected_rows: { storage_type: 'Local', path: 'rejected' },
    }),
    state: 'missing/state.json',
    streams: 'all',
  });
  const folder = dirname(config);
  mkdirSync(join(folder, 'rejected'));
  const args = ['sync', '--config', config, '--stream', 'orders', '--state', join(folder, 'state.json')];
  args.push('--request-log', join(folder, 'requests.ndjson'), '--request-log-mode', 'all');
  const result = withoutSecrets(await run('connector', args, { env: ENVIRONMENT }));
  expect([result.code, result.stderr]).toEqual([0, expect.stringContaining('orders: all rows')]);
  expect(received('orders')).toEqual(upTo(10));
  expect(received('events')).toEqual([]);
  expect(JSON.parse(readFileSync(join(folder, 'requests.ndjson'), 'utf8'))).toMatchObject({ attempt: 1, status: 202 });
  const written = ['rejected', 'requests.ndjson', 'state.json', 'state.json.runs.json', 'sync.json'];
  expect(readdirSync(folder).sort()).toEqual(written);
});

test('syncs the only stream without --stream, and starts a damaged history again', async () => {
  const state = statePath();
  writeFileSync(`${state}.runs.json`, '{"version":1');
  const result = await sync({ state, source: { table: 'orders' } });
  expect([result.code, result.stderr]).toEqual([
    0,
    expect.stringMatching(
      /\nWARN {2}The history of the runs of \S+ is damaged\. A new history of the runs is started\./,
    ),
  ]);
  expect(received('orders')).toEqual(upTo(10));
  expect(JSON.parse(readFileSync(`${state}.runs.json`, 'utf8')).runs).toMatchObject([{ rows_accepted: 10 }]);
});

describe('an error of the user ends with exit code 2 and one sentence on stderr', () => {
  test.each<[string, () => string[], RegExp]>([
    [
      'no argument',
      () => ['sync'],
      /^ERROR Missing required arguments: source, destination, state\. Run `\S*clickhouse-to-batch sync --help`/,
    ],
    [
      'no state in a file with options',
      () => ['sync', '--config', file('sync.json', { source: 's.json', destination: 'd.json' })],
      /^ERROR Missing required argument: state\. Add it to \S+sync\.json\. Run `\S*clickhouse-to-batch sync --help`/,
    ],
    [
      'an unknown stream',
      () => syncArguments({}, '--stream', 'evnts'),
      /no stream "evnts"\. Did you mean "events"\? Choose with --stream/,
    ],
    [
      'no choice among several streams',
      () => syncArguments({}),
      /^ERROR The source has 3 streams: events, many, orders\. Choose with --stream, or send all of them with --all-streams\. See .*stream_unknown\.md$/m,
    ],
    [
      'some streams and all streams',
      () => syncArguments({}, '--stream', 'events', '--all-streams'),
      /^ERROR Use either --stream or --all-streams, not both\. Run `\S*clickhouse-to-batch sync --help`/m,
    ],
    [
      'an environment variable that is not set',
      () => syncArguments({ source: { password: '${NOT_SET}' } }),
      /password refers to .* NOT_SET/,
    ],
    [
      'an option twice',
      () => [...syncArguments({}), '--state', 'other.json'],
      /--state is given twice\. Run `\S*clickhouse-to-batch sync --help`/,
    ],
    [
      '--stale-after without an alert or metrics',
      () => syncArguments({}, '--stale-after', '2h'),
      /^ERROR --stale-after has no effect without --alert-url or --metrics-port\./m,
    ],
    ['an interval that is too long', () => syncArguments({}, '--every', '99999999999d'), /isn't a valid duration/],
    [
      'files that are swapped',
      () => {
        const [command = '', source = '', a = '', destination = '', b = '', ...others] = syncArguments({});
        return [command, source, b, destination, a, ...others];
      },
      /is the configuration of a destination\. --source needs the configuration of a source/,
    ],
    [
      'two wrong configurations, before the source is queried',
      () => syncArguments({ source: { host: '127.0.0.1', port: 1 }, destination: { retry_minutes: '30' } }),
      /^ERROR The configuration in \S+destination\.json is not usable: retry_minutes must be a number, without quotes: 30\./m,
    ],
    [
      'an unknown user',
      () => syncArguments({ source: { username: '${SYNC_USER}' } }),
      /^ERROR .*refused the user "nobody-knows-me"/m,
    ],
  ])('%s', async (_, args, expected) => {
    const result = withoutSecrets(await typeIntoPipes(args(), ENVIRONMENT));
    expect(result.code).toBe(2);
    expect(result.stdout + result.stderr).toMatch(expected);
    expect(batch.stats.requests).toBe(0);
  });

  test('or one line of JSON', async () => {
    const result = await run('connector', ['sync', '--json', '--limit', 'x']);
    expect([result.code, result.stderr]).toEqual([2, '']);
    expect(events(result)).toMatchObject([{ event: 'failed', failure_type: 'config_error' }]);
  });
});

test('reports a missing folder for temporary files', async () => {
  const result = await run('connector', syncArguments({}, '--all-streams'), {
    env: { ...ENVIRONMENT, TMPDIR: '/nowhere' },
  });
  expect(result.code).toBe(2);
  expectOnPage('temporary_folder_missing', result.stderr.replace(/^ERROR /, ''), [
    ['/nowhere', '/tmp'],
    ['no such file or directory', 'read-only file system'],
  ]);
});

test('a second run at the same time fails and names the process that has locked the state file', async () => {
  const state = statePath();
  const self = { pid: process.pid, host: hostname(), since: '2026-01-01T00:00:00.000Z' };
  const stop = new AbortController().signal;
  const unlock = await lockStateFile(state, self, {
    stop,
    onWaiting: () => {},
    onLost: () => {},
    onUncertain: () => {},
  });
  const result = await sync({ state });
  await unlock?.();
  expect(result.code).toBe(1);
  expectOnPage('state_file_locked', result.stderr.replace(/^ERROR /, ''), [
    [`process ${process.pid} on ${hostname()}`, 'process 4711 on host-a'],
  ]);
});

describe('in the middle of many rows', () => {
  test('I4: Ctrl-C delivers the rows that were read, and the next run sends the rest, no row twice', async () => {
    const state = statePath();
    const { child, ended } = startSync({ state, destination: SLOW }, '--stream', 'many');
    await untilThere(state);
    child.kill('SIGINT');
    const result = await ended;
    expect(result.signal).toBe('SIGINT');
    expect(result.stderr).toMatch(/Stopping: sending the \S+ rows already read\. Press Ctrl-C again to stop now/);
    expect(result.stdout).toMatch(
      /^Stopped after \S+: (\S+) rows read, \1 accepted, 0 rejected\.\nThe next run continues after many: last_updated_at 2026-01-01T\S+\.\n$/,
    );
    const first = received('many');
    expect(first.length).toBeLessThan(MANY);
    expect((await sync({ state }, '--stream', 'many')).code).toBe(0);
    expectSame(received('many'), upTo(MANY));
  });

  test('Ctrl-C while all rows are in the lookback: the summary says that the state has them', async () => {
    await server().execute(
      'CREATE DATABASE fresh',
      'CREATE TABLE fresh.rows AS shop.many',
      `INSERT INTO fresh.rows SELECT toString(number), 'rows', now64(6), number FROM numbers(${MANY})`,
    );
    const state = statePath();
    const options = { state, source: { database: 'fresh' }, destination: SLOW };
    const { child, ended } = startSync(options);
    await untilThere(state);
    child.kill('SIGINT');
    const result = await ended;
    expect(result.stdout).toMatch(
      /^Stopped after .*\nThe next run continues after rows: the rows that were read inside the lookback\.\n$/,
    );
    expect((await sync(options)).code).toBe(0);
    expectSame(received('rows'), upTo(MANY));
  });

  test('SIGKILL of the source: the summary says that rows may reach Batch twice', async () => {
    const state = statePath();
    const { child, ended } = startSync({ state, destination: SLOW }, '--stream', 'many');
    await untilThere(state);
    const pid = children(child).get('read');
    if (pid === undefined) throw new Error('There is no source.');
    process.kill(pid, 'SIGKILL');
    const result = await ended;
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(
      /\nUp to \S+ rows? since the last saved state will be read again, and some of them may reach Batch twice\.\n$/,
    );
    expect((await sync({ state }, '--stream', 'many')).code).toBe(0);
    expectSame([...new Set(received('many'))], upTo(MANY));
  });

  test('a second signal ends all processes at once', async () => {
    const state = statePath();
    const { child, ended } = startSync({ state, destination: { rate_limit: 500 } }, '--stream', 'many');
    await eventually(() => expect([...children(child).keys()].toSorted()).toEqual(['read', 'write']));
    const pids = [...children(child).values()];
    await eventually(() => expect(batch.stats.events_accepted).toBeGreaterThan(0), 5);
    child.kill('SIGINT');
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    child.kill('SIGTERM');
    const result = await ended;
    expect(result.signal).toBe('SIGTERM');
    expect(result.stdout).toMatch(
      /^Stopped at once after .* rows read\. The state covers .*\n[\s\S]*Up to \S+ rows since .* read again/,
    );
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('SIGKILL of the destination: the run fails and says why, and the next run loses no row', async () => {
    const state = statePath();
    const { child, ended } = startSync({ state, destination: SLOW }, '--stream', 'many');
    await untilThere(state);
    const pid = children(child).get('write');
    if (pid === undefined) throw new Error('There is no destination.');
    process.kill(pid, 'SIGKILL');
    const result = await ended;
    expect(result.code).toBe(1);
    expectOnPage('connector_crashed', /^ERROR (.+)$/m.exec(result.stderr)?.[1] ?? '');
    expect(result.stdout).toMatch(
      /^Failed after .*\nThe next run continues after many: .*\nUp to \S+ rows since .* read again/,
    );
    const status = await statusOf(state);
    expect([status.code, status.stdout]).toEqual([1, expect.stringMatching(/\nError .*was killed by SIG/)]);
    expect((await sync({ state }, '--stream', 'many')).code).toBe(0);
    expectSame([...new Set(received('many'))], upTo(MANY));
  });
});

test('--every starts one run after the other until SIGTERM', async () => {
  const state = statePath();
  const { child, ended } = startSync({ state }, '--stream', 'orders', '--every', '300ms', '--json');
  let seen = '';
  child.stdout?.on('data', (chunk) => {
    seen += chunk;
  });
  await eventually(() => expect(seen).toMatch(/"run_ended"[\s\S]*"run_ended"/), 5);
  const status = await statusOf(state);
  expect([status.code, status.stdout]).toEqual([0, expect.stringMatching(/\nLock +locked by a sync that is running:/)]);
  child.kill('SIGTERM');
  const result = await ended;
  expect(result.signal).toBe('SIGTERM');
  const told = events(result).filter(({ event }) => ['run_started', 'run_ended', 'next_run'].includes(event));
  expect(told.slice(0, 5).map(({ event }) => event)).toEqual([
    'run_started',
    'run_ended',
    'next_run',
    'run_started',
    'run_ended',
  ]);
  expect([told[1]?.rows_read, told[4]?.rows_read]).toEqual([10, 0]);
  expect(told[2]).toMatchObject({ start_skipped: true, failed_runs: 0 });
  expect(received('orders')).toEqual(upTo(10));
});
