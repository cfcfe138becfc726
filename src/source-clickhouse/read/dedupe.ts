import { fullHash, rowHash } from '../pages/page-cutter.ts';
import { cursorInLine } from '../query/record-line.ts';
import { MOST_RECENT_ROWS, type RecentRows } from '../state/emitted-rows.ts';

const LINE_FEED = 0x0a;

/** What is to be written of a page whose rows had to be looked at one by one. */
export type UnsentRows = {
  lines: Buffer;
  rows: number;
  /** The cursor of the last row that can get no more company; undefined when there was none. */
  settledUpTo: string | undefined;
  /** The cursor of a row for which there is no more memory: it and all behind it are left to a later run. */
  heldBackFrom: string | undefined;
};

/** The same, and how many rows of the page were looked at: those behind them were neither written nor remembered. */
export type LookedAtRows = UnsentRows & { lookedAt: number };

/**
 * The rows of a page that no run has emitted yet. Those that may still get company are remembered.
 *
 * @param page whole row lines, each with its line feed.
 * @param wider remembers the same rows by the hash of all their columns, when there is one.
 * @param most so many are written at the most; those behind the last of them are not looked at.
 */
export function unsentRows(
  page: Buffer,
  cursorColumn: string,
  { recent, wider }: { recent: RecentRows; wider: RecentRows | undefined },
  most: number,
): LookedAtRows {
  const unsent: Buffer[] = [];
  let lookedAt = 0;
  let settledUpTo: string | undefined;
  let heldBackFrom: string | undefined;
  for (let start = 0; start < page.length && unsent.length < most; ) {
    const end = page.indexOf(LINE_FEED, start);
    const line = page.subarray(start, end);
    const cursor = cursorInLine(line, cursorColumn);
    const hash = rowHash(line);
    const isRecent = recent.isRecent(cursor);
    if (!recent.wasEmitted(cursor, hash)) {
      if (isRecent && recent.size >= MOST_RECENT_ROWS) {
        heldBackFrom = cursor;
        break;
      }
      recent.add(cursor, hash);
      unsent.push(page.subarray(start, end + 1));
    }
    if (isRecent) wider?.add(cursor, fullHash(line));
    else settledUpTo = cursor;
    lookedAt += 1;
    start = end + 1;
  }
  return { lines: Buffer.concat(unsent), rows: unsent.length, settledUpTo, heldBackFrom, lookedAt };
}
