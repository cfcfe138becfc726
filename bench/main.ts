import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClickHouseServer } from '../sandbox/clickhouse/server.ts';
import { READER } from '../sandbox/clickhouse/users.ts';
import { launcherPath } from '../sandbox/launcher.ts';
import { say } from '../sandbox/say.ts';
import { ClickHouse, type QueryParameters } from '../src/source-clickhouse/clickhouse-client.ts';
import { sourceConfigurationSchema } from '../src/source-clickhouse/configuration.ts';
import { rowQuery } from '../src/source-clickhouse/row-query.ts';
import { selectRows } from '../src/source-clickhouse/row-selection.ts';
import { DATABASE, makeEventsTable } from './events-table.ts';
import { atMost, type Figure, table } from './figures.ts';
import { type Measured, measure, median, watch } from './measure.ts';

const MILLION = 1_000_000;
const RUNS = 3;
const STALL_SECONDS = 60;

/** `npm run bench`: the source against `curl` and against itself, on one server, in one run. See bench/README.md. */
const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-bench-'));
const server = await ClickHouseServer.start();
try {
  say(`Node ${process.version}, ${cpus().length} cores. Making the tables ...`);
  await makeEventsTable(server, 'sorted', 'by_cursor', 2 * MILLION);
  await makeEventsTable(server, 'sorted_4x', 'by_cursor', 8 * MILLION);
  await makeEventsTable(server, 'unsorted', 'by_profile', 2 * MILLION);
  await makeEventsTable(server, 'unsorted_4x', 'by_profile', 8 * MILLION);
  await makeEventsTable(server, 'one_stamp', 'one_stamp', 3 * MILLION);
  say(table(await figures()));
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function figures(): Promise<Figure[]> {
  const config = await file('source.json', { ...server.connection(READER), database: DATABASE });
  const commands = await inTurn({
    spec: () => measure(launcherPath('source-clickhouse'), ['spec']),
    node: () => measure(process.execPath, ['--eval', '0']),
    check: async () => measure(launcherPath('source-clickhouse'), ['check', '--config', config]),
  });
  const two = await inTurn({
    read: () => read('sorted'),
    curl: () => curl('sorted'),
    ownQuery: () => curlOwnQuery('sorted'),
  });
  const growth = await inTurn({
    sorted: () => read('sorted'),
    sorted4x: () => read('sorted_4x'),
    unsorted: () => read('unsorted'),
    unsorted4x: () => read('unsorted_4x'),
  });
  const ties = await read('one_stamp');
  const stalled = await readWithStall('sorted');
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

async function readArguments(name: string): Promise<string[]> {
  const config = await file(`${name}.json`, { ...server.connection(READER), database: DATABASE, table: name });
  const catalog = await file(`${name}-catalog.json`, { streams: [{ stream: { name }, sync_mode: 'incremental' }] });
  return ['read', '--config', config, '--catalog', catalog];
}

/** A first read of a whole table to /dev/null. */
async function read(name: string): Promise<Measured> {
  return measure(launcherPath('source-clickhouse'), await readArguments(name));
}

/** The same read in front of a reader that takes nothing for a while, and then everything. */
async function readWithStall(name: string): Promise<Measured> {
  const child = spawn(launcherPath('source-clickhouse'), await readArguments(name), {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = watch(child);
  await sleep(STALL_SECONDS * 1000);
  child.stdout.resume();
  return ended;
}

/** The same rows in the same order by curl to /dev/null, without any message around them: the wire itself. */
function curl(name: string): Promise<Measured> {
  return curlQuery(name, `SELECT * FROM ${DATABASE}.${name} ORDER BY last_updated_at FORMAT JSONEachRow`);
}

/** The messages that the source asks the server for, by curl to /dev/null: what is left is the source's own part. */
async function curlOwnQuery(name: string): Promise<Measured> {
  const configuration = sourceConfigurationSchema.parse({ ...server.connection(READER), database: DATABASE });
  const clickhouse = new ClickHouse(configuration);
  try {
    const stream = { name, namespace: DATABASE };
    const configured = { stream, sync_mode: 'incremental' } as const;
    const selection = await selectRows(clickhouse, configuration, configured, stream, async () => {});
    const { query, parameters } = rowQuery(selection, undefined, Date.now());
    return await curlQuery(`${name}-own`, query, parameters);
  } finally {
    await clickhouse.close();
  }
}

async function curlQuery(name: string, query: string, parameters: QueryParameters = {}): Promise<Measured> {
  const named = Object.entries(parameters).map(([parameter, value]) => [`param_${parameter}`, String(value)]);
  return measure('curl', [
    '--silent',
    '--fail',
    '--user',
    `${READER.name}:${READER.password}`,
    '--data-binary',
    `@${await file(`${name}.sql`, query)}`,
    '--output',
    '/dev/null',
    `${server.url}/?${new URLSearchParams(Object.fromEntries(named))}`,
  ]);
}

/** Runs each command once to warm up and then in turn, so that a machine whose speed drifts drifts for all; medians. */
async function inTurn<Name extends string>(
  commands: Record<Name, () => Promise<Measured>>,
): Promise<Record<Name, Measured>> {
  const names = Object.keys(commands) as Name[];
  const runs = new Map<Name, Measured[]>(names.map((name) => [name, []]));
  for (let run = 0; run <= RUNS; run++) {
    for (const name of names) {
      const measured = await commands[name]();
      if (run > 0) runs.get(name)?.push(measured);
    }
  }
  const middle = (name: Name): Measured => ({
    seconds: median((runs.get(name) ?? []).map(({ seconds }) => seconds)),
    peakMegabytes: Math.max(...(runs.get(name) ?? []).map(({ peakMegabytes }) => peakMegabytes)),
  });
  return Object.fromEntries(names.map((name) => [name, middle(name)])) as Record<Name, Measured>;
}

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
