import { analytics, SERVER_CLOCK } from '../protocol/analytics.ts';
import { configuredCatalogSchema } from '../protocol/catalog.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { type GivenConfiguration, readConfiguration } from '../protocol/configuration/configuration.ts';
import { readJsonFile } from '../protocol/configuration/json-file.ts';
import { log } from '../protocol/messages.ts';
import { describeProxy } from '../protocol/network/proxy.ts';
import { readStateFile } from '../protocol/state.ts';
import { checkDatabaseOnly, check as checkSource } from './check/check.ts';
import { describeFirstRunOf } from './check/first-run.ts';
import { proposeStart as proposeStartOf, type StartProposal } from './check/propose-start.ts';
import { checkServer, listDatabases as listDatabasesOf } from './check/server.ts';
import { buildUrl, ClickHouse, type ClientOptions, findConfiguredProxy } from './client/client.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from './config/schema.ts';
import { readServerVersion } from './query/server-info.ts';
import { keepMemoryForBuffers } from './read/heap-tuning.ts';
import { read as readStreams } from './read/read.ts';
import { RowLimit } from './read/row-limit.ts';
import type { FindUse, RowKind, StreamUse } from './schema/required-columns.ts';
import { discover as discoverStreams } from './streams/discover.ts';

/** What `check` found in a source that works. */
export type SourceSummary = { version: string; username: string; streams: string[] };

/**
 * Checks the configuration, and logs warnings about the tables.
 *
 * @param findUse what the destination does with the rows of each stream, if its configuration is known.
 * @throws ConnectorError when the source can't be read.
 */
export async function check(
  context: CommandContext,
  config: GivenConfiguration,
  findUse?: FindUse,
): Promise<SourceSummary> {
  return withClickHouse(context, config, 'wake-up', async (clickhouse, configuration) => {
    const proxy = findConfiguredProxy(configuration);
    if (proxy !== undefined) await context.output.write(log('INFO', describeProxy(buildUrl(configuration), proxy)));
    const { version, streams, notes, warnings } = await checkSource(clickhouse, configuration, context.stop, findUse);
    for (const note of notes) await context.output.write(log('INFO', note));
    for (const warning of warnings) await context.output.write(log('WARN', warning));
    return { version, username: configuration.username, streams };
  });
}

/**
 * Checks that ClickHouse answers at the host and port of the configuration. The check also succeeds if the login is refused, or if
 * the user lacks a privilege.
 *
 * @throws ConnectorError when there is no answer, or another service answers.
 */
export async function checkAddress(context: CommandContext, config: GivenConfiguration): Promise<void> {
  await withClickHouse(context, config, 'wake-up', checkServer);
}

/** Checks the login of a configuration. Returns the version of the server, and the databases that the user can see. */
export async function listDatabases(
  context: CommandContext,
  config: GivenConfiguration,
): Promise<{ version: string; databases: string[] }> {
  return withClickHouse(context, config, 'wake-up', async (clickhouse) => ({
    version: await readServerVersion(clickhouse),
    databases: await listDatabasesOf(clickhouse),
  }));
}

/** Runs only the part of `check` that reads no rows. @throws ConnectorError as `check` does. */
export async function checkConnection(
  context: CommandContext,
  config: GivenConfiguration,
  kind: RowKind,
): Promise<void> {
  await withClickHouse(context, config, 'wake-up', (clickhouse, configuration) =>
    checkDatabaseOnly(clickhouse, configuration, kind),
  );
}

/**
 * Logs where the first run of a stream begins and how many rows it sends, if `start_from` is set. Like `check`, warns if the run
 * sends old events.
 *
 * @param use what the destination does with the rows, if its configuration is known.
 */
