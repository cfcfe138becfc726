import { LINE_FEED } from '../../shared/ascii.ts';
import { readCursor, readFullHash, readRowHash } from '../query/record-line.ts';
import { type EmittedRows, MAX_EMITTED_ROWS } from '../state/emitted-rows.ts';

/** What is to be written of a page whose rows had to be looked at one by one. */
export type NewRows = {
  lines: Buffer;
  rows: number;
  /** The cursor of the last row that can get no more company; undefined when there was none. */
  lastBeforeLookback: string | undefined;
  /** The cursor of a row for which there is no more memory: it and all behind it are left to a later run. */
  overflowCursor: string | undefined;
};

/** The same, and how many rows of the page were looked at: those behind them were neither written nor remembered. */
export type ExaminedRows = NewRows & { examined: number };

/**
 * The rows of a page that no run has emitted yet. Those that may still get company are remembered.
 *
 * @param page whole row lines, each with its line feed.
 * @param emittedByFullHash remembers the same rows by the hash of all their columns, when there is one.
 * @param maxRows so many are written at the most; those behind the last of them are not looked at.
 */
export function dropEmitted(
  page: Buffer,
  cursorColumn: string,
  { emitted, emittedByFullHash }: { emitted: EmittedRows; emittedByFullHash: EmittedRows | undefined },
  maxRows: number,
): ExaminedRows {
  const unsent: Buffer[] = [];
  let examined = 0;
  let lastBeforeLookback: string | undefined;
  let overflowCursor: string | undefined;
  for (let start = 0; start < page.length && unsent.length < maxRows; ) {
    const end = page.indexOf(LINE_FEED, start);
    const line = page.subarray(start, end);
    const cursor = readCursor(line, cursorColumn);
    const hash = readRowHash(line);
    const isInLookback = emitted.isInLookback(cursor);
    if (!emitted.recognize(cursor, hash)) {
      if (isInLookback && emitted.size >= MAX_EMITTED_ROWS) {
        overflowCursor = cursor;
        break;
      }
      emitted.add(cursor, hash);
      unsent.push(page.subarray(start, end + 1));
    }
    if (isInLookback) emittedByFullHash?.add(cursor, readFullHash(line));
    else lastBeforeLookback = cursor;
    examined += 1;
    start = end + 1;
  }
  return { lines: Buffer.concat(unsent), rows: unsent.length, lastBeforeLookback, overflowCursor, examined };
}
