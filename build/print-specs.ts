import { writeFile } from 'node:fs/promises';
import { destinationSpecification } from '../src/destination-batch/config/specification.ts';
import { PACKAGE_ROOT } from '../src/shared/package.ts';
import { sourceSpecification } from '../src/source-clickhouse/config/specification.ts';
import { syncFileJsonSchema } from '../src/sync/config-file/schema.ts';

/** Generates the files in spec/ from the schemas. The `spec` command prints these files. Run this with `npm run spec`. */
for (const [name, specification] of [
  ['source-clickhouse', sourceSpecification],
  ['destination-batch', destinationSpecification],
  ['sync', syncFileJsonSchema],
] as const) {
  await writeFile(new URL(`spec/${name}.json`, PACKAGE_ROOT), `${JSON.stringify(specification, null, 2)}\n`);
}
