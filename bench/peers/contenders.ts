import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launcherPath } from '../../sandbox/launcher.ts';
import { installFaros, installPython } from './install.ts';
import type { Command } from './process-group.ts';

/** The file of PyAirbyte's cache. */
const CACHE = 'cache.duckdb';

/** What to deliver, from where and to where. */
export type Job = {
  clickhouse: { host: string; port: number; username: string; password: string; database: string; table: string };
  batch: { url: string; project_key: string; rest_api_key: string };
  /** The updates per second that the Batch API accepts; by default Batch's documented rate limit, which contenders know. */
  rate_limit?: number;
  /** The lookback of a contender that has such an option. */
  lag_seconds?: number;
};

/** A tool that can do the job, in runs that keep their state in a folder. */
export type Contender = {
  name: string;
  /** Whether it has an option for a lookback, in addition to its default behaviour. */
  hasLag: boolean;
  /** Whether it posts to Batch; if not, it reads into its own cache. */
  delivers: boolean;
  /** The numbers of the rows in that cache. */
  cached?: (folder: string, table: string) => number[];
  /** The command of a run, which finds the state of the previous run in the folder. */
  command: (job: Job, folder: string) => Command;
  /** Saves what the next run needs after a run, whether it succeeded or not. */
  afterRun?: (folder: string) => void;
};

/** All contenders that can run on this machine, and an explanation for each that can't. */
export async function contenders(): Promise<{ contenders: Contender[]; absent: string[] }> {
  const all: Contender[] = [ours];
  const absent: string[] = [];
  const add = async (name: string, make: () => Promise<Contender[]>): Promise<void> => {
    try {
      all.push(...(await make()));
    } catch (error) {
      absent.push(`${name} could not be installed: ${error instanceof Error ? error.message.slice(0, 500) : error}`);
    }
  };
  await add('faros-airbyte-cdk', async () => [farosSource(await installFaros())]);
  all.push(naive);
  await add('dlt and PyAirbyte', async () => {
    const python = await installPython();
    return [dltPipeline(python), pyAirbyte(python), pyAirbyteReader(python)];
  });
  return { contenders: all, absent };
}

export const ours: Contender = {
  name: 'source-clickhouse | destination-batch',
  hasLag: false,
  delivers: true,
  command: (job, folder) => {
    const source = write(folder, 'source.json', job.clickhouse);
    return pipe([launcherPath('source-clickhouse'), 'read', '--config', source], job, folder);
  },
  afterRun: (folder) => {
    keepState(folder, (message) => message);
  },
};

/** The CDK has no destination for Batch, so ours sends its records. */
function farosSource(installed: string): Contender {
  return {
    name: 'faros-airbyte-cdk | destination-batch',
    hasLag: true,
    delivers: true,
    command: (job, folder) => {
      const config = write(folder, 'source.json', { ...job.clickhouse, lag_seconds: job.lag_seconds });
      return pipe([process.execPath, join(installed, 'source.cjs'), 'read', '--config', config], job, folder);
    },
    afterRun: (folder) => {
      keepState(folder, ({ state }) => state);
    },
  };
}

export const naive: Contender = {
  name: 'the naive loop',
  hasLag: false,
  delivers: true,
  command: (job, folder) => ({
    path: process.execPath,
    args: [script('naive.js'), write(folder, 'job.json', job), join(folder, 'cursor')],
  }),
};

function dltPipeline(python: string): Contender {
  return {
    name: 'dlt',
    hasLag: true,
    delivers: true,
    command: (job, folder) => ({
      path: python,
      args: [script('python/dlt_pipeline.py'), write(folder, 'job.json', job), join(folder, 'pipelines')],
      environment: { RUNTIME__DLTHUB_TELEMETRY: 'false', DLT_DATA_DIR: join(folder, 'dlt') },
    }),
  };
}

function pyAirbyte(python: string): Contender {
  return {
    name: 'PyAirbyte, from our source to our destination',
    hasLag: false,
    delivers: true,
    command: (job, folder) =>
      pyAirbyteCommand(python, folder, {
        ...sourceForPyAirbyte(job),
        destination: launcherPath('destination-batch'),
        destination_config: destinationConfiguration(job),
      }),
  };
}

function pyAirbyteReader(python: string): Contender {
  return {
    name: 'PyAirbyte, from our source to its cache',
    hasLag: false,
    delivers: false,
    command: (job, folder) => pyAirbyteCommand(python, folder, sourceForPyAirbyte(job)),
    cached: (folder, table) => {
      const program = [
        'import duckdb, json',
        `cache = duckdb.connect('${join(folder, CACHE)}', read_only=True)`,
        'tables = [name for (name,) in cache.sql("show tables").fetchall()]',
        `print(json.dumps(cache.sql('select n from "${table}"').fetchall() if '${table}' in tables else []))`,
      ].join('\n');
      return JSON.parse(execFileSync(python, ['-c', program], { maxBuffer: 64 * 1024 * 1024 }).toString()).flat();
    },
  };
}

function sourceForPyAirbyte({ clickhouse }: Job): Record<string, unknown> {
  return { stream: clickhouse.table, source: launcherPath('source-clickhouse'), source_config: clickhouse };
}

function pyAirbyteCommand(python: string, folder: string, paths: Record<string, unknown>): Command {
  return {
    path: python,
    args: [script('python/pyairbyte_sync.py'), write(folder, 'paths.json', paths), join(folder, CACHE)],
    environment: {
      AIRBYTE_OFFLINE_MODE: '1',
      DO_NOT_TRACK: '1',
      AIRBYTE_PROJECT_DIR: folder,
      AIRBYTE_LOGGING_ROOT: join(folder, 'logs'),
      // Warnings of libraries for caches that are not used.
      PYTHONWARNINGS: 'ignore',
    },
  };
}

/** `read | write` with its states in a file. The exit code is that of the first of the two that failed. */
function pipe(read: readonly string[], job: Job, folder: string): Command {
  const catalog = write(folder, 'catalog.json', {
    streams: [
      {
        stream: { name: job.clickhouse.table, json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] },
        sync_mode: 'incremental',
        destination_sync_mode: 'append',
      },
    ],
  });
  const destination = write(folder, 'destination.json', destinationConfiguration(job));
  const state = join(folder, 'state.json');
  const source = [...read, '--catalog', catalog, ...(existsSync(state) ? ['--state', state] : [])];
  const sink = [launcherPath('destination-batch'), 'write', '--config', destination, '--catalog', catalog];
  const line = `${source.map(quoted).join(' ')} | ${sink.map(quoted).join(' ')} > ${quoted(join(folder, 'out.jsonl'))}`;
  return { path: 'bash', args: ['-o', 'pipefail', '-c', line] };
}

function destinationConfiguration({ batch, rate_limit }: Job): Record<string, unknown> {
  const { url, ...keys } = batch;
  return { ...keys, api_url: url, endpoint: 'update', ...(rate_limit !== undefined && { rate_limit }) };
}

type StateMessage = { state: unknown };

/** The last state that the destination echoed, in the form that a source accepts, for the next run. */
function keepState(folder: string, form: (message: StateMessage) => unknown): void {
  const lines = readFileSync(join(folder, 'out.jsonl'), 'utf8').split('\n');
  // After a kill, the last line may be incomplete.
  const last = lines.slice(0, -1).findLast((line) => line.includes('"type":"STATE"'));
  if (last !== undefined) write(folder, 'state.json', form(JSON.parse(last)));
}

function write(folder: string, name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function quoted(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}
