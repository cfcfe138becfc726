import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseServer } from '../sandbox/clickhouse/server.ts';
import { READER } from '../sandbox/clickhouse/users.ts';
import { launcherPath } from '../sandbox/launcher.ts';
import { ClickHouse, type QueryParameters } from '../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../src/source-clickhouse/config/schema.ts';
import { buildRowQuery } from '../src/source-clickhouse/query/row-query.ts';
import { resolveStream } from '../src/source-clickhouse/query/selection.ts';
import { START } from '../src/source-clickhouse/state/position.ts';
import { DATABASE, makeEventsTable } from './events-table.ts';
import { atMost, type Figure } from './figures.ts';
import { inTurn, type Measured, measure, watch } from './measure.ts';
import type { WriteFile } from './temporary-folder.ts';

const MILLION = 1_000_000;
const STALL_SECONDS = 60;

/** The source against `curl` and against itself, on one server. */
export async function sourceFigures(server: ClickHouseServer, file: WriteFile): Promise<Figure[]> {
  await makeEventsTable(server, 'sorted', 'by_cursor', 2 * MILLION);
  await makeEventsTable(server, 'sorted_4x', 'by_cursor', 8 * MILLION);
  await makeEventsTable(server, 'unsorted', 'by_profile', 2 * MILLION);
  await makeEventsTable(server, 'unsorted_4x', 'by_profile', 8 * MILLION);
  await makeEventsTable(server, 'one_stamp', 'one_stamp', 3 * MILLION);
  return new SourceBench(server, file).figures();
}

class SourceBench {
  readonly #server: ClickHouseServer;
  readonly #file: WriteFile;

  constructor(server: ClickHouseServer, file: WriteFile) {
    this.#server = server;
    this.#file = file;
  }

  async figures(): Promise<Figure[]> {
    const config = await this.#file('source.json', { ...this.#server.connection(READER), database: DATABASE });
    const commands = await inTurn({
      spec: () => measure(launcherPath('source-clickhouse'), ['spec']),
      node: () => measure(process.execPath, ['--eval', '0']),
      check: async () => measure(launcherPath('source-clickhouse'), ['check', '--config', config]),
    });
    const two = await inTurn({
      read: () => this.#read('sorted'),
      curl: () => this.#curl('sorted'),
      ownQuery: () => this.#curlOwnQuery('sorted'),
    });
    const growth = await inTurn({
      sorted: () => this.#read('sorted'),
      sorted4x: () => this.#read('sorted_4x'),
      unsorted: () => this.#read('unsorted'),
      unsorted4x: () => this.#read('unsorted_4x'),
    });
    const ties = await this.#read('one_stamp');
    const stalled = await this.#readWithStall('sorted');
    return [
      atMost('read of 2,000,000 rows ÷ curl of the same SELECT', two.read.seconds / two.ownQuery.seconds, 1.5),
      atMost('read ÷ curl of the bare rows in the same order', two.read.seconds / two.curl.seconds, 1.5),
      atMost('peak memory of that read', two.read.peakMegabytes, 200, ' MB'),
      atMost('peak memory of a read of 8,000,000 rows', growth.sorted4x.peakMegabytes, 200, ' MB'),
      atMost('peak memory of a read of 3,000,000 rows with one stamp', ties.peakMegabytes, 200, ' MB'),
      atMost(`peak memory before a reader that sleeps ${STALL_SECONDS} s`, stalled.peakMegabytes, 200, ' MB'),
      atMost('4 × the rows ÷ the rows, sorted by the cursor', growth.sorted4x.seconds / growth.sorted.seconds, 4.4),
      atMost(
        '4 × the rows ÷ the rows, sorted by something else',
        growth.unsorted4x.seconds / growth.unsorted.seconds,
        4.4,
      ),
      atMost('spec ÷ node -e 0', commands.spec.seconds / commands.node.seconds, 3),
      atMost('check', commands.check.seconds, 1, ' s'),
    ];
  }

  async #readArguments(name: string): Promise<string[]> {
    const config = await this.#file(`${name}.json`, {
      ...this.#server.connection(READER),
      database: DATABASE,
      table: name,
    });
    const catalog = await this.#file(`${name}-catalog.json`, {
      streams: [{ stream: { name }, sync_mode: 'incremental' }],
    });
    return ['read', '--config', config, '--catalog', catalog];
  }

  /** A first read of a whole table to /dev/null. */
  async #read(name: string): Promise<Measured> {
    return measure(launcherPath('source-clickhouse'), await this.#readArguments(name));
  }

  /** The same read with a reader that reads nothing for a while, and then everything. */
  async #readWithStall(name: string): Promise<Pick<Measured, 'peakMegabytes'>> {
    const child = spawn(launcherPath('source-clickhouse'), await this.#readArguments(name), {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = watch(child);
    await sleep(STALL_SECONDS * 1000);
    child.stdout.resume();
    return ended;
  }

  /** The same rows in the same order by curl to /dev/null, without messages around them: only the transfer. */
  #curl(name: string): Promise<Measured> {
    return this.#curlQuery(name, `SELECT * FROM ${DATABASE}.${name} ORDER BY last_updated_at FORMAT JSONEachRow`);
  }

  /** The messages that the source requests from the server, by curl to /dev/null: the difference is the source's own part. */
  async #curlOwnQuery(name: string): Promise<Measured> {
    const configuration = sourceConfigurationSchema.parse({ ...this.#server.connection(READER), database: DATABASE });
    const clickhouse = new ClickHouse(configuration);
    try {
      const stream = { name, namespace: DATABASE };
      const configured = { stream, sync_mode: 'incremental' } as const;
      const resolved = await resolveStream(clickhouse, configuration, configured, stream, async () => {});
      const selection = { ...resolved, hashedColumns: resolved.table.columns, lagBound: undefined };
      const { query, parameters } = buildRowQuery(selection, START, Date.now());
      return await this.#curlQuery(`${name}-own`, query, parameters);
    } finally {
      await clickhouse.close();
    }
  }

  async #curlQuery(name: string, query: string, parameters: QueryParameters = {}): Promise<Measured> {
    const named = Object.entries(parameters).map(([parameter, value]) => [`param_${parameter}`, String(value)]);
    return measure('curl', [
      '--silent',
      '--fail',
      '--user',
      `${READER.name}:${READER.password}`,
      '--data-binary',
      `@${await this.#file(`${name}.sql`, query)}`,
      '--output',
      '/dev/null',
      `${this.#server.url}/?${new URLSearchParams(Object.fromEntries(named))}`,
    ]);
  }
}
