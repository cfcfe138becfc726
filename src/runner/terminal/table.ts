import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Colour, Terminal } from './terminal.ts';

/** A string on one line, with or without a colour. */
export type Cell = { text: string; colour?: Colour | undefined };

/** The number of spaces between two columns. */
const GAP = 2;

/** The maximum width of a column, except for the last one of a wrapped table. Longer cells are truncated. */
const WIDEST = 26;

/** The minimum width of the last column of a wrapped table. */
const NARROWEST_REST = 20;

/** Lays out rows as a table. If it is wider than the terminal, its columns are split into several tables. */
export function layOutStackedTables(rows: readonly Cell[][], terminal: Terminal): string {
  const widths = measureColumns(rows);
  const tables: string[] = [];
  for (let from = 0; from < widths.length; ) {
    const to = findEndOfTable(widths, from, terminal.width);
    const part = rows.map((row) => row.slice(from, to));
    tables.push(layOut(part, widths.slice(from, to), false, terminal));
    from = to;
  }
  return tables.join('\n');
}

/** Lays out rows as one table. The last column takes the remaining width, and its text is wrapped. */
export function layOutWrappedTable(rows: readonly Cell[][], terminal: Terminal): string {
  const widths = measureColumns(rows).slice(0, -1);
  const rest = terminal.width - widths.reduce((sum, width) => sum + width + GAP, 0);
  return layOut(rows, [...widths, Math.max(NARROWEST_REST, rest)], true, terminal);
}

function measureColumns(rows: readonly Cell[][]): number[] {
  const [head = []] = rows;
  return head.map((_, column) =>
    Math.min(WIDEST, Math.max(1, ...rows.map((row) => stringWidth(row[column]?.text ?? '')))),
  );
}

/** Finds the end of the columns that fit into the terminal, starting at `from`. At least one column is included. */
function findEndOfTable(widths: readonly number[], from: number, most: number): number {
  let end = from + 1;
  let used = widths[from] ?? 0;
  for (; end < widths.length; end += 1) {
    used += GAP + (widths[end] ?? 0);
    if (used > most) break;
  }
  return end;
}

function layOut(rows: readonly Cell[][], widths: readonly number[], isWrapped: boolean, { paint }: Terminal): string {
  const lines = rows.flatMap((row) => {
    const cells = row.map(({ text }, column) =>
      breakIntoLines(text, widths[column] ?? 0, isWrapped && column === row.length - 1),
    );
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((cell, column) => {
          const text = cell[line] ?? '';
          const colour = row[column]?.colour;
          const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(text)));
          return (colour === undefined ? text : paint(colour, text)) + space;
        })
        .join(' '.repeat(GAP))
        .trimEnd(),
    );
  });
  return `${lines.join('\n')}\n`;
}

function breakIntoLines(text: string, width: number, isWrapped: boolean): string[] {
  return isWrapped ? wrapAnsi(text, width, { hard: true }).split('\n') : [truncateCell(text, width)];
}

/** Truncates a string that is too wide. cli-truncate 5 is not used: it lets a wide character exceed the limit. */
function truncateCell(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let shown = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment);
    // One character of the width is reserved for the ellipsis.
    if (used > width - 1) break;
    shown += segment;
  }
  return `${shown}…`;
}
