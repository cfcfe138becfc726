import { createHash } from 'node:crypto';
import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { findLiveness, type ProcessOwner } from '../../shared/process-owner.ts';
import {
  parseRowFileName,
  parseRunRecordName,
  parseRunStart,
  type RowFileName,
  runRecordName,
} from '../rejected/file-names.ts';
import { parseRunRecord, type RunRecord } from '../rejected/run-record.ts';
import { readWhole, type StoredFiles } from '../rejected/stored-files.ts';
import type { FileProgress, RetryProgress } from './journal.ts';

/** The catalog of a run. `key` is the same for equal catalogs. */
export type RunCatalog = { key: string; catalog: ConfiguredCatalog };

/** A file with rejected rows. */
export type SourceFile = {
  name: string;
  /** The name of its stream, as far as the name of the file contains it. */
  stream: string;
  bytes: number;
  /** Whether the next run of a sync may read all its rows again. */
  isUncertain: boolean;
  /** The progress of a retry that was killed; undefined if it had not begun this file. */
  progress: FileProgress | undefined;
  /** Undefined if the run has no readable record, for example because an earlier version wrote the file. */
  catalog: RunCatalog | undefined;
};

export type Inventory = {
  /** In the order in which the rows were rejected. */
  files: SourceFile[];
  /** The names of the files of runs that are in progress. They are not touched. */
  inUse: string[];
};

type Run = { owner: ProcessOwner | undefined; ended: boolean; catalog: RunCatalog | undefined };

/** A run whose record is unreadable, for example because a later version wrote it. */
const UNKNOWN_RUN: Run = { owner: undefined, ended: false, catalog: undefined };

/** Lists the files with rejected rows. @param progress the progress of a retry that was killed. */
export async function takeInventory(
  files: StoredFiles,
  self: ProcessOwner,
  progress: RetryProgress,
): Promise<Inventory> {
  const found = (await files.list()).flatMap((file) => {
    const parsed = parseRowFileName(file.name);
    return parsed === undefined ? [] : [{ ...file, ...parsed }];
  });
  const runs = await readRuns(files, new Set(found.map(({ run }) => run)));
  const inventory: Inventory = { files: [], inUse: [] };
  const startOf = ({ run }: RowFileName): string => runs.get(run)?.owner?.since ?? parseRunStart(run);
  found.sort(
    (a, b) =>
      compare(startOf(a), startOf(b)) || compare(a.run, b.run) || compare(a.stream, b.stream) || a.number - b.number,
  );
  for (const { name, stream, bytes, run: runName, isUnconfirmed } of found) {
    const run = runs.get(runName);
    // Only a dry run finds files of the retry in the journal, because it does not recover them (see `recover`). They count as files
    // of a run that has ended.
    const hasEnded = run === undefined || run.ended || runName === progress.run;
    const isAlive = run?.owner !== undefined && findLiveness(run.owner, self) === 'alive';
    if (!hasEnded && isAlive) inventory.inUse.push(name);
    else {
      inventory.files.push({
        name,
        stream,
        bytes,
        isUncertain: isUnconfirmed || !hasEnded,
        progress: progress.files.find((file) => file.name === name),
        catalog: run?.catalog,
      });
    }
  }
  return inventory;
}

/**
 * Removes the records of runs that have ended or were killed, if none of their rows are left. The record of a run that may still be
 * in progress is kept, because without a record, the next rows of this run would be sent before the run has ended.
 */
export async function removeUnusedRecords(files: StoredFiles, self: ProcessOwner): Promise<void> {
  const names = (await files.list()).map(({ name }) => name);
  const inUse = new Set(names.flatMap((name) => parseRowFileName(name)?.run ?? []));
  for (const run of names.flatMap((name) => parseRunRecordName(name) ?? [])) {
    if (inUse.has(run)) continue;
    const record = await readRecord(files, run);
    if (record === undefined || record === 'unreadable') continue;
    if (record.ended || findLiveness(record.owner, self) === 'ended') await files.remove(runRecordName(run));
  }
}

/** Records that a run has ended, so that its rows are not uncertain: the next run of a sync doesn't read them again. */
export async function recordEnd(files: StoredFiles, run: string): Promise<void> {
  const record = await readRecord(files, run);
  if (record !== undefined && record !== 'unreadable')
    await files.put(runRecordName(run), `${JSON.stringify({ ...record, ended: true })}\n`);
}

/**
 * Reads the records of runs. A run stores its record before its first row. So if a run has no record, an earlier version stored its
 * rows. This is certain even if the run began while the files were listed.
 */
async function readRuns(files: StoredFiles, names: ReadonlySet<string>): Promise<Map<string, Run>> {
  const runs = new Map<string, Run>();
  // Equal catalogs are kept only once, because most runs have the same catalog, which may be large.
  const catalogs = new Map<string, RunCatalog>();
  for (const name of names) {
    const record = await readRecord(files, name);
    if (record === undefined) continue;
    if (record === 'unreadable') {
      runs.set(name, UNKNOWN_RUN);
      continue;
    }
    const key = createHash('sha256').update(JSON.stringify(record.catalog)).digest('hex');
    const catalog = catalogs.get(key) ?? { key, catalog: record.catalog };
    catalogs.set(key, catalog);
    runs.set(name, { owner: record.owner, ended: record.ended, catalog });
  }
  return runs;
}

/** Returns undefined if there is no record. */
async function readRecord(files: StoredFiles, run: string): Promise<RunRecord | 'unreadable' | undefined> {
  const text = await readWhole(files, runRecordName(run));
  return text === undefined ? undefined : (parseRunRecord(text) ?? 'unreadable');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
