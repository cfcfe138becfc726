import { Readable } from 'node:stream';
import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import type { CommandContext } from '../../protocol/command-context.ts';
import { log } from '../../protocol/messages.ts';
import type { Wait } from '../../shared/abort.ts';
import { type ProcessOwner, thisProcess } from '../../shared/process-owner.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { increment } from '../counts.ts';
import { openRejectedRowStore } from '../rejected/open-store.ts';
import type { RejectedRowSink, RejectedRowStore } from '../rejected/rejected-rows.ts';
import type { StoredFiles } from '../rejected/stored-files.ts';
import { resend } from '../write/write.ts';
import { type Decide, readBatches } from './feed.ts';
import { recordEnd, removeUnusedRecords, takeInventory } from './inventory.ts';
import { Journal, type RetryProgress, readProgress } from './journal.ts';
import { type RetryCounts, RetryLedger } from './ledger.ts';
import { openRetryPlace } from './open-place.ts';
import { RETRY_TEXTS, type RetryPlace } from './place.ts';
import { createRowChecks } from './row-checks.ts';
import { type RetryFilter, Selection } from './selection.ts';
import { type DecisionCounts, type FileGroup, type Survey, surveyFiles } from './survey.ts';

/**
 * The maximum time that a row waits for other rows to join its request, in seconds. It replaces a longer flush_interval_seconds,
 * because all rows of a retry are already there.
 */
const LINGER_SECONDS = 0.25;

export type RetryOptions = RetryFilter & { isDryRun: boolean };

/** What a retry is going to do. */
export type RetryPlan = {
  /** Whether the option or the configuration asks for a dry run. */
  isDryRun: boolean;
  counts: DecisionCounts;
  /** The number of rows to send whose events are older than `eventAgeHours`. */
  tooOld: number;
  eventAgeHours: number;
  /** The files of runs that are in progress. */
  inUse: string[];
};

export type RetryResult = {
  counts: RetryCounts;
  /** The paths or URLs of the files in which rows were stored again. */
  locations: string[];
  /** The error that ended the retry early. */
  failed: { error: unknown } | undefined;
};

export type RetryHooks = {
  /** Called before the first row is sent. */
  onPlan: (plan: RetryPlan) => void;
  wait?: Wait;
};

/** A retry in progress. */
type Run = {
  context: CommandContext;
  configuration: DestinationConfiguration;
  files: StoredFiles;
  selection: Selection;
  result: RetryResult;
};

/**
 * Sends rejected rows again, through the same session as `write`. Rows that are accepted are removed, and the others are stored
 * again.
 *
 * @throws ConnectorError if the retry can't begin. An error after that is part of the result.
 */
export async function retry(
  context: CommandContext,
  configuration: DestinationConfiguration,
  options: RetryOptions,
  hooks: RetryHooks,
): Promise<RetryResult> {
  const place = await openRetryPlace(configuration.rejected_rows, configuration.retry_minutes * 60_000);
  const counts: RetryCounts = { accepted: 0, rejected: new Map(), uncertain: 0 };
  const run: Run = {
    context,
    configuration: {
      ...configuration,
      dry_run: configuration.dry_run || options.isDryRun,
      flush_interval_seconds: Math.min(configuration.flush_interval_seconds, LINGER_SECONDS),
    },
    files: place.files,
    selection: new Selection(options),
    result: { counts, locations: [], failed: undefined },
  };
  try {
    if (run.configuration.dry_run) await rehearse(run, place, options, hooks);
    else await retryWithJournal(run, place, options, hooks);
  } finally {
    place.close();
  }
  return run.result;
}

async function retryWithJournal(
  run: Run,
  { files, journal: journalPlace, rollBack }: RetryPlace,
  filter: RetryFilter,
  hooks: RetryHooks,
): Promise<void> {
  const { context, result } = run;
  const self = thisProcess(context.now());
  const onWaiting = (owner: string): void => {
    const message = `A retry of ${owner} may be running on another machine. Waiting for a few seconds to find out.`;
    context.output.write(log('WARN', message)).catch(() => {});
  };
  const journal = await Journal.open(journalPlace, self, { stop: context.stop, wait: hooks.wait, onWaiting });
  if (journal === undefined) return;
  try {
    await recover(journal, files, rollBack);
    const survey = await plan(run, self, journal.progress, filter, hooks);
    for (const group of survey.groups) {
      if (context.stop.aborted || result.failed !== undefined) break;
      await retryGroup(run, journal, group);
    }
    await removeUnusedRecords(files, self);
  } finally {
    await journal.close();
  }
}

/** Cleans up after a retry that was killed, so that its own files become like those of any other run. */
async function recover(journal: Journal, files: StoredFiles, rollBack: RetryPlace['rollBack']): Promise<void> {
  const { run, position, files: begun } = journal.progress;
  if (run !== null) {
    await rollBack(run, position);
    await recordEnd(files, run);
  }
  const present = new Set((await files.list()).map(({ name }) => name));
  await journal.save({ run: null, position: {}, files: begun.filter(({ name }) => present.has(name)) });
}

