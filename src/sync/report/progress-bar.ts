import type { WriteStream } from 'node:tty';
import { MultiBar, type SingleBar } from 'cli-progress';
import { formatCompact, formatNumber } from '../../shared/format.ts';
import type { Progress } from '../progress.ts';
import { formatProgress } from './format.ts';
import type { ProgressDisplay } from './reporter.ts';

const REDRAW_MS = 200;

/** The minimum and maximum length of the bar, in characters. Between these limits, it fills the space beside the text. */
const SHORTEST_BAR = 4;
const LONGEST_BAR = 30;

/** The assumed width of a terminal that doesn't report its width. */
const USUAL_COLUMNS = 80;

/** Shows a progress bar at the bottom of a terminal, with all other lines above it. */
export class ProgressBar implements ProgressDisplay {
  readonly intervalMs = REDRAW_MS;
  readonly #terminal: WriteStream;
  #bars: MultiBar | undefined;
  #bar: SingleBar | undefined;
  #line = '';

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  show(progress: Progress): void {
    this.#line = drawBar(progress, this.#terminal.columns);
    this.#bars ??= new MultiBar({
      stream: this.#terminal,
      clearOnComplete: true,
      // With false, the library would also truncate the lines above the bar. The bar itself is never wider than the terminal.
      linewrap: true,
      format: () => this.#line,
    });
    this.#bar ??= this.#bars.create(1, 0);
    this.#bars.update();
  }

  line(text: string): void {
    if (this.#bars === undefined) this.#terminal.write(`${text}\n`);
    else {
      this.#bars.log(`${text}\n`);
      this.#bars.update();
    }
  }

  end(): void {
    this.#bars?.stop();
    this.#bars = undefined;
    this.#bar = undefined;
  }
}

/** Formats progress as a line with a bar. @param given the width of the terminal, if the terminal reports it. */
export function drawBar(progress: Progress, given: number | undefined): string {
  const columns = given || USUAL_COLUMNS;
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

  line(text: string): void {
    this.#write(`${text}\n`);
  }

  end(): void {}
}
