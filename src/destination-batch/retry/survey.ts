import { type ConfiguredCatalog, streamKey } from '../../protocol/catalog.ts';
import { splitLines } from '../../protocol/lines.ts';
import type { StoredFiles } from '../rejected/stored-files.ts';
import type { RunCatalog, SourceFile } from './inventory.ts';
import type { RowChecks } from './row-checks.ts';
import { type Decision, parseStoredRow, type RetryFilter, Selection, type StoredRow } from './selection.ts';

/** The number of rows for each decision about them. */
export type DecisionCounts = Record<Decision, number>;

/** Files whose rows are mapped with the same catalog. */
export type FileGroup = { catalog: ConfiguredCatalog; files: SourceFile[] };

export type Survey = {
  counts: DecisionCounts;
  /** The number of rows to send that are too old for Batch. */
  tooOld: number;
  /** The files with rows to send, and the files that a retry that was killed has begun. */
  groups: FileGroup[];
};

type OpenGroup = FileGroup & { key: string; checks: RowChecks };

/** Creates the checks for the rows of a run. @param catalog the catalog of the run. */
export type CreateChecks = (catalog: ConfiguredCatalog) => RowChecks;

/** Reads all files, and finds which of their rows are to be sent. */
export async function surveyFiles(
  files: StoredFiles,
  sources: readonly SourceFile[],
  filter: RetryFilter,
  createChecks: CreateChecks,
): Promise<Survey> {
  const selection = new Selection(filter);
  const counts = { send: 0, filtered: 0, uncertain: 0, attributes: 0, over_limit: 0, unreadable: 0 };
  const groups: OpenGroup[] = [];
  let tooOld = 0;
  for (const source of sources) {
    const group = findGroup(groups, source, createChecks);
    let isTouched = source.progress !== undefined;
    for await (const { line, isUncertain } of readRows(files, source)) {
      const row = parseStoredRow(line);
      const decision = selection.decide(row, isUncertain, row !== undefined && group.checks.hasAttributes(row));
      counts[decision] += 1;
      if (decision !== 'send' || row === undefined) continue;
      isTouched = true;
      addStream(group.catalog, row);
      if (group.checks.isTooOld(row)) tooOld += 1;
    }
    if (isTouched) group.files.push(source);
  }
  return { counts, tooOld, groups: groups.filter((group) => group.files.length > 0) };
}

/** A line of a file. */
export type SourceRow = {
  /** The number of the line, counted from 0. */
  index: number;
  line: string;
  /** Whether the next run of a sync may read the row again, or a retry may have sent it. */
  isUncertain: boolean;
  /** Whether a retry that was killed may have sent the row. */
  wasSending: boolean;
};

/** Reads the rows of a file that a retry has not settled yet. */
export async function* readRows(
  files: StoredFiles,
  { name, bytes, isUncertain, progress }: SourceFile,
): AsyncGenerator<SourceRow> {
  // If someone has changed the file after the retry was killed, it is not known which rows the retry has sent.
  const isChanged = progress !== undefined && progress.bytes !== bytes;
  const settled = progress === undefined || isChanged ? 0 : progress.settled;
  let index = -1;
  for await (const { bytes: part, start, ends } of splitLines(files.read(name))) {
    let from = start;
    for (const end of ends) {
      index += 1;
      const line = part.toString('utf8', from, end);
      from = end + 1;
      if (index < settled || line === '') continue;
      const row = index;
      const wasSending =
        isChanged || (progress?.sending.some(([first, after]) => row >= first && row < after) ?? false);
      yield { index, line, isUncertain: isUncertain || wasSending, wasSending };
    }
  }
}

/** Returns the last group if it has the catalog of this file. Otherwise, adds a group. */
function findGroup(groups: OpenGroup[], { catalog }: SourceFile, createChecks: CreateChecks): OpenGroup {
  const key = catalog?.key ?? '';
  const last = groups.at(-1);
  if (last?.key === key) return last;
  const copy = copyCatalog(catalog);
  const added = { key, catalog: copy, files: [], checks: createChecks(copy) };
  groups.push(added);
  return added;
}

function copyCatalog(catalog: RunCatalog | undefined): ConfiguredCatalog {
  return { streams: [...(catalog?.catalog.streams ?? [])] };
}

/** Adds the stream of a row to a catalog that lacks it, because there is no record of the run, or because the row was edited. */
function addStream(catalog: ConfiguredCatalog, { stream: name, namespace }: StoredRow): void {
  const ofThatName = catalog.streams.filter(({ stream }) => stream.name === name);
  const key = streamKey({ name, namespace });
  if (ofThatName.length === 1 || ofThatName.some(({ stream }) => streamKey(stream) === key)) return;
  catalog.streams.push({ stream: { name, namespace }, sync_mode: 'incremental' });
}
