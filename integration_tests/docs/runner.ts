import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'lossless-json';
import { z } from 'zod';
import { BatchApi } from '../../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { type SandboxUser, TYPED_READER } from '../../sandbox/clickhouse/users.ts';
import { launcherPath, sync } from '../../sandbox/launcher.ts';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { catalogOf } from '../support/support.ts';

/** Folders of a checkout that the blocks use. */
const OF_THE_CHECKOUT = ['deploy', 'spec'];

/** The folder of the commands, which the reader has installed. */
const COMMANDS = dirname(launcherPath('clickhouse-to-batch'));

/** The user that the pages create, with its grants: the sandbox's ClickHouse does not accept CREATE USER. */
const BATCH_SYNC: SandboxUser = {
  name: 'batch_sync',
  password: 'chosen by the reader',
  settings: { readonly: 1 },
  grants: ['GRANT SELECT ON shop.events', 'GRANT SELECT ON shop.orders', 'GRANT SELECT ON shop.customers'],
};

/** What the reader of a page has already: files with their content, and statements that were run. */
export type Given = { files?: Record<string, string>; statements?: readonly string[] };

const PROJECT_KEY = 'project_of_the_reader';
const REST_API_KEY = 'key-of-the-reader';

/** What the reader of docs/sync.md has typed. */
const SECRETS = { CLICKHOUSE_PASSWORD: BATCH_SYNC.password, BATCH_REST_API_KEY: REST_API_KEY };

/** The exit code of a command that Ctrl-C stopped. */
const STOPPED = 130;

/** A line of a dry run's file. */
const requestSchema = z.object({
  body: z.array(z.object({ identifiers: z.object({ custom_id: z.string() }), events: z.array(z.unknown()) })),
});

/** Where the blocks of the pages are run: one sandbox, and for each page a folder that looks like the checkout. */
export class DocsRunner {
  readonly #clickhouse: ClickHouseServer;
  readonly #batch: BatchApi;
  readonly #folders: string[] = [];
  readonly #shells = new Set<ChildProcess>();

  private constructor(clickhouse: ClickHouseServer, batch: BatchApi) {
    this.#clickhouse = clickhouse;
    this.#batch = batch;
  }

  static async start(): Promise<DocsRunner> {
    const batch = await BatchApi.start({ projectKey: PROJECT_KEY, restApiKey: REST_API_KEY });
    return new DocsRunner(await ClickHouseServer.start(undefined, [BATCH_SYNC, TYPED_READER]), batch);
  }