async function plan(
  { context, configuration, files }: Run,
  self: ProcessOwner,
  progress: RetryProgress,
  filter: RetryFilter,
  { onPlan }: RetryHooks,
): Promise<Survey> {
  const inventory = await takeInventory(files, self, progress);
  const now = context.now();
  const survey = await surveyFiles(files, inventory.files, filter, (catalog) =>
    createRowChecks(configuration, catalog, now),
  );
  onPlan({
    isDryRun: configuration.dry_run,
    counts: survey.counts,
    tooOld: survey.tooOld,
    eventAgeHours: configuration.limits.event_age_hours,
    inUse: inventory.inUse,
  });
  return survey;
}

/** Retries the rows of files that have the same catalog. */
async function retryGroup(run: Run, journal: Journal, group: FileGroup): Promise<void> {
  const { context, configuration, files, result } = run;
  const { rejected_rows: options, retry_minutes: minutes } = configuration;
  const store = await openRejectedRowStore(options, group.catalog, context.now(), minutes * 60_000, RETRY_TEXTS);
  if (store === undefined) return;
  const ledger = new RetryLedger({ files, store, journal, counts: result.counts, now: context.now });
  let isSettled = false;
  try {
    await store.checkWritable();
    // If this retry is killed from now on, the next one removes the files of this one, except for the parts that the journal names.
    await journal.save({ run: store.run, position: {}, files: ledger.progress });
    await sendGroup(run, group, ledger);
    await ledger.finish();
    await keepRest(run, group, ledger);
    isSettled = true;
  } catch (error) {
    result.failed ??= { error };
  } finally {
    result.locations.push(...store.locations().confirmed);
    await closeStore(run, store, isSettled);
  }
  if (isSettled) await journal.save({ run: null, position: {}, files: ledger.progress });
}

/** Sends the rows of a group. An error is recorded in the result. */
async function sendGroup(run: Run, { catalog, files: sources }: FileGroup, ledger: RetryLedger): Promise<void> {
  const { context, configuration, files, result } = run;
  const decide = createDecide(run, catalog);
  async function* feed(): AsyncGenerator<Buffer> {
    for await (const batch of readBatches(files, sources, decide)) {
      const lines = await ledger.begin(batch);
      if (lines === undefined) return;
      yield lines;
    }
  }
  try {
    await resend(context, configuration, catalog, Readable.from(feed(), { objectMode: false }), ledger);
  } catch (error) {
    result.failed ??= { error };
  }
}

/** Returns a function that decides about the rows of runs with this catalog. */
function createDecide({ context, configuration, selection }: Run, catalog: ConfiguredCatalog): Decide {
  const { hasAttributes } = createRowChecks(configuration, catalog, context.now());
  return (row, isUncertain) => selection.decide(row, isUncertain, row !== undefined && hasAttributes(row));
}

/** Stores the rows that were not read, because the retry ended early, so that the files can be removed. */
async function keepRest({ files }: Run, group: FileGroup, ledger: RetryLedger): Promise<void> {
  for (const source of group.files) {
    const progress = ledger.progressOf(source);
    if (progress === undefined) continue;
    for await (const batch of readBatches(files, [{ ...source, progress }], () => 'filtered')) {
      await ledger.keep(batch);
    }
  }
}

async function closeStore({ result }: Run, store: RejectedRowStore, hasEnded: boolean): Promise<void> {
  try {
    await store.close(hasEnded);
  } catch (error) {
    result.failed ??= { error };
  }
}

/** Maps the rows and sends nothing. */
async function rehearse(
  run: Run,
  { files, journal }: RetryPlace,
  filter: RetryFilter,
  hooks: RetryHooks,
): Promise<void> {
  const { context, configuration, result } = run;
  const survey = await plan(run, thisProcess(context.now()), await readProgress(journal), filter, hooks);
  for (const { catalog, files: sources } of survey.groups) {
    const decide = createDecide(run, catalog);
    async function* feed(): AsyncGenerator<Buffer> {
      for await (const batch of readBatches(files, sources, decide)) {
        const lines = batch.flatMap((entry) => (entry.kind === 'row' && entry.send ? `${entry.line}\n` : []));
        yield Buffer.from(lines.join(''));
      }
    }
    const input = Readable.from(feed(), { objectMode: false });
    await resend(context, configuration, catalog, input, countOutcomes(result.counts));
  }
}

/** Counts outcomes, and stores nothing. */
function countOutcomes(counts: RetryCounts): RejectedRowSink {
  return {
    hold: () => {},
    release: () => {},
    accept: () => {
      counts.accepted += 1;
    },
    add: (_from, _line, { code }) => {
      increment(counts.rejected, code);
    },
    isAtCapacity: false,
    waitForCapacity: async () => {},
    confirm: async () => {},
    abandon: async () => {},
    locations: () => ({ confirmed: [], unconfirmed: [] }),
  };
}
