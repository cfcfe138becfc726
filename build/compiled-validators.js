import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const ROOT = join(import.meta.dirname, '..');

/** The modules that are replaced, with the options and the schemas that they give to Ajv. */
const MODULES = {
  'src/runner/validators.ts': {
    options: { validateFormats: false, messages: false },
    functions: {
      validateSource: readSchema('source-clickhouse').connectionSpecification,
      validateDestination: readSchema('destination-batch').connectionSpecification,
    },
  },
  'src/sync/config-file/validators.ts': {
    options: { allErrors: true, verbose: true, messages: false },
    references: {
      'source-clickhouse.json': { connectionSpecification: {} },
      'destination-batch.json': { connectionSpecification: {} },
    },
    functions: { validateSyncFile: readSchema('sync') },
  },
};

/**
 * Replaces the modules that validate with Ajv by the functions that Ajv compiles from the schemas. Loading Ajv and compiling the
 * schemas would take 100 ms at every start; the functions take 4 ms.
 */
export const compiledValidators = {
  name: 'compiled-validators',
  load: {
    filter: { id: /\/src\/.*validators\.ts$/ },
    handler(id) {
      const module = Object.entries(MODULES).find(([path]) => id === join(ROOT, path))?.[1];
      return module && { code: compileFunctions(module), moduleType: 'js' };
    },
  },
};

function compileFunctions({ options, references = {}, functions }) {
  const ajv = new Ajv({ strict: false, ...options, code: { source: true, esm: true } });
  for (const [name, schema] of Object.entries({ ...references, ...functions })) ajv.addSchema(schema, name);
  return standalone.default(ajv, Object.fromEntries(Object.keys(functions).map((name) => [name, name])));
}

function readSchema(name) {
  return JSON.parse(readFileSync(join(ROOT, `spec/${name}.json`), 'utf8'));
}
