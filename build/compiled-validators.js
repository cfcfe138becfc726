import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const ROOT = join(import.meta.dirname, '..');

/** The modules whose functions are compiled, with the name of each function and the file of its schema. */
const MODULES = {
  'src/runner/validators.ts': { validateSource: 'source-clickhouse', validateDestination: 'destination-batch' },
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
      const functions = Object.entries(MODULES).find(([path]) => id === join(ROOT, path))?.[1];
      return functions && { code: compileFunctions(functions), moduleType: 'js' };
    },
  },
};

function compileFunctions(functions) {
  // The options are those of the module. The messages of Ajv are not shown.
  const ajv = new Ajv({ strict: false, validateFormats: false, messages: false, code: { source: true, esm: true } });
  for (const [name, file] of Object.entries(functions)) {
    ajv.addSchema(JSON.parse(readFileSync(join(ROOT, `spec/${file}.json`), 'utf8')).connectionSpecification, name);
  }
  return standalone.default(ajv, Object.fromEntries(Object.keys(functions).map((name) => [name, name])));
}
