import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import manifest from '../../../package.json' with { type: 'json' };
import { codeOf } from '../../protocol/errors.ts';
import { explainFileError } from '../../protocol/file-errors.ts';
import { syncError } from '../../runner/errors.ts';
import type { MetricFamily } from './definitions.ts';

/** Every user can read the file, because node_exporter runs as another user. It contains numbers and names of tables. */
const FILE_MODE = 0o644;

/** The start of the line with the counters. Prometheus' format ignores it as a comment. */
const COUNTERS_START = '# counters ';

/** Accepts only counters that this version has written, because another version may count differently. */
const countersSchema = z.object({
  version: z.literal(manifest.version),
  counters: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['counter', 'histogram']),
      help: z.string(),
      aggregator: z.literal('sum'),
      values: z.array(
        z.object({
          labels: z.record(z.string(), z.union([z.string(), z.number()])),
          value: z.number(),
          metricName: z.string().optional(),
        }),
      ),
    }),
  ),
});

/**
 * Reads the counters that the last run left in a metrics file. The next run continues from them. If each run started at 0, and a
 * run with 100 rows was followed by a run with 150 rows, Prometheus would only see 50 more rows. Without a file that was written
 * by this version, the counters start at 0, which Prometheus handles as a counter reset.
 */
export async function readCounters(path: string): Promise<readonly MetricFamily[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw explainUnusableFile(path, error);
  });
  const line = text.split('\n').find((each) => each.startsWith(COUNTERS_START));
  if (line === undefined) return [];
  try {
    return countersSchema.parse(JSON.parse(line.slice(COUNTERS_START.length))).counters;
  } catch {
    return [];
  }
}

/**
 * Replaces a metrics file atomically, so that node_exporter never reads half of it.
 *
 * @param metrics in Prometheus' text format.
 * @param counters the counters that the next run continues from.
 * @throws ConnectorError (config_error) if the file can't be written.
 */
export async function writeMetricsFile(path: string, metrics: string, counters: readonly object[]): Promise<void> {
  const carried = JSON.stringify({ version: manifest.version, counters });
  try {
    await writeFileAtomic(path, `${metrics}${COUNTERS_START}${carried}\n`, { mode: FILE_MODE, fsync: false });
  } catch (error) {
    throw explainUnusableFile(path, error);
  }
}

function explainUnusableFile(path: string, cause: unknown) {
  return syncError(
    'metrics_unusable',
    `Can't write the metrics file ${path}: ${explainFileError(path, cause, 'Choose a file in a folder that you can write to')}.`,
    { cause },
  );
}
