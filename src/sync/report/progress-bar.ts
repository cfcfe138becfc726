import type { WriteStream } from 'node:tty';
import { StatusLine } from '../../runner/terminal/status-line.ts';
import { formatCompact, formatNumber } from '../../shared/format.ts';
import type { Progress } from '../progress.ts';
import { formatProgress } from './format.ts';
import type { ProgressDisplay } from './reporter.ts';

const REDRAW_MS = 200;

/** The minimum and maximum length of the bar, in characters. Between these limits, the bar fills the space beside the text. */
const SHORTEST_BAR = 4;
const LONGEST_BAR = 30;

/** Shows a progress bar at the bottom of a terminal, with all other lines above it. */
export class ProgressBar implements ProgressDisplay {
  readonly intervalMs = REDRAW_MS;
  readonly #line: StatusLine;
  readonly #toCharset: (text: string) => string;

  /** @param toCharset replaces the characters of the bar that the terminal can't show. */
  constructor(terminal: WriteStream, toCharset: (text: string) => string) {
    this.#line = new StatusLine(terminal);
    this.#toCharset = toCharset;
  }

  show(progress: Progress): void {
    this.#line.show((columns) => this.#toCharset(drawBar(progress, columns)));
  }

  showWaiting(text: string): void {
    this.#line.show((columns) => text.slice(0, columns - 1));
  }

  line(text: string): void {
    this.#line.print(text);
  }

  end(): void {
    this.#line.clear();
  }
}

/** Formats progress as a line with a bar. @param columns the width of the terminal. */
export function drawBar(progress: Progress, columns: number): string {
  const words = formatProgress(progress, formatCompact);
  const { rowsEstimated, rowsAccepted, rowsRejected } = progress;
  if (rowsEstimated === undefined || rowsEstimated === 0) return words.slice(0, columns - 1);
  const share = Math.min(1, (rowsAccepted + rowsRejected) / rowsEstimated);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const room = columns - 1 - percent.length - words.length - 2;
  const length = Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, room));
  const done = Math.round(share * length);
  return `${percent} ${'█'.repeat(done)}${'░'.repeat(length - done)} ${words}`.slice(0, columns - 1);
}

/** The time between two lines of progress, in milliseconds. */
const LINE_INTERVAL_MS = 10_000;

/** Writes a line of progress at regular intervals, for output that is not an interactive terminal. */
export class PlainProgress implements ProgressDisplay {
  readonly intervalMs = LINE_INTERVAL_MS;
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  show(progress: Progress): void {
    this.line(formatProgress(progress, formatNumber));
  }

  showWaiting(text: string): void {
    this.line(text);
  }

  line(text: string): void {
    this.#write(`${text}\n`);
  }

  end(): void {}
}
