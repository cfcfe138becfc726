import { Ajv } from 'ajv';
import schema from '../../../spec/sync.json' with { type: 'json' };
import type { SyncFile } from './schema.ts';

// In the bundle, build/compiled-validators.js replaces this module with the function that Ajv has compiled from the schema.
const ajv = new Ajv({ strict: false, allErrors: true, verbose: true });

// The configurations of the connectors are not checked here. Each run checks them, after their references are replaced.
for (const name of ['source-clickhouse', 'destination-batch']) {
  ajv.addSchema({ connectionSpecification: {} }, `${name}.json`);
}

/** Checks the content of the file that `sync --config` reads. */
export const validateSyncFile = ajv.compile<SyncFile>(schema);
