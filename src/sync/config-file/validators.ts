import { Ajv } from 'ajv';
import schema from '../../../spec/sync.json' with { type: 'json' };
import type { SyncFile } from './schema.ts';

// The bundle contains the function that Ajv compiles from this file, instead of this module: build/compiled-validators.js.
const ajv = new Ajv({ strict: false, allErrors: true, verbose: true });

// Each run checks the configurations of the connectors, after their references are replaced.
for (const name of ['source-clickhouse', 'destination-batch']) {
  ajv.addSchema({ connectionSpecification: {} }, `${name}.json`);
}

/** Checks the content of the file that `sync --config` reads. */
export const validateSyncFile = ajv.compile<SyncFile>(schema);
