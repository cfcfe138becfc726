import { writeFile } from 'node:fs/promises';
import { destinationSpecification } from '../destination-batch/config/specification.ts';
import { PACKAGE_ROOT } from '../shared/package-root.ts';
import { sourceSpecification } from '../source-clickhouse/config/specification.ts';

/** Writes the specifications that `spec` prints, from the schemas: `npm run spec`. */
for (const [name, specification] of [
  ['source-clickhouse', sourceSpecification],
  ['destination-batch', destinationSpecification],
] as const) {
  await writeFile(new URL(`spec/${name}.json`, PACKAGE_ROOT), `${JSON.stringify(specification, null, 2)}\n`);
}
