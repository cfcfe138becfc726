import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DestinationMetrics } from '../protocol/analytics.ts';
import { streamKey } from '../protocol/catalog.ts';
import { type GivenConfiguration, readWrittenConfiguration } from '../protocol/configuration/configuration.ts';
import { asConnectorError, type ConnectorError } from '../protocol/errors.ts';
import { callWithConfiguration } from '../runner/call-with-configuration.ts';
import { buildCatalog, chooseStreams, explainSeveralStreams } from '../runner/catalog.ts';
import { checkConfigurations } from '../runner/check-configurations.ts';
import { syncError } from '../runner/errors.ts';
import { findExposedSecrets } from '../runner/exposed-secrets.ts';
import type { DiscoveredStream, StateMessage } from '../runner/messages.ts';
import { createTempFolder } from '../runner/temp-folder.ts';
import { plural } from '../shared/format.ts';
import { ConnectorLogs } from './connector-logs.ts';
import type { SyncContext } from './context.ts';
import { discoverStreams } from './discover.ts';
import { type RunCursors, recordCursors } from './history/run-record.ts';
import { type Progress, RunProgress } from './progress.ts';
import type { Component } from './report/reporter.ts';
import type { Outcome, RunDetails, RunResult, SavedState, StreamResult } from './result.ts';
import { StateSaver } from './state/saver.ts';
import type { StateStore } from './state/store.ts';
import { SyncState } from './state/sync-state.ts';
import { Transfer, type TransferCalls, type TransferResult } from './transfer.ts';

export type RunOptions = {
  source: GivenConfiguration;
  destination: GivenConfiguration;
  /** Names of streams. If empty, the only stream of the source is synced or, with `allStreams`, all of its streams. */
  streams: readonly string[];
  allStreams: boolean;
  limit: number | undefined;
  fullRefresh: boolean;
  /** Whether to warn of secrets in the configurations that other users can read. */
  warnOfExposedSecrets?: boolean;
  /**
   * Whether a first run fails at once if no ClickHouse answers. A sync on a schedule retries, as the server may still be starting.
   */
  failFast?: boolean;
  /** The arguments of `write` for a log of its requests. */
  requestLogArguments?: readonly string[];
};

type RunContext = SyncContext & {
  store: StateStore;
  /** Called about once a second while rows are sent, with the counts so far. */
  onProgress: (progress: Progress, metrics: DestinationMetrics, readCursors: () => RunCursors) => void;
};

/** What is found out in the course of a run. */
type Findings = {
  isDryRun: boolean;
  syncState: SyncState | undefined;
  /** The streams of the run; undefined until they are known. */
  streams: readonly DiscoveredStream[] | undefined;
};

/** How a run ended, and the state that it left. */
type RunEnd = Pick<RunResult, 'outcome' | 'state'>;

/** Runs `read` and `write` once, and passes the rows from one to the other. It never throws: the result contains the errors. */
export async function runOnce(options: RunOptions, context: RunContext): Promise<RunResult & RunDetails> {
  const { now } = context;
  const startedAt = now();
  const progress = new RunProgress(now);
  const findings: Findings = { isDryRun: false, syncState: undefined, streams: undefined };
  const { outcome, state } = await discoverAndTransfer(options, context, progress, findings).catch(
    (error: unknown): RunEnd => ({
      outcome: { kind: 'failed', errors: [asConnectorError(error)] },
      state: { kind: 'untouched' },
    }),
  );
  const { rowsRead, rowsAccepted, rowsRejected } = progress.current;
  return {
    ...{ outcome, rowsRead, rowsAccepted, rowsRejected, milliseconds: now() - startedAt, state },
    startedAt,
    syncMode: syncModeOf(options),
    isDryRun: findings.isDryRun,
    rejectedByCode: withoutZeros(progress.metrics?.rows_rejected ?? {}),
    serverClockOffsetMs: progress.serverClockOffsetMs,
    streams: listStreamResults(findings, progress),
  };
}

function withoutZeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function syncModeOf({ fullRefresh }: RunOptions): RunDetails['syncMode'] {
  return fullRefresh ? 'full_refresh' : 'incremental';
}

