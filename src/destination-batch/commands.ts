import type { Readable } from 'node:stream';
import { configuredCatalogSchema } from '../protocol/catalog.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { readConfiguration } from '../protocol/configuration.ts';
import { readJsonFile } from '../protocol/json-file.ts';
import { BatchApi } from './batch-api.ts';
import { check as checkBatch } from './check.ts';
import { destinationConfigurationSchema } from './configuration.ts';
import { discover as discoverOperations } from './discover.ts';
import { write as writeEvents } from './write.ts';

/** Rejects with a ConnectorError that says why Batch can't be written to. */
export async function check({ output }: CommandContext, configPath: string): Promise<void> {
  const api = new BatchApi(await readConfiguration(configPath, destinationConfigurationSchema, output));
  try {
    await checkBatch(api);
  } finally {
    await api.close();
  }
}

/** Writes the DESTINATION_CATALOG. It is the same for every project; the configuration is looked at all the same. */
export async function discover({ output }: CommandContext, configPath: string): Promise<void> {
  await readConfiguration(configPath, destinationConfigurationSchema, output);
  await output.write({ type: 'DESTINATION_CATALOG', destination_catalog: { operations: discoverOperations() } });
}

/** Sends what comes on `input`. Resolves to whether it was taken to its end. */
export async function write(
  context: CommandContext,
  paths: { config: string; catalog: string },
  input: Readable,
): Promise<boolean> {
  const configuration = await readConfiguration(paths.config, destinationConfigurationSchema, context.output);
  const catalog = await readJsonFile('catalog', paths.catalog, configuredCatalogSchema);
  return writeEvents(context, configuration, catalog, input);
}
