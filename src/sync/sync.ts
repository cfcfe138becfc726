import { hostname } from 'node:os';
import { asConnectorError } from '../protocol/errors.ts';
import { syncError } from '../runner/errors.ts';
import { EXIT_CODES } from '../runner/exit-codes.ts';
import { Alerts } from './alerts/alerts.ts';
import { type AlertArguments, parseAlertOptions } from './alerts/options.ts';
import type { SyncContext } from './context.ts';
import { parseDuration } from './duration.ts';
import { exitCodeOf } from './exit-code.ts';
import { RunLog } from './history/run-history.ts';
import { createRunRecord } from './history/run-record.ts';
import { type MetricsArguments, type MetricsOptions, parseMetricsOptions } from './metrics/options.ts';
import type { ExportedMetrics } from './metrics/start.ts';
import type { RunResult } from './result.ts';
import { type RunOptions, runOnce } from './run.ts';
import { type RunListener, RunListeners } from './run-listener.ts';
import { runOnSchedule } from './run-on-schedule.ts';
import { createCronSchedule, createIntervalSchedule, type Schedule } from './schedule.ts';
import { openStateStore } from './state/open-store.ts';
import { RunLock } from './state/run-lock.ts';

/** The options of `sync`. At most one of `every` and `cron` is defined. */
export type SyncOptions = RunOptions & {
  /** The location of the state. */
  state: string;
  /** The interval between the starts of two runs, as the user wrote it. */
  every: string | undefined;
  /** The cron pattern, as the user wrote it. */
  cron: string | undefined;
  /** The maximum age of the newest row sent, as the user wrote it. */
  staleAfter: string | undefined;
  alert: AlertArguments;
  metrics: MetricsArguments;
};

/**
 * Runs once, or repeatedly on a schedule until a signal arrives. The state stays locked throughout.
 *
 * @returns the exit code to use unless a signal stopped the process.
 * @throws ConnectorError if no run can start, or if the lock was lost.
 */
export async function sync(options: SyncOptions, context: SyncContext): Promise<number> {
  const { reporter, stop, now } = context;
  const schedule = parseSchedule(options, now());
  const metricsOptions = parseMetricsOptions(options.metrics, schedule !== undefined);
  const staleAfterMs = parseStaleAfter(options);
  const alertOptions = parseAlertOptions(options.alert, staleAfterMs, process.env);
  const store = await openStateStore(options.state);
  const warn = (message: string): void => reporter.log('WARN', 'sync', message);
  const runLog = new RunLog(store, warn);
  const alerts = alertOptions && new Alerts(alertOptions, { ...context, store, log: runLog, host: hostname() });
  const lock = await RunLock.acquire(store, context).catch(async (error: unknown) => {
    await alerts?.startFailed(asConnectorError(error), now());
    throw error;
  });
  if (lock === undefined) return EXIT_CODES.allAccepted;
  let metrics: ExportedMetrics | undefined;
  try {
    metrics = metricsOptions && (await exportMetrics(metricsOptions, runLog, staleAfterMs, context));
    const history: RunListener = { runEnded: (record) => runLog.add(record) };
    const observers = [history, alerts, metrics?.listener].filter((each) => each !== undefined);
    const listeners = new RunListeners(observers, warn);
    const onProgress = listeners.progress.bind(listeners);
    const running = { ...context, store, onProgress, stop: AbortSignal.any([stop, lock.lost]) };
    const failFast = schedule === undefined;
    let warnOfExposedSecrets = true;
    const run = async (): Promise<RunResult> => {
      listeners.runStarted(now());
      const runOptions = { ...options, failFast, warnOfExposedSecrets };
      warnOfExposedSecrets = false;
      const result = await lock.guard(running, (guarded) => runOnce(runOptions, guarded));
      reporter.runEnded(result);
      // After a lost lock, the state and the records belong to another process. A dry run sends nothing, so it isn't recorded.
      if (!lock.lost.aborted && !result.isDryRun) await listeners.runEnded(createRunRecord(result));
      return result;
    };
    const last = schedule === undefined ? await run() : await runOnSchedule(run, schedule, running);
    // If the lock was lost, this throws the error that explains it, unless the run has reported it.
    if (last?.outcome.kind !== 'failed') lock.lost.throwIfAborted();
    return last === undefined ? EXIT_CODES.allAccepted : exitCodeOf(last);
  } finally {
    await metrics?.close();
    await lock.release();
  }
}

/** Starts to export metrics. The code for it is loaded only now, so that a sync without metrics starts faster. */
async function exportMetrics(
  options: MetricsOptions,
  runLog: RunLog,
  staleAfterMs: number | undefined,
  { reporter, now }: SyncContext,
): Promise<ExportedMetrics> {
  const { startMetrics } = await import('./metrics/start.ts');
  const onListening = (url: string): void => reporter.log('INFO', 'sync', `Metrics: ${url}/metrics`);
  return startMetrics(options, { runs: await runLog.runs(), staleAfterMs, now, onListening });
}

function parseSchedule({ every, cron }: SyncOptions, now: number): Schedule | undefined {
  if (every !== undefined) return createIntervalSchedule(every, now);
  return cron === undefined ? undefined : createCronSchedule(cron, now);
}

function parseStaleAfter({ staleAfter, alert, metrics }: SyncOptions): number | undefined {
  if (staleAfter === undefined) return undefined;
  if (alert.alertUrl === undefined && metrics.metricsPort === undefined) {
    throw syncError('command_invalid', '--stale-after has no effect without --alert-url or --metrics-port.');
  }
  return parseDuration('--stale-after', staleAfter);
}