  async stop(): Promise<void> {
    // The processes of a test that timed out.
    for (const shell of this.#shells) signalGroup(shell, 'SIGKILL');
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
    await this.#batch.close();
    await this.#clickhouse.stop();
  }

  /** A folder for a page, with files and tables that its reader has already; nothing of earlier pages remains. */
  async folder({ files = {}, statements = [] }: Given = {}): Promise<string> {
    await this.#clickhouse.execute('DROP DATABASE IF EXISTS shop SYNC');
    this.#batch.reset();
    const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-docs-'));
    this.#folders.push(folder);
    for (const name of OF_THE_CHECKOUT) symlinkSync(join(ROOT, name), join(folder, name));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), this.filledIn(content));
    }
    for (const statement of statements) await this.execute(statement);
    return folder;
  }

  /** A block with the addresses and secrets of this sandbox, where the page has those that its reader is to replace. */
  filledIn(text: string): string {
    const ours: [onThePage: string, here: string][] = [
      ['"host": "127.0.0.1", "port": 8123', `"host": "127.0.0.1", "port": ${this.#clickhouse.port}`],
      ['"host": "localhost"', `"host": "127.0.0.1", "port": ${this.#clickhouse.port}`],
      [
        '"host": "abc123.eu-west-1.aws.clickhouse.cloud", "port": 8443, "ssl": true',
        `"host": "127.0.0.1", "port": ${this.#clickhouse.port}`,
      ],
      [
        '"project_key": "project_…", "rest_api_key": "${BATCH',
        `"api_url": "${this.#batch.url}", "project_key": "${PROJECT_KEY}", "rest_api_key": "\${BATCH`,
      ],
      ['"password": "…"', `"password": "${BATCH_SYNC.password}"`],
      ['"project_key": "project_…"', `"api_url": "${this.#batch.url}", "project_key": "${PROJECT_KEY}"`],
      ['"rest_api_key": "…"', `"rest_api_key": "${REST_API_KEY}"`],
      ['http://127.0.0.1:8123', this.#clickhouse.url],
      ['http://127.0.0.1:8124', this.#batch.url],
      ['"project_sandbox"', `"${PROJECT_KEY}"`],
      ['"sandbox-rest-key"', `"${REST_API_KEY}"`],
      ['--metrics-port 9464', '--metrics-port 0'],
    ];
    return ours.reduce((filled, [onThePage, here]) => filled.replaceAll(onThePage, here), text);
  }

  /** Runs the statements of a block, as the administrator. */
  async execute(sql: string): Promise<void> {
    await this.#clickhouse.execute(...statementsIn(sql));
  }

  /** Only parses the statements of a block that can't be run. */
  async understand(sql: string): Promise<void> {
    await this.#clickhouse.execute(...statementsIn(sql).map((statement) => `EXPLAIN AST ${statement}`));
  }

  /**
   * Runs a block in a shell. Returns what it prints on stdout.
   *
   * @param until it runs until it has printed this, and is then stopped as by Ctrl-C.
   * @param code otherwise, the exit code that is expected.
   * @throws Error when it fails, or prints a secret.
   */
  async shell(block: string, folder: string, until?: string, code = 0): Promise<string> {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', this.filledIn(block)], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${COMMANDS}:${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: folder,
        TZ: 'UTC',
        ...SECRETS,
      },
      detached: true,
    });
    this.#shells.add(child);
    let printed = '';
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      stdout += piece;
    });
    let isStopped = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        printed += piece;
        if (until !== undefined && !isStopped && printed.includes(until)) {
          isStopped = true;
          signalGroup(child, 'SIGINT');
        }
      });
    }
    await once(child, 'close');
    this.#shells.delete(child);
    if ([REST_API_KEY, BATCH_SYNC.password].some((secret) => printed.includes(secret)))
      throw new Error(`It prints a secret:\n${block}`);
    const { exitCode, signalCode } = child;
    const isEnded = isStopped ? exitCode === STOPPED || signalCode === 'SIGINT' : exitCode === code;
    // A failed check ends with 0, because it has done its work.
    if (!isEnded || printed.includes('"status":"FAILED"')) {
      throw new Error(`It went wrong, and ended with ${exitCode ?? signalCode}:\n${block}\n\n${printed}`);
    }
    return stdout;
  }

  /** What Batch would get from all streams of the database `shop`, in any order: one event per line, with all its digits. */
  async events(folder: string): Promise<string[]> {
    const requests = join(folder, 'requests.ndjson');
    const file = (name: string, content: unknown): string => {
      const path = join(folder, name);
      writeFileSync(path, JSON.stringify(content));
      return path;
    };
    const source = file('reader.json', { ...this.#clickhouse.connection(TYPED_READER), database: 'shop' });
    const destination = file('dry-run.json', {
      api_url: this.#batch.url,
      project_key: PROJECT_KEY,
      rest_api_key: REST_API_KEY,
      dry_run: true,
      dry_run_file: requests,
    });
    const streams = await this.#clickhouse.query<{ table: string }>(
      `SELECT table FROM system.columns WHERE database = 'shop' AND name IN ('custom_id', 'event_name', 'last_updated_at')
       GROUP BY table HAVING count() = 3`,
    );
    const catalog = file('all.json', catalogOf('incremental', ...streams.map(({ table }) => table)));
    const { code, stdout } = await sync({ source, destination, catalog });
    if (code !== 0) throw new Error(`The dry run ended with ${code}:\n${stdout}`);
    return readFileSync(requests, 'utf8')
      .trimEnd()
      .split('\n')
      .flatMap((line) => requestSchema.parse(parse(line)).body)
      .flatMap(({ identifiers: { custom_id }, events }) =>
        events.map((event) => stringify({ custom_id, event }) ?? ''),
      );
  }
}

/** ClickHouse's HTTP interface accepts one statement at a time. */
function statementsIn(sql: string): string[] {
  return sql.split(/;$/m).filter((statement) => statement.trim() !== '');
}

/** JSON on one line without spaces, with all its digits. */
export function compact(json: string): string {
  return stringify(parse(json)) ?? '';
}

/** Sends SIGINT to a shell and its processes, as Ctrl-C in a terminal does. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, signal);
}
