import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../../src/shared/package.ts';
import { buildAirbyteFiles } from './files.ts';

/** Writes the files in airbyte/ for Airbyte's tools. Run this with `npm run airbyte`. */
for (const [name, text] of await buildAirbyteFiles()) {
  const path = fileURLToPath(new URL(name, PACKAGE_ROOT));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