export async function describeFirstRun(
  context: CommandContext,
  config: GivenConfiguration,
  stream: string,
  use?: StreamUse,
): Promise<void> {
  await withClickHouse(context, config, 'transient', async (clickhouse, configuration) => {
    const notes = await describeFirstRunOf(clickhouse, configuration, stream, use, context.stop);
    for (const { level, message } of notes) await context.output.write(log(level, message));
  });
}

/** Proposes a `start_from` if one of the tables and views has old rows: see `proposeStart` in check/propose-start.ts. */
export async function proposeStart(
  context: CommandContext,
  config: GivenConfiguration,
  tables: readonly string[],
): Promise<StartProposal | undefined> {
  return withClickHouse(context, config, 'wake-up', (clickhouse, configuration) =>
    proposeStartOf(clickhouse, configuration, tables, context.stop),
  );
}

/** The options of `discover` for commands that people run. These commands fail early and say why. */
export type DiscoverOptions = {
  /** Whether to fail at once if no ClickHouse listens at the address, which may be wrong. */
  failFast?: boolean;
  /** Whether to fail if there are no streams. */
  requireStreams?: boolean;
  /** Which tables and views are streams, if the configuration names none. */
  kind?: RowKind;
};

/**
 * Writes the CATALOG. Before that, logs warnings about missing streams and about streams that contain the same rows. If there are
 * no streams, logs why.
 */
export async function discover(
  context: CommandContext,
  config: GivenConfiguration,
  { failFast = false, requireStreams = false, kind = 'event' }: DiscoverOptions = {},
): Promise<void> {
  const retryOn = failFast ? 'unless-refused' : 'transient';
  const { streams, warnings } = await withClickHouse(context, config, retryOn, (clickhouse, configuration) =>
    discoverStreams(clickhouse, configuration, { requireStreams, kind }),
  );
  for (const warning of warnings) await context.output.write(log('WARN', warning));
  await context.output.write({ type: 'CATALOG', catalog: { streams } });
}

/**
 * Writes the records of the catalog's streams.
 *
 * @param limit the maximum number of rows in total; without it, all rows are read.
 * @returns whether every stream was read to its end or to the limit.
 */
export async function read(
  context: CommandContext,
  given: { config: GivenConfiguration; catalog: string; state: string | undefined },
  limit?: number,
): Promise<boolean> {
  keepMemoryForBuffers();
  return withClickHouse(context, given.config, 'transient', async (clickhouse, configuration) => {
    const catalog = await readJsonFile('catalog', given.catalog, configuredCatalogSchema);
    const state = await readStateFile(given.state);
    const rowLimit = new RowLimit(limit);
    return readStreams({ ...context, clickhouse, configuration, rowLimit }, catalog, state);
  });
}

async function withClickHouse<T>(
  context: CommandContext,
  config: GivenConfiguration,
  retryOn: ClientOptions['retryOn'],
  use: (clickhouse: ClickHouse, configuration: SourceConfiguration) => Promise<T>,
): Promise<T> {
  const { output, stop, now, reportMetrics = false } = context;
  const configuration = await readConfiguration(config, sourceConfigurationSchema, context);
  const warn = (message: string): void => {
    // Not awaited, because a connection must not wait for a slow reader of our output.
    output.write(log('WARN', message)).catch(() => {});
  };
  if (configuration.tls?.verify === false) {
    warn(
      `The certificate of ${configuration.host}:${configuration.port} is NOT VERIFIED, because tls.verify is off. An attacker on the network could pretend to be the server and read the password and every row. Set tls.ca_certificate to the certificate of the server's authority, and turn tls.verify on.`,
    );
  }
  const onConnected = (serverTime: number): void => {
    if (!reportMetrics) return;
    const clock = { server_time: new Date(serverTime).toISOString() };
    output.write(analytics(SERVER_CLOCK, clock, now())).catch(() => {});
  };
  const clickhouse = new ClickHouse(configuration, { stop, warn, retryOn, onConnected });
  try {
    return await use(clickhouse, configuration);
  } finally {
    await clickhouse.close();
  }
}