function listStreamResults({ streams, syncState }: Findings, progress: RunProgress): StreamResult[] {
  const positions = syncState?.positions;
  return (streams ?? [...(positions?.values() ?? [])]).map(({ name, namespace }) => {
    const key = streamKey({ name, namespace });
    return { name, namespace, ...progress.settledOf(key), position: positions?.get(key) };
  });
}

async function discoverAndTransfer(
  options: RunOptions,
  context: RunContext,
  progress: RunProgress,
  findings: Findings,
): Promise<RunEnd> {
  const { reporter, stop, store } = context;
  const { source, destination, fullRefresh } = options;
  const syncState = fullRefresh ? undefined : await SyncState.open(store);
  findings.syncState = syncState;
  const warn = (role: Component, message: string): void => reporter.log('WARN', role, message);
  await checkConfigurations({ source, destination }, { environment: process.env, warn });
  const exposed = options.warnOfExposedSecrets === true ? await findExposedSecrets(options) : undefined;
  if (exposed !== undefined) warn('sync', exposed);
  const isDryRun = await readIsDryRun(destination);
  const startFrom = await readStartFrom(source);
  findings.isDryRun = isDryRun;
  const logs = new ConnectorLogs(reporter, () => progress.current.rowsRead > 0);
  const failFast = options.failFast === true && syncState !== undefined && !syncState.hasStates;
  const discovered = await discoverStreams(context, source, { logs, failFast });
  if (stop.aborted) return { outcome: describeStop(context), state: { kind: 'untouched' } };
  const streams = selectStreams(discovered, options);
  findings.streams = streams;
  const syncMode = syncModeOf(options);

  const folder = await createTempFolder();
  try {
    const write = async (name: string, text: string): Promise<string> => {
      const path = join(folder.path, name);
      await writeFile(path, text, { mode: 0o600 });
      return path;
    };
    const catalog = await write('catalog.json', JSON.stringify(buildCatalog(streams, syncMode)));
    reporter.runStarted({ streams, syncMode, resumes: syncState?.hasStates === true, startFrom });

    // `read` gets a copy of the state, because the store need not be a file, and so that `read` continues from exactly the state
    // that was checked.
    const state = syncState?.text === undefined ? [] : ['--state', await write('state.json', syncState.text)];
    const limit = options.limit === undefined ? [] : ['--limit', `${options.limit}`];
    const common = ['--catalog', catalog, '--report-metrics'];
    return await transferRows({ ...context, progress, logs }, findings, {
      read: callWithConfiguration('read', source, [...common, ...state, ...limit]),
      write: callWithConfiguration('write', destination, [...common, ...(options.requestLogArguments ?? [])]),
    });
  } finally {
    folder.remove();
  }
}

/** Selects the streams to sync: the ones that the user named, all streams with --all-streams, or the only stream. */
function selectStreams(discovered: readonly DiscoveredStream[], options: RunOptions): readonly DiscoveredStream[] {
  const streams = chooseStreams(discovered, options.streams);
  // A table or view that was created since the last run must not be sent unless the user asks for it: events can't be unsent.
  if (streams.length > 1 && options.streams.length === 0 && !options.allStreams) {
    throw explainSeveralStreams(streams, 'Choose with --stream, or send all of them with --all-streams.');
  }
  return streams;
}

