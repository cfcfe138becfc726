import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { freePort } from '../free-port.ts';
import { chosenEngine, type Engine } from './engines/engines.ts';
import { LOG_FILE, prepareEngine, type Start } from './engines/process.ts';
import { ADMIN, type SandboxUser, usersXml } from './users.ts';

const HOST = '127.0.0.1';

/** How long the engine may take to answer after its start, in milliseconds. It takes 1 to 3 seconds. */
const START_TIMEOUT_MS = 60_000;

/** How many characters of an engine's log are shown when it does not start. */
const MOST_LOG = 1_000;

/**
 * How long one block of a query may sleep, in microseconds: no limit, as in engine.js. For the servers in wheels.
 */
const SERVER_SETTINGS = { function_sleep_max_microseconds_per_block: 0 };

/**
 * A real ClickHouse server on this machine, with users and passwords. It comes from the npm package chdb unless another
 * engine is chosen. Its data is in a folder that is removed when it stops.
 */
export class ClickHouseServer {
  readonly host = HOST;
  readonly port: number;
  readonly #folder: string;
  readonly #start: Start;
  /** Only this server has this user. */
  readonly #signature: SandboxUser;
  readonly #crash = new AbortController();
  #engine: ChildProcess | undefined;
  #admin: ClickHouseClient | undefined;

  private constructor(folder: string, port: number, start: Start, signature: SandboxUser) {
    this.#folder = folder;
    this.port = port;
    this.#start = start;
    this.#signature = signature;
  }

  /** Starts a server without data, with the users of the sandbox and those in `more`. Resolves when it answers. */
  static async start(
    port?: number,
    more: readonly SandboxUser[] = [],
    engine: Engine = chosenEngine(),
  ): Promise<ClickHouseServer> {
    const folder = await mkdtemp(join(tmpdir(), 'clickhouse-sandbox-'));
    const place = { folder, usersXml: join(folder, 'users.xml'), port: port ?? (await freePort()) };
    const signature: SandboxUser = { name: 'signature', password: randomUUID(), settings: {}, grants: [] };
    await writeFile(place.usersXml, usersXml([...more, signature], engine.kind === 'server' ? SERVER_SETTINGS : {}));
    let server: ClickHouseServer | undefined;
    try {
      server = new ClickHouseServer(
        folder,
        place.port,
        await prepareEngine(engine, { ...place, tcpPort: await freePort() }),
        signature,
      );
      await server.restart();
      return server;
    } catch (error) {
      await server?.kill();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Aborted when the process ends without being stopped. */
  get crashed(): AbortSignal {
    return this.#crash.signal;
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  /** The options of a source's configuration to connect to this server as a user. */
  connection(user: SandboxUser): { host: string; port: number; username: string; password: string } {
    return { host: this.host, port: this.port, username: user.name, password: user.password };
  }

  /** Runs statements as the administrator, one after the other. */
  async execute(...statements: string[]): Promise<void> {
    for (const query of statements) await this.#client().command({ query });
  }

  /** Returns the rows of a query that runs as the administrator. */
  async query<Row>(query: string): Promise<Row[]> {
    const result = await this.#client().query({ query, format: 'JSONEachRow' });
    return result.json<Row>();
  }

  /** Kills the process, as a crash would. The data stays. */
  async kill(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await this.#admin?.close();
    this.#admin = undefined;
    if (engine === undefined || engine.exitCode !== null || engine.signalCode !== null) return;
    if (engine.pid === undefined) return;
    const exit = once(engine, 'exit');
    // The process group: some engines start child processes.
    process.kill(-engine.pid, 'SIGKILL');
    await exit;
  }

  /** Starts the process again on the same data and port. */
  async restart(): Promise<void> {
    const engine = this.#start();
    this.#engine = engine;
    engine.once('exit', () => {
      if (this.#engine === engine) this.#crash.abort();
    });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (engine.exitCode !== null || engine.signalCode !== null)
        throw new Error(`The ClickHouse engine ended while it started; see its messages above.${await this.#log()}`);
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

  /** Reads the end of an engine's log file, from its last error if there is one. */
  async #log(): Promise<string> {
    const text = await readFile(join(this.#folder, LOG_FILE), 'utf8').catch(() => '');
    const lastError = text.lastIndexOf('<Error>');
    const shown = lastError === -1 ? text.slice(-MOST_LOG) : text.slice(lastError, lastError + MOST_LOG);
    return shown === '' ? '' : `\n${shown}`;
  }

  /** Whether this server answers: another ClickHouse on the same port refuses the user, and another server doesn't run the query. */
  async #answers(): Promise<boolean> {
    const { name, password } = this.#signature;
    const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
    try {
      const query = new URLSearchParams({ query: `SELECT '${password}'` });
      const answer = await fetch(`${this.url}/?${query}`, { headers: { authorization } });
      return (await answer.text()) === `${password}\n`;
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
