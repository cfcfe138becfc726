import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asConnectorError, type ConnectorError } from '../protocol/errors.ts';
import { buildCatalog, chooseStreams, explainSeveralStreams } from '../runner/catalog.ts';
import { syncError } from '../runner/errors.ts';
import { createTempFolder } from '../runner/temp-folder.ts';
import { plural } from '../shared/format.ts';
import { ConnectorLogs } from './connector-logs.ts';
import type { SyncContext } from './context.ts';
import { discoverStreams } from './discover.ts';
import { readIsDryRun } from './is-dry-run.ts';
import { RunProgress } from './progress.ts';
import type { Outcome, RunResult, SavedState } from './result.ts';
import { StateFile } from './state/file.ts';
import { StateSaver } from './state/saver.ts';
import { Transfer } from './transfer.ts';

/** What a run is to do. The first three are paths. */
export type RunOptions = {
  source: string;
  destination: string;
  state: string;
  /** By name. Without any, the only stream that the source has, or all of them if `allStreams` says so. */
  streams: readonly string[];
  allStreams: boolean;
  limit: number | undefined;
  fullRefresh: boolean;
};

/** How the transfer went, and what it left. */
type Transferred = { outcome: Outcome; state: SavedState };

/** Runs `read` into `write` once. However it goes, it is in the result. */
export async function runOnce(options: RunOptions, context: SyncContext): Promise<RunResult> {
  const { now } = context;
  const start = now();
  const progress = new RunProgress(now);
  const { outcome, state } = await transfer(options, context, progress).catch(
    (error: unknown): Transferred => ({
      outcome: { kind: 'failed', errors: [asConnectorError(error)] },
      state: { kind: 'untouched' },
    }),
  );
  const { rowsRead, rowsAccepted, rowsRejected } = progress.current;
  return { outcome, rowsRead, rowsAccepted, rowsRejected, milliseconds: now() - start, state };
}

async function transfer(options: RunOptions, context: SyncContext, progress: RunProgress): Promise<Transferred> {
  const { reporter, stop } = context;
  const { source, destination, fullRefresh } = options;
  const file = fullRefresh ? undefined : await StateFile.open(options.state);
  const isDryRun = await readIsDryRun(destination);
  const syncMode = fullRefresh ? 'full_refresh' : 'incremental';
  const logs = new ConnectorLogs(reporter);
  const discovered = await discoverStreams(context, source, logs);
  if (stop.aborted) return { outcome: describeStop(context), state: { kind: 'untouched' } };
  const streams = chooseStreams(discovered, options.streams);
  // A table or view that was added since the last run is sent only when somebody has asked for it: no event can be
  // taken back.
  if (streams.length > 1 && options.streams.length === 0 && !options.allStreams) {
    throw explainSeveralStreams(streams, 'Choose with --stream, or send all of them with --all-streams.');
  }

  const folder = await createTempFolder();
  let ticker: NodeJS.Timeout | undefined;
  try {
    const catalog = join(folder.path, 'catalog.json');
    await writeFile(catalog, JSON.stringify(buildCatalog(streams, syncMode)), { mode: 0o600 });
    reporter.runStarted({ streams, syncMode, resumes: file?.hasStates === true });

    const state = file?.exists ? ['--state', options.state] : [];
    const limit = options.limit === undefined ? [] : ['--limit', `${options.limit}`];
    const common = ['--catalog', catalog, '--env-references'];
    const onError = (): void => {
      const message =
        'The state can not be kept; why is told at the end. It ends: what has been read is still delivered.';
      reporter.log('WARN', 'sync', message);
      running.stop();
    };
    const saver = file && new StateSaver(file, onError);
    const running = new Transfer(
      { ...context, progress, logs, onState: (message) => saver?.keep(message) },
      ['--config', source, ...common, ...state, ...limit],
      ['--config', destination, ...common],
    );
    ticker = setInterval(() => reporter.progress(progress.current), reporter.progressIntervalMs);
    // Whatever happens, the states that came are kept.
    const errors = [...(await running.run().catch((error: unknown) => [asConnectorError(error)]))];
    const stateError = await saver?.close();
    reporter.lastProgress(progress.current);
    if (stateError !== undefined) errors.push(stateError);
    if (errors.length === 0 && !stop.aborted) errors.push(...explainUnaccountedRows(progress, isDryRun));

    const hasChanged = stateError?.code === 'state_file_changed';
    return {
      outcome: decideOutcome(errors, context),
      state: hasChanged
        ? { kind: 'changed' }
        : describeSavedState(file, saver, progress, isDryRun || running.destinationReported),
    };
  } finally {
    clearInterval(ticker);
    folder.remove();
  }
}

function decideOutcome([first, ...others]: readonly ConnectorError[], context: SyncContext): Outcome {
  if (first !== undefined) return { kind: 'failed', errors: [first, ...others] };
  return context.stop.aborted ? describeStop(context) : { kind: 'complete' };
}

function describeStop({ stopAtOnce }: SyncContext): Outcome {
  return { kind: 'stopped', atOnce: stopAtOnce.aborted };
}

/** @param isTold whether it is known of the rows behind the last state, which may not have been kept, if Batch has some. */
function describeSavedState(
  file: StateFile | undefined,
  saver: StateSaver | undefined,
  progress: RunProgress,
  isTold: boolean,
): SavedState {
  if (file === undefined || saver === undefined) return { kind: 'untouched' };
  const { rowsRead, rowsAccepted, rowsRejected } = progress.current;
  const mayComeTwice = !isTold || rowsAccepted + rowsRejected > saver.savedRows;
  return {
    kind: 'kept',
    rowsToComeAgain: rowsRead - saver.savedRows,
    mayComeTwice,
    positions: file.describePositions(),
  };
}

/** Both ended well, and yet other rows were settled than read: nothing may vanish. A dry run settles none. */
function explainUnaccountedRows(progress: RunProgress, isDryRun: boolean): ConnectorError[] {
  const { rowsRead, rowsAccepted, rowsRejected } = progress.current;
  const settled = rowsAccepted + rowsRejected;
  if (settled === (isDryRun ? 0 : rowsRead)) return [];
  return [
    syncError(
      'rows_unaccounted',
      `${rowsRead} ${plural(rowsRead, 'row was', 'rows were')} read, but ${settled} were accepted or rejected${isDryRun ? ' in a dry run, which settles none' : ''}. This is a fault of the connectors. Please report it with the messages above.`,
    ),
  ];
}
