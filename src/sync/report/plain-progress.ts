import { formatNumber } from '../../shared/format.ts';
import type { Progress } from '../progress.ts';
import { formatProgress } from './format.ts';
import type { ProgressDisplay } from './progress-display.ts';

/** How often a line is of use in a log, in milliseconds. */
const LINE_INTERVAL_MS = 10_000;

/** A line now and then, for where no terminal is. */
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
