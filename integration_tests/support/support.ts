import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { Limits } from '../../sandbox/batch-api/limits.ts';
import { BatchApi } from '../../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { type Finished, type PrintedMessage, run, start } from '../../sandbox/launcher.ts';
import { sharedClickHouse } from './shared-clickhouse.ts';

const PROJECT_KEY = 'project_test';
export const REST_API_KEY = 'rest-key/+"secret"';

/**
 * Creates a folder for the files of one test file, which is removed at its end. Returns a function that writes JSON into it,
 * each time into a new file, because tests run in parallel.
 */
export function temporaryFiles(): (name: string, content: unknown) => string {
  const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  return (name, content) => {
    files += 1;
    const path = join(folder, String(files), name);
    mkdirSync(dirname(path));
    // As a careful user does: `sync` and `preview` warn of secrets that every user of the machine can read.
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    return path;
  };
}

/**
 * Provides a ClickHouse with one empty database for a test file: the shared server or, for unusual users, a separate
 * server.
 */
export function clickHouseWith(database: string, users: readonly SandboxUser[] = []): () => ClickHouseServer {
  let server: ClickHouseServer | undefined;
  beforeAll(async () => {
    server = users.length === 0 ? await sharedClickHouse() : await ClickHouseServer.start(undefined, users);
    await server.execute(`CREATE DATABASE ${database}`);
  });
  afterAll(async () => {
    if (users.length > 0) await server?.stop();
  });
  return () => {
    if (server === undefined) throw new Error('ClickHouse is there from beforeAll on.');
    return server;
  };
}

/** A catalog with only the names of the streams, as the tests of some platforms pass it. */
export function catalogOf(syncMode: 'incremental' | 'full_refresh', ...names: string[]): Record<string, unknown> {
  return {
    streams: names.map((name) => ({
      stream: { name, json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] },
      sync_mode: syncMode,
      destination_sync_mode: 'append',
    })),
  };
}

export function sourceConfiguration(
  server: ClickHouseServer,
  database: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { ...server.connection(READER), database, ...more };
}

/** A Batch API without a rate limit. All other limits are the documented ones by default. */
export function quickBatchApi(limits: Partial<Limits> = {}): Promise<BatchApi> {
  return BatchApi.start({
    projectKey: PROJECT_KEY,
    restApiKey: REST_API_KEY,
    limits: {
      updateRate: 1_000_000_000,
      updateBurst: 1_000_000_000,
      massUpdateRate: 1_000_000_000,
      massUpdateBurst: 1_000_000_000,
      ...limits,
    },
  });
}

/** Runs a command of a connector: as a process, or as `runInProcess` does. */
type Runner = (name: 'source-clickhouse' | 'destination-batch', args: readonly string[]) => Promise<Finished>;

export type ReadOptions = {
  mode?: 'incremental' | 'full_refresh';
  state?: unknown;
  /** READER by default. */
  user?: SandboxUser;
  config?: Record<string, unknown>;
  catalog?: unknown;
};

/** Runs the source's launcher for the tables of a database, which it reads incrementally by default. */
export function sourceReader(
  server: () => ClickHouseServer,
  database: string,
  runner: Runner = run,
): {
  readArguments: (table: string, options?: ReadOptions) => string[];
  read: (table: string, options?: ReadOptions) => Promise<Finished>;
  /** Starts a read whose output the test reads. */
  startRead: (table: string, options?: ReadOptions) => ChildProcess;
} {
  const file = temporaryFiles();
  const readArguments = (
    table: string,
    { mode = 'incremental', state, user = READER, config = {}, catalog }: ReadOptions = {},
  ): string[] => {
    const configuration = sourceConfiguration(server(), database, { ...server().connection(user), ...config });
    return [
      'read',
      '--config',
      file('source.json', configuration),
      '--catalog',
      file('catalog.json', catalog ?? catalogOf(mode, table)),
      ...(state === undefined ? [] : ['--state', file('state.json', state)]),
    ];
  };
  return {
    readArguments,
    read: (table, options) => runner('source-clickhouse', readArguments(table, options)),
    startRead: (table, options) =>
      start('source-clickhouse', readArguments(table, options), { stdio: ['ignore', 'pipe', 'pipe'] }),
  };
}

/** The values of the column `n` of the records. */
export function numbers(result: Pick<Finished, 'messages'>): number[] {
  return records(result).map(({ n }) => Number(n));
}

/** Waits until an expectation is met, for as long as a test may take, because the time depends on the machine. */
export async function eventually(expectation: () => unknown, intervalMs = 20): Promise<void> {
  await vi.waitFor(expectation, { timeout: 110_000, interval: intervalMs });
}

/** 0, 1, 2, … up to `count`, exclusive. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Like toEqual, which would take half a second for this many values. */
export function expectSame<Values extends readonly unknown[]>(actual: Values, expected: Values): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

export function sorted(values: number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

export function destinationConfiguration(batch: BatchApi, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    project_key: PROJECT_KEY,
    rest_api_key: REST_API_KEY,
    api_url: batch.url,
    endpoint: 'update',
    rate_limit: 100_000,
    flush_interval_seconds: 0.1,
    ...more,
  };
}

/** The CONNECTION_STATUS that `check` prints; there must be exactly one, and the exit code must be 0. */
export async function checkStatus(
  name: 'source-clickhouse' | 'destination-batch',
  config: string,
  runner: Runner = run,
): Promise<{ status: string; message: string }> {
  const { code, stdout, stderr, messages } = await runner(name, ['check', '--config', config]);
  const statuses = messages.filter(({ type }) => type === 'CONNECTION_STATUS');
  const status = statuses[0]?.connectionStatus;
  if (code !== 0 || statuses.length !== 1 || status === undefined || stderr !== '') {
    throw new Error(`check ended with ${code} and printed:\n${stdout}${stderr}`);
  }
  return { status: status.status, message: status.message ?? '' };
}

export function records({ messages }: Pick<Finished, 'messages'>): Record<string, unknown>[] {
  return messages.flatMap(({ record }) => (record === undefined ? [] : [record.data]));
}

export function states({ messages }: Pick<Finished, 'messages'>): NonNullable<PrintedMessage['state']>[] {
  return messages.flatMap(({ state }) => (state === undefined ? [] : [state]));
}

export function errors({ messages }: Pick<Finished, 'messages'>): { message: string; failure_type: string }[] {
  return messages.flatMap(({ trace }) => (trace?.error === undefined ? [] : [trace.error]));
}

export function logs({ messages }: Pick<Finished, 'messages'>): string[] {
  return messages.flatMap(({ log }) => (log === undefined ? [] : [`${log.level} ${log.message}`]));
}

export function statuses({ messages }: Pick<Finished, 'messages'>): string[] {
  return messages.flatMap(({ trace }) => (trace?.stream_status === undefined ? [] : [trace.stream_status.status]));
}

/** What a run over several streams wrote of one of them. */
export function ofStream({ messages }: Pick<Finished, 'messages'>, name: string): Pick<Finished, 'messages'> {
  return {
    messages: messages.filter(({ record, state }) => (record?.stream ?? state?.stream.stream_descriptor.name) === name),
  };
}

/** The last state, as it is passed to the next run. */
export function lastState(finished: Pick<Finished, 'messages'>): unknown[] {
  return states(finished).slice(-1);
}
