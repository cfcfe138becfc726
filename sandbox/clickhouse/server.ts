import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { freePort } from '../free-port.ts';
import { ADMIN, type SandboxUser, usersXml } from './users.ts';

const ENGINE = fileURLToPath(new URL('./engine.js', import.meta.url));
const HOST = '127.0.0.1';

/** How long the engine may take to answer after its start, in milliseconds. It takes 1 to 3 seconds. */
const START_TIMEOUT_MS = 60_000;

/**
 * A real ClickHouse server on this machine, out of the npm package chdb, with users and passwords. Its data lives in a
 * folder of its own, which is removed when it is stopped.
 */
export class ClickHouseServer {
  readonly host = HOST;
  readonly port: number;
  readonly #folder: string;
  readonly #tcpPort: number;
  #engine: ChildProcess | undefined;
  #admin: ClickHouseClient | undefined;

  private constructor(folder: string, port: number, tcpPort: number) {
    this.#folder = folder;
    this.port = port;
    this.#tcpPort = tcpPort;
  }

  /** Starts a server with an empty disk and the users of the sandbox, and `more` of them. Resolves when it answers. */
  static async start(port?: number, more: readonly SandboxUser[] = []): Promise<ClickHouseServer> {
    const folder = await mkdtemp(join(tmpdir(), 'clickhouse-sandbox-'));
    await writeFile(join(folder, 'users.xml'), usersXml(more));
    await writeFile(
      join(folder, 'config.xml'),
      `<clickhouse><users_config>${join(folder, 'users.xml')}</users_config></clickhouse>`,
    );
    const server = new ClickHouseServer(folder, port ?? (await freePort()), await freePort());
    await server.restart();
    return server;
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  /** What a source's configuration needs to reach this server as a user. */
  connection(user: SandboxUser): { host: string; port: number; username: string; password: string } {
    return { host: this.host, port: this.port, username: user.name, password: user.password };
  }

  /** Runs statements of the administrator, one after the other. */
  async execute(...statements: string[]): Promise<void> {
    for (const query of statements) await this.#client().command({ query });
  }

  /** The rows of a query of the administrator. */
  async query<Row>(query: string): Promise<Row[]> {
    const result = await this.#client().query({ query, format: 'JSONEachRow' });
    return result.json<Row>();
  }

  /** Ends the process at once, as a crash would. The data stays. */
  async kill(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await this.#admin?.close();
    this.#admin = undefined;
    if (engine === undefined || engine.exitCode !== null || engine.signalCode !== null) return;
    engine.kill('SIGKILL');
    await once(engine, 'exit');
  }

  /** Starts the process again on the same data and port. */
  async restart(): Promise<void> {
    const engine = fork(
      ENGINE,
      [
        '--path',
        join(this.#folder, 'data'),
        '--config',
        join(this.#folder, 'config.xml'),
        '--http-port',
        String(this.port),
        '--tcp-port',
        String(this.#tcpPort),
      ],
      {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        // A Ctrl-C of the terminal is for whoever started it, who may still need it to come to an end.
        detached: true,
      },
    );
    this.#engine = engine;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (engine.exitCode !== null || engine.signalCode !== null)
        throw new Error('The ClickHouse engine ended while it started; see its messages above.');
      if (Date.now() > deadline)
        throw new Error(`ClickHouse did not answer on port ${this.port} in ${START_TIMEOUT_MS / 1000} s.`);
      await sleep(50);
    }
  }

  /** Ends the server and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/ping`)).ok;
    } catch {
      return false;
    }
  }

  #client(): ClickHouseClient {
    this.#admin ??= createClient({
      url: this.url,
      username: ADMIN.name,
      password: ADMIN.password,
      request_timeout: 120_000,
      log: { level: ClickHouseLogLevel.OFF },
    });
    return this.#admin;
  }
}
