import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PACKAGE_ROOT } from './package-root.ts';

const manifest = z
  .object({ name: z.string(), version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')));

/** Who asks, as an administrator finds it in system.processes and system.query_log. */
export const PROGRAM = `${manifest.name} source-clickhouse ${manifest.version}`;
