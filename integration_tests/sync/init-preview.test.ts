import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { finished, launcherPath, start } from '../../sandbox/launcher.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { createTableSql } from '../support/tables.ts';
import { type Piped, typeIntoPipes } from '../support/typed-command.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-init-'));

/** From util-linux: runs a command in its own terminal. The one of macOS accepts different arguments. */
const hasTerminals = process.platform === 'linux' && existsSync('/usr/bin/script');

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ reader: READER, restApiKey: 'a-key/+"secret"' });
  await sandbox.clickhouse.execute(
    'CREATE DATABASE shop',
    createTableSql('shop.events', 'item String', { cursor: 'DateTime64(3)' }),
    'CREATE TABLE shop.clicks AS shop.events',
    "INSERT INTO shop.events VALUES ('u1', 'purchase', now64(3) - 600, 'shirt'), ('', 'purchase', now64(3) - 600, 'hat')",
  );
});

afterAll(async () => {
  await sandbox.stop();
  rmSync(FOLDER, { recursive: true, force: true });
});

/** The first question. */
const WHAT = 'What do you want to send';

const ENTER = '\r';
const UP = '\u001b[A';
const DOWN = '\u001b[B';
const SPACE = ' ';
const CTRL_C = '\u0003';
/** Deletes the default text. */
const CLEAR = '\u0015';

/** `init` in a terminal, answered as a person would: after each question is shown. */
class Dialogue {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #shown = '';
  /** All that was shown, also before the last question. */
  all = '';
  #look: () => void = () => {};

  constructor(folder: string, environment: Record<string, string> = {}) {
    // A terminal without a window has no size, and each letter would be on its own line.
    const init = `'${process.execPath}' '${launcherPath('connector')}' init --api-url '${sandbox.batch.url}'`;
    const command = `stty cols 80 rows 50; sh -c 'echo "process $$;"; exec "$0" "$@"' ${init}; code=$?; stty -a; exit $code`;
    this.#process = spawn('/usr/bin/script', ['-qfec', command, '/dev/null'], {
      cwd: folder,
      env: { ...process.env, TERM: 'xterm', ...environment },
    });
    this.#ended = new Promise((resolve) => this.#process.once('exit', resolve));
    onTestFinished(() => void this.#process.kill());
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text;
      this.all += text;
      this.#look();
    });
  }

  async answer(question: string, keys: string): Promise<void> {
    await this.#seen(question);
    this.#process.stdin.write(keys);
  }

  /** Sends a signal when a question is shown, which is the first. */
  async signal(question: string, signal: NodeJS.Signals): Promise<void> {
    await this.#seen('process ');
    const pid = await this.#seen(';');
    await this.#seen(question);
    process.kill(Number(pid), signal);
  }

  /** Its exit code, and what it printed after the last question. */
  async end(): Promise<{ code: unknown; shown: string }> {
    const code = await this.#ended;
    return { code, shown: this.#shown };
  }

  /** Waits until a string is shown, and discards the output up to it. Returns the output before it. */
  #seen(text: string): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      this.#ended.then(() => reject(new Error(`It ended before "${text}": ${this.#shown}`)));
      this.#look = () => {
        const at = this.#shown.indexOf(text);
        if (at === -1) return;
        const before = this.#shown.slice(0, at);
        this.#shown = this.#shown.slice(at + text.length);
        this.#look = () => {};
        resolve(before);
      };
      this.#look();
    });
  }
}

function newFolder(): string {
  return mkdtempSync(join(FOLDER, 'init-'));
}

/** Runs a command in this process, in a folder. */
async function typeIn(folder: string, ...args: string[]): Promise<Piped> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await typeIntoPipes(args);
  } finally {
    process.chdir(before);
  }
}

function json(folder: string, name: string): unknown {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'));
}

/** The databases that READER can choose, in the order of the list. */
async function databases(): Promise<string[]> {
  const rows = await sandbox.clickhouse.query<{ name: string }>(
    "SELECT name FROM system.databases WHERE lower(name) NOT IN ('system', 'information_schema') ORDER BY name = 'default', name",
  );
  return rows.map(({ name }) => name);
}

