import { basename } from 'node:path';
import type { RunRecord } from '../history/run-record.ts';
import type { RunListener } from '../run-listener.ts';
import type { MetricsOptions } from './options.ts';
import { decideReadiness } from './readiness.ts';
import { RunMetrics } from './run-metrics.ts';
import { serveMetrics } from './server.ts';
import { readCounters, writeMetricsFile } from './textfile.ts';

export type MetricsContext = {
  /** Earlier runs with the same state, the newest last. */
  runs: readonly RunRecord[];
  /** The maximum age of the newest delivered row, in milliseconds; undefined if it may have any age. */
  staleAfterMs: number | undefined;
  now: () => number;
  /** Called with the URL of the server when it listens. */
  onListening: (url: string) => void;
};

/** Metrics that are exported. `listener` must be called for every run. */
export type ExportedMetrics = { listener: RunListener; close: () => Promise<void> };

/**
 * Starts to export metrics. A file is written immediately, so that an error is found before the first run, and again after each
 * run.
 *
 * @throws ConnectorError (config_error) if the file can't be written, or if the server can't listen.
 */
export async function startMetrics(
  { listen, file }: MetricsOptions,
  context: MetricsContext,
): Promise<ExportedMetrics> {
  const { runs, staleAfterMs, now, onListening } = context;
  const metrics = new RunMetrics(runs, file === undefined ? [] : await readCounters(file));
  const writeFile = async (): Promise<void> => {
    if (file === undefined) return;
    // node_exporter rejects two files with the same metrics and labels. So the name of the file is a label, because files in one
    // folder have different names.
    const text = await metrics.format({ sync: basename(file, '.prom') });
    await writeMetricsFile(file, text, metrics.counters);
  };
  await writeFile();
  const server =
    listen &&
    (await serveMetrics(listen, {
      formatMetrics: () => metrics.format({}, now()),
      decideReadiness: () => decideReadiness(metrics, staleAfterMs, now()),
    }));
  if (server !== undefined) onListening(server.url);
  return {
    listener: {
      progress: (...reported) => metrics.progress(...reported),
      runEnded: async (record) => {
        await metrics.runEnded(record);
        await writeFile();
      },
    },
    close: async () => server?.close(),
  };
}