async function transferRows(
  context: RunContext & { progress: RunProgress; logs: ConnectorLogs },
  findings: Findings,
  calls: TransferCalls,
): Promise<RunEnd> {
  const { reporter, progress, stop, stopAtOnce } = context;
  const { syncState, isDryRun } = findings;
  const saveFailed = new AbortController();
  const onSaveError = (): void => {
    const message = "The state file can't be written (details below). Stopping: sending what was already read.";
    if (!stopAtOnce.aborted) reporter.log('WARN', 'sync', message);
    saveFailed.abort();
  };
  const saver = syncState && new StateSaver(syncState, onSaveError);
  const onState = (message: StateMessage): void => saver?.put(message);
  const readCursors = (): RunCursors => recordCursors(listStreamResults(findings, progress), progress);
  const onMetrics = (metrics: DestinationMetrics): void => context.onProgress(progress.current, metrics, readCursors);
  const transfer = await Transfer.start({ ...context, stopSource: saveFailed.signal, onState, onMetrics }, calls);

  const ticker = setInterval(() => reporter.progress(progress.live), reporter.progressIntervalMs);
  try {
    // The states that the destination echoed are saved even if the transfer fails.
    const { errors: transferErrors, destinationReported } = await transfer
      .run()
      .catch((error: unknown): TransferResult => ({ errors: [asConnectorError(error)], destinationReported: false }));
    const saveError = await saver?.close();
    reporter.lastProgress(progress.current);
    const errors = saveError === undefined ? [...transferErrors] : [...transferErrors, saveError];
    if (errors.length === 0 && !stop.aborted) errors.push(...explainUnaccountedRows(progress, isDryRun));
    return {
      outcome: decideOutcome(errors, context),
      state:
        saveError?.code === 'state_file_changed'
          ? { kind: 'changed' }
          : describeSavedState(syncState, saver, progress, isDryRun || destinationReported),
    };
  } finally {
    clearInterval(ticker);
  }
}

function decideOutcome([first, ...others]: readonly ConnectorError[], context: SyncContext): Outcome {
  if (first !== undefined) return { kind: 'failed', errors: [first, ...others] };
  return context.stop.aborted ? describeStop(context) : { kind: 'complete' };
}

function describeStop({ stopAtOnce }: SyncContext): Outcome {
  return { kind: 'stopped', atOnce: stopAtOnce.aborted };
}

/**
 * Describes the state that a run left.
 *
 * @param isReported whether the user already knows if Batch may have rows that come after the last echoed state. The
 * destination's error says so, and a dry run sends nothing. The saved state may be older than the last echoed state.
 */
function describeSavedState(
  syncState: SyncState | undefined,
  saver: StateSaver | undefined,
  progress: RunProgress,
  isReported: boolean,
): SavedState {
  if (syncState === undefined || saver === undefined) return { kind: 'untouched' };
  const { rowsRead, rowsAccepted, rowsRejected } = progress.current;
  const mayComeTwice = !isReported || rowsAccepted + rowsRejected > saver.savedRows;
  return {
    kind: 'kept',
    rowsToComeAgain: rowsRead - saver.savedRows,
    mayComeTwice,
    positions: syncState.describePositions(),
  };
}

/**
 * Returns an error if both connectors succeeded, but rows were lost: every row that was read must have been accepted or rejected.
 * In a dry run, the number of accepted and rejected rows must be 0.
 */
function explainUnaccountedRows(progress: RunProgress, isDryRun: boolean): ConnectorError[] {
  const { rowsRead, rowsAccepted, rowsRejected } = progress.current;
  const settled = rowsAccepted + rowsRejected;
  if (settled === (isDryRun ? 0 : rowsRead)) return [];
  return [
    syncError(
      'rows_unaccounted',
      `${rowsRead} ${plural(rowsRead, 'row was', 'rows were')} read, but ${settled} were accepted or rejected${isDryRun ? ' in a dry run, which should send none' : ''}. This is a bug in the connectors. Please report it with the messages above.`,
    ),
  ];
}

/** Reads only `dry_run`. The destination checks the whole configuration, and reports a `dry_run` that is not a boolean. */
const dryRunSchema = z.looseObject({ dry_run: z.boolean().catch(false) });

/** Reads whether the configuration of the destination asks for a dry run, which sends nothing. */
async function readIsDryRun(destination: GivenConfiguration): Promise<boolean> {
  return dryRunSchema.parse((await readWrittenConfiguration(destination, undefined)).value).dry_run;
}

/** Reads only `start_from`. The source checks its whole configuration, and reports a `start_from` that is not a string. */
const startFromSchema = z.looseObject({ start_from: z.string().optional().catch(undefined) });

/** Reads the option of the source that says where the first run begins. */
async function readStartFrom(source: GivenConfiguration): Promise<string | undefined> {
  return startFromSchema.parse((await readWrittenConfiguration(source, undefined)).value).start_from;
}