async function answerLogin(
  dialogue: Dialogue,
  password: string,
  { host, port }: { host: string; port: number } = sandbox.clickhouse.connection(READER),
): Promise<void> {
  await dialogue.answer(WHAT, ENTER);
  await dialogue.answer('ClickHouse host', `http://${host}:${port}${ENTER}`);
  await dialogue.answer('User (needs', READER.name + ENTER);
  await dialogue.answer('Password', password + ENTER);
}

async function answerSource(dialogue: Dialogue, database = 'shop'): Promise<void> {
  await answerLogin(dialogue, READER.password);
  await dialogue.answer('Database', DOWN.repeat((await databases()).indexOf(database)) + ENTER);
  await dialogue.answer('row was inserted', ENTER);
}

async function answerDestination(dialogue: Dialogue): Promise<void> {
  await dialogue.answer('Batch project key', sandbox.projectKey + ENTER);
  await dialogue.answer('REST API key', sandbox.restApiKey + ENTER);
}

describe.runIf(hasTerminals)('init', () => {
  test('tests each answer when it is given, and writes files that the next commands accept', async () => {
    const folder = newFolder();
    const dialogue = new Dialogue(folder, { BATCH_KEY: sandbox.restApiKey });
    // An address without a server is reported before the next question. The answer is changed, and not requested again.
    await dialogue.answer(WHAT, ENTER);
    await dialogue.answer('ClickHouse host', `127.0.0.1${ENTER}`);
    await dialogue.answer('Use HTTPS?', ENTER);
    await dialogue.answer('HTTP port', `1${ENTER}`);
    await dialogue.answer('Nothing listens at 127.0.0.1:1 ', '');
    await dialogue.answer('What now?', DOWN + ENTER);
    await dialogue.answer('http://127.0.0.1:1', `${CLEAR}${sandbox.clickhouse.url}${ENTER}`);
    await dialogue.answer('User (needs', READER.name + ENTER);
    await dialogue.answer('Password', `not the password${ENTER}`);
    await dialogue.answer('the password is wrong', '');
    await dialogue.answer('What now?', ENTER);
    await dialogue.answer('User (needs', ENTER);
    await dialogue.answer('empty to keep it', READER.password + ENTER);
    await dialogue.answer('Database', DOWN.repeat((await databases()).indexOf('shop')) + ENTER);
    await dialogue.answer('row was inserted', ENTER);
    // Clicks are listed first.
    await dialogue.answer('views to sync', DOWN + SPACE + ENTER);
    await dialogue.answer('Batch project key', sandbox.restApiKey + ENTER);
    await dialogue.answer('This looks like the REST API key.', sandbox.projectKey + ENTER);
    await dialogue.answer('REST API key', sandbox.projectKey + ENTER);
    await dialogue.answer('This is a project key.', `a-wrong-key${ENTER}`);
    await dialogue.answer('What now?', ENTER);
    await dialogue.answer('Batch project key', ENTER);
    await dialogue.answer('REST API key', `\${BATCH_KEY}${ENTER}`);
    const { code, shown } = await dialogue.end();
    expect(code, shown).toBe(0);
    expect(shown).toContain('connector preview --source source.json --destination destination.json');
    expect(shown).toContain('connector sync --source source.json --destination destination.json --state state.json');
    // A signal that gets a listener for each question warns of a leak.
    expect(dialogue.all).not.toMatch(/Warning/);
    for (const secret of [sandbox.restApiKey, READER.password, 'not the password', 'a-wrong-key'])
      expect(dialogue.all).not.toContain(secret);

    expect(json(folder, 'source.json')).toEqual({
      ...sandbox.clickhouse.connection(READER),
      ssl: false,
      database: 'shop',
      cursor_column: 'last_updated_at',
      table: 'events',
    });
    expect(json(folder, 'destination.json')).toEqual({
      api_url: sandbox.batch.url,
      project_key: sandbox.projectKey,
      rest_api_key: '${BATCH_KEY}',
    });
    expect(json(folder, 'catalog.json')).toMatchObject({
      streams: [{ stream: { name: 'events' }, sync_mode: 'incremental', destination_sync_mode: 'append' }],
    });
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);

    const options = { cwd: folder, env: { ...process.env, BATCH_KEY: sandbox.restApiKey } };
    const files = ['--source', 'source.json', '--destination', 'destination.json'];
    const preview = await finished(start('connector', ['preview', ...files], options));
    expect([preview.code, preview.stderr]).toEqual([3, '']);
    expect(preview.stdout).toContain('1 of 2 rows would be accepted, and 1 rejected.');
    expect(preview.stdout).toContain('"custom_id": "u1"');
    expect(sandbox.batch.stats.requests).toBeGreaterThan(0);
    expect(sandbox.batch.stats.events_accepted).toBe(0);
  });

  test('prints a command that names the streams when several are chosen', async () => {
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await answerSource(dialogue);
    await dialogue.answer('views to sync', SPACE + DOWN + SPACE + ENTER);
    await answerDestination(dialogue);
    const { code, shown } = await dialogue.end();
    expect(code, shown).toBe(0);
    expect(json(folder, 'source.json')).not.toHaveProperty('table');
    const [, command = ''] = /connector (sync .+) --every 5m/.exec(shown) ?? [];
    expect(command).toContain('--stream clicks --stream events');
    const sync = await finished(start('connector', command.split(' '), { cwd: folder }));
    expect([sync.code, sync.stdout]).toEqual([3, expect.stringMatching(/^Done in .*: 2 rows read/)]);
  });

  test('proposes a start if the table has old rows, which preview and sync then leave out', async () => {
    await sandbox.clickhouse.execute(
      'CREATE DATABASE aged',
      createTableSql('aged.events', 'item String'),
      "INSERT INTO aged.events SELECT 'u1', 'purchase', now64(6) - 86400 * (number + 2), 'old' FROM numbers(3)",
      "INSERT INTO aged.events SELECT 'u1', 'purchase', now64(6) - 3600 * number, 'recent' FROM numbers(2)",
    );
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await answerSource(dialogue, 'aged');
    await dialogue.answer('Where does the first run begin', ENTER);
    await answerDestination(dialogue);
    const { code, shown } = await dialogue.end();
    expect(code, shown).toBe(0);
    const all = stripVTControlCharacters(dialogue.all);
    expect(all.replaceAll(/\s*\r\n│ {2}/g, ' ')).toContain(
      'including 3 rows whose last_updated_at is more than 24 hours ago',
    );
    expect(all).toContain('23h ago: send 2 rows, and leave out 3 rows before them');
    expect(json(folder, 'source.json')).toMatchObject({ table: 'events', start_from: '23h' });

    const files = ['--source', 'source.json', '--destination', 'destination.json'];
    const preview = await finished(start('connector', ['preview', ...files], { cwd: folder }));
    expect([preview.code, preview.stderr]).toEqual([0, '']);
    expect(preview.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /^The first run of "events" begins at [\dT:.-]+Z \("start_from" is "23h"\): 2 rows\. Result for a sample of 2 rows All 2 rows would be accepted\. The first 2 rows of events /,
    );
    const sync = await finished(start('connector', ['sync', ...files, '--state', 'state.json'], { cwd: folder }));
    expect([sync.code, sync.stdout]).toEqual([0, expect.stringMatching(/^Done in .*: 2 rows read, 2 accepted/)]);
    expect(sync.stderr).toContain('events: the rows from "start_from" (23h) on: there is no state yet.\n');
  });

  test('sets up profile attributes: proposes a view without an event name, and preview and sync use its rows', async () => {
    await sandbox.clickhouse.execute(
      'CREATE DATABASE crm',
      'CREATE TABLE crm.customers (id UInt64, batch__email_address String, plan Nullable(String), interests Array(String), created_at DateTime, updated_at DateTime64(6)) ENGINE = ReplacingMergeTree(updated_at) ORDER BY id',
      "INSERT INTO crm.customers VALUES (42, 'ana@example.com', 'gold', ['wool', 'linen'], '2026-01-01', '2026-01-02'), (43, 'ben@example.com', NULL, [], '2026-01-01', '2026-01-02')",
    );
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await answerSource(dialogue, 'crm');
    // Try again, database, login, address, what is sent.
    await dialogue.answer('What now?', DOWN.repeat(4) + ENTER);
    await dialogue.answer(WHAT, DOWN + ENTER);
    await dialogue.answer('What now?', '');
    const statements = [...dialogue.all.matchAll(/\r\n\r\n(CREATE VIEW [^│]+)\r\n\r\n/g)];
    await sandbox.clickhouse.execute(statements.at(-1)?.[1]?.replaceAll('\r', '') ?? '');
    await dialogue.answer('Try again', ENTER);
    await dialogue.answer('customers_for_batch: the first row can be read', '');
    await answerDestination(dialogue);
    const { code, shown } = await dialogue.end();
    expect(code, shown).toBe(0);
    const all = stripVTControlCharacters(dialogue.all).replaceAll(/\s*\r\n│ {2}/g, ' ');
    expect(all).toContain('has the columns custom_id, event_name, last_updated_at;');
    expect(all).toContain('has the columns custom_id, last_updated_at;');
    expect(all).toContain('No attribute was sent to Batch.');
    // Only events can be too old, and only they need a start.
    expect(all).not.toMatch(/older than|first run/);
    expect(json(folder, 'source.json')).toEqual({
      ...sandbox.clickhouse.connection(READER),
      ssl: false,
      database: 'crm',
      cursor_column: 'last_updated_at',
      table: 'customers_for_batch',
    });
    expect(json(folder, 'destination.json')).toMatchObject({
      streams: { customers_for_batch: { object: 'profile_attributes' } },
    });

    const files = ['--source', 'source.json', '--destination', 'destination.json'];
    const preview = await finished(start('connector', ['preview', ...files], { cwd: folder }));
    expect([preview.code, preview.stderr]).toEqual([0, '']);
    expect(preview.stdout).toContain('All 2 rows would be accepted.');
    expect(preview.stdout).toContain('"$email_address": "ana@example.com"');
    const [, command = ''] = /connector (sync .+) --every 5m/.exec(shown) ?? [];
    const sync = await finished(start('connector', command.split(' '), { cwd: folder }));
    expect([sync.code, sync.stdout]).toEqual([0, expect.stringMatching(/^Done in .*: 2 rows read, 2 accepted/)]);
    const created = ['created_at', '2026-01-01T00:00:00Z'];
    expect(['42', '43'].map((id) => [...(sandbox.batch.store.profiles.get(id)?.attributes ?? [])])).toEqual([
      [['$email_address', 'ana@example.com'], ['plan', 'gold'], ['interests', ['wool', 'linen']], created],
      [['$email_address', 'ben@example.com'], created],
    ]);
  });

  test('offers tables of profiles before tables of events, and remembers the choice for the next time', async () => {
    const columns = 'AS SELECT custom_id, last_updated_at, item AS plan FROM shop.events';
    await sandbox.clickhouse.execute(
      'CREATE DATABASE both',
      'CREATE TABLE both.actions AS shop.events',
      `CREATE VIEW both.members ${columns}`,
      `CREATE VIEW both.users ${columns}`,
    );
    const folder = newFolder();
    const chooseTable = async (dialogue: Dialogue): Promise<void> => {
      await dialogue.answer('when a row was last changed', ENTER);
      await dialogue.answer('Table or view with the profiles', DOWN + ENTER);
      await dialogue.answer('users: the first row can be read', '');
    };
    const dialogue = new Dialogue(folder);
    await dialogue.answer(WHAT, DOWN + ENTER);
    await dialogue.answer('ClickHouse host', sandbox.clickhouse.url + ENTER);
    await dialogue.answer('User (needs', READER.name + ENTER);
    await dialogue.answer('Password', READER.password + ENTER);
    await dialogue.answer('Database', DOWN.repeat((await databases()).indexOf('both')) + ENTER);
    await chooseTable(dialogue);
    await answerDestination(dialogue);
    expect((await dialogue.end()).code).toBe(0);
    expect(json(folder, 'source.json')).toMatchObject({ table: 'users' });
    expect(json(folder, 'destination.json')).toMatchObject({ streams: { users: { object: 'profile_attributes' } } });

    const again = new Dialogue(folder);
    await again.answer('Continue?', `y${ENTER}`);
    for (const question of [WHAT, sandbox.clickhouse.url, 'User (needs', 'empty to keep it', 'Database']) {
      await again.answer(question, ENTER);
    }
    await chooseTable(again);
    await again.answer('Batch project key', CTRL_C);
    await again.end();
  });

  test('prints a view that can be copied, tries again, keeps the answers, and continues with them', async () => {
    await sandbox.clickhouse.execute(
      'CREATE DATABASE half',
      'CREATE TABLE half.raw (user_id UInt64, action String, inserted_at DateTime64(6)) ORDER BY inserted_at',
    );
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await answerSource(dialogue, 'half');
    await dialogue.answer('What now?', '');
    const [, statement = ''] = /\r\n\r\n(CREATE VIEW [^│]+)\r\n\r\n/.exec(dialogue.all) ?? [];
    await sandbox.clickhouse.execute(statement.replaceAll('\r', ''));
    await dialogue.answer('Try again', ENTER);
    await dialogue.answer('raw_for_batch: the first row can be read', '');
    await dialogue.answer('Batch project key', CTRL_C);
    await dialogue.answer('Keep your answers in source.json?', ENTER);
    const { code } = await dialogue.end();
    expect([code, readdirSync(folder)]).toEqual([1, ['source.json']]);
    expect(json(folder, 'source.json')).toMatchObject({ database: 'half', password: READER.password });
    const lines = stripVTControlCharacters(dialogue.all).split('\r\n');
    // A line with a cursor or a mask is drawn again with each key.
    expect(lines.filter((line) => line.length > 80 && !/[█▪]/.test(line))).toEqual([]);

    const again = new Dialogue(folder);
    await again.answer('Your answers will replace source.json', '');
    await again.answer('Continue?', `y${ENTER}`);
    await again.answer(WHAT, ENTER);
    await again.answer(sandbox.clickhouse.url, ENTER);
    await again.answer('User (needs', ENTER);
    await again.answer('empty to keep it', ENTER);
    await again.answer('Database', ENTER);
    await again.answer('row was inserted', CTRL_C);
    expect((await again.end()).shown).toContain('Stopped: nothing was written.');
  });

  test('saves the answers of a user who leaves, and keeps the other options of an existing file', async () => {
    const folder = newFolder();
    const others = { table: 'events', start_from: '23h', queries: [{ name: 'q', sql: 'SELECT 1' }] };
    const existing = { ...sandbox.clickhouse.connection(READER), ssl: false, database: 'shop', ...others };
    writeFileSync(join(folder, 'source.json'), JSON.stringify({ ...existing, password: 'earlier' }));
    const dialogue = new Dialogue(folder);
    await dialogue.answer('Continue?', `y${ENTER}`);
    await dialogue.answer(WHAT, ENTER);
    await dialogue.answer(sandbox.clickhouse.url, ENTER);
    await dialogue.answer('User (needs', ENTER);
    await dialogue.answer('empty to keep it', READER.password + ENTER);
    await dialogue.answer('can log in', '');
    await dialogue.answer('Database', CTRL_C);
    await dialogue.answer('Keep your answers in source.json?', ENTER);
    await dialogue.end();
    expect(json(folder, 'source.json')).toEqual(existing);
  });

  test('tries the tables that are chosen, and asks again when one cannot be read', async () => {
    await sandbox.clickhouse.execute(
      'CREATE DATABASE closed',
      'CREATE TABLE closed.events AS shop.events',
      "CREATE VIEW closed.refused AS SELECT *, throwIf(1, 'closed') AS guard FROM shop.events",
    );
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await answerSource(dialogue, 'closed');
    await dialogue.answer('views to sync', DOWN + SPACE + ENTER);
    await dialogue.answer('What now?', ENTER);
    await dialogue.answer('views to sync', SPACE + UP + SPACE + ENTER);
    await dialogue.answer('events: the first row can be read', '');
    await dialogue.answer('Batch project key', CTRL_C);
    await dialogue.answer('Keep your answers', `n${ENTER}`);
    const { code } = await dialogue.end();
    expect([code, readdirSync(folder)]).toEqual([1, []]);
  });

  test('SIGTERM at a question ends init at once, without files, and restores the terminal', async () => {
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await dialogue.signal(WHAT, 'SIGTERM');
    const { code, shown } = await dialogue.end();
    expect([code, readdirSync(folder)]).toEqual([143, []]);
    expect(shown).toContain('nothing was written');
    expect(shown).toMatch(/ icanon .* echo /);
  });

  test('ends by Ctrl-C while it tests a server that does not answer', async () => {
    const server = { host: '127.0.0.1', port: await freePort() };
    const connections: Socket[] = [];
    const silent = createServer((socket) => connections.push(socket)).listen(server.port, server.host);
    const folder = newFolder();
    const dialogue = new Dialogue(folder);
    await dialogue.answer(WHAT, ENTER);
    await dialogue.answer('ClickHouse host', `http://${server.host}:${server.port}${ENTER}`);
    await once(silent, 'connection');
    await dialogue.answer('Testing host and port', CTRL_C);
    const { code, shown } = await dialogue.end();
    for (const each of connections) each.destroy();
    silent.close();
    expect([code, readdirSync(folder)], shown).toEqual([130, []]);
    expect(shown).toContain('nothing was written');
  });
});

