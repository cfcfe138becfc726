import xterm, { type IBufferCell } from '@xterm/headless';
import type { Cast } from './cast.ts';

/** How a run of characters looks. Colours are those of the palette, or undefined for the terminal's own. */
type Style = { colour: string | undefined; background: string | undefined; bold: boolean; dim: boolean };

/** Characters of a line with one style. @property column where it begins. @property width in columns. */
export type Run = Style & { text: string; column: number; width: number };

export type Line = readonly Run[];

/** What the terminal shows from a time on, in seconds. */
export type Frame = { at: number; lines: readonly Line[] };

/** Output that follows within this time is in the same frame, in seconds. */
const SAME_FRAME = 0.03;

/** The 16 colours of a terminal, readable on a dark background. */
const PALETTE = [
  '#484f58',
  '#ff7b72',
  '#3fb950',
  '#d29922',
  '#58a6ff',
  '#bc8cff',
  '#39c5cf',
  '#b1bac4',
  '#6e7681',
  '#ffa198',
  '#56d364',
  '#e3b341',
  '#79c0ff',
  '#d2a8ff',
  '#56d4dd',
  '#f0f6fc',
];

/** Plays a recording in a terminal emulator, and returns what it shows. */
export async function playFrames({ columns, rows, events }: Cast): Promise<Frame[]> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const frames: Frame[] = [];
  for (const [index, { at, data }] of events.entries()) {
    await new Promise<void>((resolve) => terminal.write(data, resolve));
    const next = events[index + 1];
    if (next === undefined || next.at - at > SAME_FRAME) frames.push({ at, lines: readLines(terminal, rows) });
  }
  return frames;
}

function readLines({ buffer }: xterm.Terminal, rows: number): Line[] {
  return Array.from({ length: rows }, (_, row) => {
    const line = buffer.active.getLine(buffer.active.viewportY + row);
    const runs: Run[] = [];
    for (let column = 0; column < (line?.length ?? 0); column += 1) {
      const cell = line?.getCell(column);
      // The second half of a wide character.
      if (cell === undefined || cell.getWidth() === 0) continue;
      addCell(runs, cell, column);
    }
    return runs.filter(({ text, background }) => text.trim() !== '' || background !== undefined);
  });
}

function addCell(runs: Run[], cell: IBufferCell, column: number): void {
  const text = cell.getChars() || ' ';
  const style = styleOf(cell);
  const last = runs.at(-1);
  if (last !== undefined && isSameStyle(last, style)) {
    last.text += text;
    last.width += cell.getWidth();
  } else {
    runs.push({ ...style, text, column, width: cell.getWidth() });
  }
}

function styleOf(cell: IBufferCell): Style {
  const colour = cell.isFgDefault() ? undefined : PALETTE[cell.getFgColor()];
  const background = cell.isBgDefault() ? undefined : PALETTE[cell.getBgColor()];
  const shown =
    cell.isInverse() === 0 ? { colour, background } : { colour: background, background: colour ?? PALETTE[7] };
  return { ...shown, bold: cell.isBold() !== 0, dim: cell.isDim() !== 0 };
}

function isSameStyle(a: Style, b: Style): boolean {
  return a.colour === b.colour && a.background === b.background && a.bold === b.bold && a.dim === b.dim;
}
