import type { Readable } from 'node:stream';
import { configuredCatalogSchema } from '../protocol/catalog.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { type GivenConfiguration, readConfiguration } from '../protocol/configuration/configuration.ts';
import { readJsonFile } from '../protocol/configuration/json-file.ts';
import { log } from '../protocol/messages.ts';
import { describeProxy, findProxy } from '../protocol/network/proxy.ts';
import { BatchApi } from './batch/api.ts';
import type { RequestLogOptions } from './batch/request-log.ts';
import { check as checkBatch } from './check.ts';
import { destinationConfigurationSchema } from './config/schema.ts';
import { discover as discoverOperations } from './discover.ts';
import { openRejectedRowStore } from './rejected/open-store.ts';
import type { RejectedRowStore } from './rejected/rejected-rows.ts';
import type { RetryHooks, RetryOptions, RetryResult } from './retry/retry.ts';
import { capHeapGrowth } from './write/heap-tuning.ts';
import { write as writeEvents } from './write/write.ts';

/** What `check` found in a destination that works: the host of Batch's API, and the key of the project. */
export type DestinationSummary = { host: string; projectKey: string };

/** Checks that Batch accepts the keys and that rejected rows can be stored. Rejects with a ConnectorError otherwise. */
export async function check(context: CommandContext, config: GivenConfiguration): Promise<DestinationSummary> {
  const configuration = await readConfiguration(config, destinationConfigurationSchema, context);
  const url = new URL(configuration.api_url);
  const proxy = findProxy(url);
  if (proxy !== undefined) await context.output.write(log('INFO', describeProxy(url, proxy)));
  const api = new BatchApi(configuration);
  let store: RejectedRowStore | undefined;
  try {
    await checkBatch(api);
    store = await openRejectedRowStore(configuration.rejected_rows, { streams: [] }, context.now(), 0);
    await store?.checkWritable();
    return { host: url.host, projectKey: configuration.project_key };
  } finally {
    await api.close();
    await store?.close(false);
  }
}

/** Writes the DESTINATION_CATALOG, whose columns depend on the mapping in the configuration. */
export async function discover(context: CommandContext, config: GivenConfiguration): Promise<void> {
  const configuration = await readConfiguration(config, destinationConfigurationSchema, context);
  await context.output.write({
    type: 'DESTINATION_CATALOG',
    destination_catalog: { operations: discoverOperations(configuration) },
  });
}

/**
 * Sends the rows from `input` to Batch. Resolves to false if a signal stopped the command before the end of the input.
 */
export async function write(
  context: CommandContext,
  given: { config: GivenConfiguration; catalog: string; requestLog?: RequestLogOptions | undefined },
  input: Readable,
): Promise<boolean> {
  capHeapGrowth();
  const configuration = await readConfiguration(given.config, destinationConfigurationSchema, context);
  const catalog = await readJsonFile('catalog', given.catalog, configuredCatalogSchema);
  return writeEvents(context, configuration, catalog, input, given.requestLog);
}

/** Retries the rejected rows that are stored in `rejected_rows`. */
export async function retry(
  context: CommandContext,
  config: string,
  options: RetryOptions,
  hooks: RetryHooks,
): Promise<RetryResult> {
  const configuration = await readConfiguration(config, destinationConfigurationSchema, context);
  const { retry: retryRows } = await import('./retry/retry.ts');
  return retryRows(context, configuration, options, hooks);
}
