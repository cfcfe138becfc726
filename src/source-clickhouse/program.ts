import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** It stands two folders above this file in the sources, in what was built, in the npm package and in the image. */
const manifest = z
  .object({ name: z.string(), version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

/** Who asks, as an administrator finds it in system.processes and system.query_log. */
export const PROGRAM = `${manifest.name} source-clickhouse ${manifest.version}`;
