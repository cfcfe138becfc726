import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import type { SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { asConnectorError } from '../../src/protocol/errors.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { fetchPages } from '../../src/source-clickhouse/pages/fetch-pages.ts';
import { START } from '../../src/source-clickhouse/state/position.ts';
import { EMITTED_AT, selectionOf } from '../support/row-lines.ts';

/** Settings by their names. */
export type Settings = Readonly<Record<string, string>>;

/** How long a probe may take, in milliseconds: it takes a tenth of a second. */
const PROBE_TIMEOUT_MS = 20_000;

/** A failure is not retried. */
const TIMING = {
  pageBytes: 1024 * 1024,
  readAheadBytes: 128 * 1024,
  queueBytes: 16 * 1024 * 1024,
  resumeBelowBytes: 1024,
  maxPauseMs: 10_000,
  retryTimeMs: 0,
  firstRetryMs: 1,
};

/**
 * Reads tables as a user with settings in its profile. The profile is a proxy that puts them before the settings that the
 * source sends, which override them: creating a user for each setting would take minutes.
 */
export class ProfileProxy {
  readonly #http: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: ClickHouseServer;
  readonly #user: SandboxUser;
  #settings: Settings = {};

  private constructor(server: ClickHouseServer, user: SandboxUser) {
    this.#server = server;
    this.#user = user;
    this.#http = createServer((incoming, response) => {
      const url = new URL(incoming.url ?? '/', server.url);
      const sent = [...url.searchParams];
      const names = new Set(sent.map(([name]) => name));
      const profile = Object.entries(this.#settings).filter(([name]) => !names.has(name));
      url.search = String(new URLSearchParams([...profile, ...sent]));
      const { method, headers } = incoming;
      const asked = request(url, { method, headers, agent: this.#agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.on('error', () => response.destroy());
        answer.pipe(response);
      });
      asked.on('error', () => response.destroy());
      response.on('close', () => asked.destroy());
      incoming.pipe(asked);
    });
  }

  static async start(server: ClickHouseServer, user: SandboxUser): Promise<ProfileProxy> {
    const proxy = new ProfileProxy(server, user);
    proxy.#http.listen(0, '127.0.0.1');
    await once(proxy.#http, 'listening');
    return proxy;
  }

  /** The lines of a table's rows with these settings in the profile; one read at a time. */
  async read(settings: Settings, database: string, table: string): Promise<Buffer> {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.#settings = settings;
    const configuration = sourceConfigurationSchema.parse({
      ...this.#server.connection(this.#user),
      port: address.port,
      database,
    });
    const stop = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const clickhouse = new ClickHouse(configuration, { retryTimeMs: 0, stop, shutdownGraceMs: 0 });
    try {
      const selection = await selectionOf(clickhouse, database, table);
      const maxRows = Number.POSITIVE_INFINITY;
      const source = { clickhouse, selection, maxRows, emittedAt: EMITTED_AT, warn: () => {} };
      const pages: Buffer[] = [];
      for await (const { lines } of fetchPages(source, START, stop, TIMING)) pages.push(Buffer.from(lines));
      if (stop.aborted) throw new Error('It took too long.');
      return Buffer.concat(pages);
    } finally {
      await clickhouse.close();
    }
  }

  close(): void {
    this.#agent.destroy();
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

/** The result of a read: the same rows, different rows, or the code of an error. */
export type Outcome = 'same' | 'other rows' | { code: string; message: string };

/** The result of a read with these settings. */
async function outcomeOf(
  read: (settings: Settings) => Promise<Buffer>,
  settings: Settings,
  usual: Buffer,
): Promise<Outcome> {
  try {
    return isDeepStrictEqual(await read(settings), usual) ? 'same' : 'other rows';
  } catch (error) {
    const { code, message } = asConnectorError(error);
    return { code, message };
  }
}

/**
 * Finds the settings of a list with which a read does not return the same rows, each with its result. Many are put into
 * the profile at once, and divided if the rows differ.
 */
export async function findUnlike(
  read: (settings: Settings) => Promise<Buffer>,
  candidates: readonly (readonly [name: string, value: string])[],
  usual: Buffer,
): Promise<[name: string, value: string, Exclude<Outcome, 'same'>][]> {
  if (candidates.length === 0) return [];
  const outcome = await outcomeOf(read, Object.fromEntries(candidates), usual);
  if (outcome === 'same') return [];
  const [first] = candidates;
  if (first !== undefined && candidates.length === 1) return [[first[0], first[1], outcome]];
  const half = Math.ceil(candidates.length / 2);
  return [
    ...(await findUnlike(read, candidates.slice(0, half), usual)),
    ...(await findUnlike(read, candidates.slice(half), usual)),
  ];
}
