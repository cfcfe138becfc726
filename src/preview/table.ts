import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

type Colour = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** The width of a terminal, and its colours if it has some. */
export type Terminal = { width: number; paint: (colour: Colour, text: string) => string };

/** The width without a terminal, or of one that doesn't report it. */
const USUAL_WIDTH = 80;

/** A text on one line, with or without a colour. */
export type Cell = { text: string; colour?: Colour | undefined };

/** Characters between two columns. */
const GAP = 2;

/** The maximum width of a column, except for the last one of a wrapped table. Longer cells are truncated. */
const WIDEST = 26;

/** The minimum width of the last column of a wrapped table. */
const NARROWEST_REST = 20;

/** Describes a stream that people read. It has colours only if it is a terminal with colours, and NO_COLOR is not set. */
export function describeTerminal(stream: Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'hasColors'>>): Terminal {
  const hasColours = stream.isTTY === true && stream.hasColors?.() === true;
  return {
    width: stream.columns ?? USUAL_WIDTH,
    paint: (colour, text) => (hasColours && text !== '' ? styleText(colour, text, { validateStream: false }) : text),
  };
}

/** Lays out rows as one table, or as several below each other if one would be wider than the terminal. */
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

/** Lays out rows as one table, whose last column takes the remaining width and is wrapped. */
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

/** After how many columns, at least one, the terminal is full. */
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

/** Truncates a text that is too wide. cli-truncate 5 lets a wide character go beyond the limit. */
function truncateCell(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let shown = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment);
    // The last place is for the ellipsis.
    if (used > width - 1) break;
    shown += segment;
  }
  return `${shown}…`;
}