test('init without a terminal fails with what to do instead', async () => {
  const { code, stdout, stderr } = await finished(start('connector', ['init'], { cwd: newFolder() }));
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^init needs a terminal to ask its questions\..*command_invalid\.md\n$/);
});

describe('check in a terminal', () => {
  const VERSION = String.raw`\d+\.\d+\.\d+\.\d+`;

  test.each<[string, object, object, number, RegExp]>([
    [
      'both work',
      {},
      {},
      0,
      new RegExp(
        `^✓ ClickHouse works \\(${VERSION}, user batch_reader, 2 streams: clicks, events\\)\n(! The sorting .*\n( .*\n)*)*✓ Batch works \\(127\\.0\\.0\\.1:\\d+, project key project_\\w+\\)\n$`,
      ),
    ],
    [
      'a table lacks columns, and a key is wrong',
      { table: 'unfit' },
      { rest_api_key: 'wrong' },
      2,
      /^✗ ClickHouse: "unfit" lacks .*\n {2}\S.* Start from:\n\n {2}CREATE VIEW `shop`\.`unfit_for_batch` AS\n {2}SELECT\n.*\n\n {2}More: \S*clickhouse-to-batch explain columns_missing\n✗ Batch refused the REST API key/s,
    ],
    [
      'the files are swapped',
      { host: undefined, project_key: 'p' },
      {},
      2,
      /^✗ ClickHouse: s\.json is the configuration of a\n? .*✓ Batch works/s,
    ],
  ])('%s', async (_, changes, destinationChanges, code, stdout) => {
    await sandbox.clickhouse.execute('CREATE TABLE IF NOT EXISTS shop.unfit (user_id UInt64) ORDER BY user_id');
    const folder = newFolder();
    const files = writtenConfigurations(folder, { ...changes }, { ...destinationChanges });
    const result = await typeIn(folder, 'check', ...files);
    expect([result.code, result.stderr]).toEqual([code, '']);
    expect(result.stdout).toMatch(stdout);
    expect(result.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  /** The warnings of `check` for the profiles in shop.customers, each on one line. */
  async function warningsFor(changes: object, destinationChanges?: object): Promise<string[]> {
    const folder = newFolder();
    const files = writtenConfigurations(folder, { table: 'customers', ...changes }, { ...destinationChanges });
    const tested = destinationChanges === undefined ? files.slice(0, 2) : files;
    const result = await typeIn(folder, 'check', ...tested);
    expect([result.code, result.stderr]).toEqual([0, '']);
    const warnings = result.stdout.split(/^(?=[✓!])/m).filter((item) => item.startsWith('!'));
    return warnings
      .map((item) => item.slice(2).trim().replaceAll(/\s+/g, ' '))
      .filter((warning) => !warning.startsWith('Every user') && !warning.startsWith('The sorting key'));
  }

  test('warns of what events lack, unless the rows become attributes of profiles', async () => {
    await sandbox.clickhouse.execute(
      'CREATE TABLE shop.customers (id String, Email String, sizes Array(Tuple(size String)), last_updated_at DateTime) ENGINE = ReplacingMergeTree(last_updated_at) ORDER BY id',
      "INSERT INTO shop.customers VALUES ('u1', 'a@b.fr', [], '2026-01-01 00:00:00'), (' u2', 'c@d.fr', [], '2026-01-01 00:00:00')",
      "INSERT INTO shop.customers VALUES ('u1', 'e@f.fr', [], '2026-01-02 00:00:00')",
    );
    const mapping = { custom_id_column: 'id' };
    const old =
      /^The first run of "customers" sends all rows, including 3 rows whose .* uses the time at which it receives their events/;
    const merged = /^"customers" is a ReplacingMergeTree, .* 1 row has the same key as another row/;
    const spaced = /^The id of 1 row of "customers" begins or ends with a space/;

    expect(await warningsFor({})).toEqual([
      expect.stringMatching(old),
      expect.stringMatching(merged),
      expect.stringMatching(
        /has no columns custom_id and event_name, which the destination reads by default \(event_name only for events\)\. Set "custom_id_column" and "event_name_column" in the mapping/,
      ),
    ]);
    expect(await warningsFor({}, { mapping })).toEqual([
      expect.stringMatching(old),
      expect.stringMatching(spaced),
      expect.stringMatching(merged),
      expect.stringMatching(
        /^"customers" has no column event_name, which the destination reads\. .* If the rows are attributes of profiles, set "object" of this stream to "profile_attributes" in "streams" of the destination\.$/,
      ),
    ]);
    expect(await warningsFor({}, { mapping: { ...mapping, constant_event_name: 'signup' } })).toEqual([
      expect.stringMatching(old),
      expect.stringMatching(spaced),
      expect.stringMatching(merged),
    ]);
    const profiles = { mapping, streams: { customers: { object: 'profile_attributes' } } };
    expect(await warningsFor({}, profiles)).toEqual([
      expect.stringMatching(spaced),
      expect.stringMatching(/^Each run reads all rows .* give the column of last_updated_at a minmax index/),
      expect.stringMatching(
        /^Batch accepts only arrays of strings as attributes of profiles, but this column .*"sizes"/,
      ),
      expect.stringMatching(
        /^The column "Email" of "customers" is sent as an ordinary .* name the column batch__email_address/,
      ),
    ]);
    expect(await warningsFor({}, { ...profiles, event_id_attribute: 'row_id' })).toContainEqual(
      expect.stringMatching(/^event_id_attribute adds an id to events, but the rows of the stream "customers"/),
    );
    await sandbox.clickhouse.execute(
      'ALTER TABLE shop.customers ADD INDEX by_change last_updated_at TYPE minmax',
      'ALTER TABLE shop.customers MATERIALIZE INDEX by_change SETTINGS mutations_sync = 2',
    );
    expect(await warningsFor({}, profiles)).not.toContainEqual(expect.stringMatching(/^Each run reads all rows/));
    expect(await warningsFor({}, { mapping, streams: { custmers: { object: 'profile_attributes' } } })).toContainEqual(
      expect.stringMatching(/^The configuration has settings for the stream "custmers" .* Did you mean "customers"\?/),
    );
  });

  test('refuses a file of one connector together with files of both', async () => {
    const result = await typeIn(newFolder(), 'check', '--config', 's.json', '--source', 's.json');
    const stderr = expect.stringMatching(/^Pass --source, --destination or both, or only --config\. Run /);
    expect([result.code, result.stdout, result.stderr]).toEqual([2, '', stderr]);
  });

  test.runIf(hasTerminals)('a terminal gets plain text, a pipe and a platform get a message', async () => {
    const folder = newFolder();
    writtenConfigurations(folder, { table: 'absent' });
    const printed = async (before: string): Promise<[unknown, string]> => {
      const command = `${before} '${launcherPath('connector')}' check --config s.json`;
      const options = { cwd: folder, env: { ...process.env, TERM: 'xterm' } };
      const { code, stdout } = await finished(spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], options));
      return [code, stripVTControlCharacters(stdout)];
    };
    expect(await printed('')).toEqual([2, expect.stringMatching(/^✗ ClickHouse: /)]);
    const message = /^\{"type":"CONNECTION_STATUS","connectionStatus":\{"status":"FAILED"/;
    expect(await printed('CONNECTOR_ROLE=source')).toEqual([0, expect.stringMatching(message)]);
    const piped = await finished(start('connector', ['check', '--config', 's.json'], { cwd: folder }));
    expect([piped.code, piped.stdout]).toEqual([0, expect.stringMatching(message)]);
  });
});

describe('preview', () => {
  test.each([
    [
      'a stream that does not exist',
      ['--stream', 'nothing'],
      2,
      /no stream "nothing".*clicks, events.*stream_unknown\.md/,
    ],
    ['none of several', [], 2, /^The source has 2 streams: clicks, events\. Choose one with --stream\. See/],
    ['no rows', ['--stream', 'clicks'], 0, /^$/],
    ['half a row', ['--rows', '0.5'], 2, /--rows must be one whole number of rows/],
  ])('of %s', async (_, args, code, stderr) => {
    const folder = newFolder();
    const files = writtenConfigurations(folder);
    const result = await typeIn(folder, 'preview', ...files, ...args);
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(stderr)]);
  });

  test('warns once of an option that looks misspelt if the correct one is set, too', async () => {
    const folder = newFolder();
    const files = writtenConfigurations(folder, { pasword: 'hunter2' });
    const { stderr } = await typeIn(folder, 'preview', ...files, '--stream', 'events');
    expect(stderr).toMatch(
      /^WARN {2}.*s\.json has no option "pasword" \(did you mean "password"\?\)\. It is ignored\.\n$/,
    );
  });

  test('of a wrong destination fails before the source is queried', async () => {
    const folder = newFolder();
    const files = writtenConfigurations(folder, { host: '127.0.0.1', port: 1 }, { endpoint: 'any' });
    const { code, stderr } = await typeIn(folder, 'preview', ...files);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/d\.json is not usable: endpoint must be "auto" or/)]);
  });

  test('of a source that refuses the password shows no part of it', async () => {
    const folder = newFolder();
    const files = writtenConfigurations(folder, { password: 'wrong-password-of-mine' });
    const { code, stdout, stderr } = await typeIn(folder, 'preview', ...files);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('clickhouse_login_refused.md');
    expect(stderr).not.toContain('wrong-password-of-mine');
  });
});

function writtenConfigurations(
  folder: string,
  changes: Record<string, unknown> = {},
  destinationChanges: Record<string, unknown> = {},
): string[] {
  const source = { ...sandbox.clickhouse.connection(READER), database: 'shop', ...changes };
  const destination = {
    api_url: sandbox.batch.url,
    project_key: sandbox.projectKey,
    rest_api_key: sandbox.restApiKey,
    ...destinationChanges,
  };
  writeFileSync(join(folder, 's.json'), JSON.stringify(source), { mode: 0o600 });
  writeFileSync(join(folder, 'd.json'), JSON.stringify(destination), { mode: 0o600 });
  return ['--source', 's.json', '--destination', 'd.json'];
}
