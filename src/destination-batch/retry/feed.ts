import { toUncertainDeadLetter } from '../rejected/dead-letter-line.ts';
import type { StoredFiles } from '../rejected/stored-files.ts';
import type { SourceFile } from './inventory.ts';
import type { LedgerEntry } from './ledger.ts';
import { type Decision, parseStoredRow, type StoredRow } from './selection.ts';
import { readRows } from './survey.ts';

/** The maximum number of rows to send in a batch. Rows are read from the files in batches. */
const MAX_BATCH_ROWS = 250;
/** A batch ends when its lines have at least this many characters. */
const MAX_BATCH_CHARACTERS = 1024 * 1024;

/** Decides about a row. @param isUncertain see `Selection.decide`. */
export type Decide = (row: StoredRow | undefined, isUncertain: boolean) => Decision;

/** Reads the rows of files in batches, and decides for each row whether it is sent. */
export async function* readBatches(
  files: StoredFiles,
  sources: readonly SourceFile[],
  decide: Decide,
): AsyncGenerator<LedgerEntry[]> {
  let batch: LedgerEntry[] = [];
  let rows = 0;
  let characters = 0;
  for (const file of sources) {
    for await (const { index, line, isUncertain, wasSending } of readRows(files, file)) {
      const row = parseStoredRow(line);
      const send = decide(row, isUncertain) === 'send';
      const stored = wasSending && row !== undefined ? toUncertainDeadLetter(line) : line;
      batch.push({ kind: 'row', file, index, line: stored, stream: row?.stream ?? file.stream, send });
      if (send) rows += 1;
      characters += line.length;
      if (rows < MAX_BATCH_ROWS && characters < MAX_BATCH_CHARACTERS) continue;
      yield batch;
      batch = [];
      rows = 0;
      characters = 0;
    }
    batch.push({ kind: 'end', file });
  }
  if (batch.length > 0) yield batch;
}
