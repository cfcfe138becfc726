import type { ConnectorError } from '../../protocol/errors.ts';
import { splitLink } from '../../protocol/help-pages.ts';
import { formatErrorWithStack } from '../../protocol/messages.ts';
import { formatCount, formatDuration } from '../../shared/format.ts';
import { printableLines } from '../../shared/printable.ts';
import type { Progress } from '../progress.ts';
import type { RunResult } from '../result.ts';
import type { NextStart } from '../schedule.ts';
import { formatMoment } from './format.ts';
import type { Component, ProgressDisplay, Reporter, RunStart } from './reporter.ts';
import { summarizeRun } from './summary.ts';

/**
 * Matches the end of a message about a rejected row: the types of the columns. They would fill several lines, and `preview` shows
 * the row itself.
 */
const COLUMNS = / Its columns: .*$/s;

/** Reports to a person: progress on a display during a run, and a summary at its end. */
export class TextReporter implements Reporter {
  readonly #display: ProgressDisplay;
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  #lastShort: string | undefined;

  /**
   * @param write receives the summaries.
   * @param now milliseconds since the epoch.
   */
  constructor(display: ProgressDisplay, write: (text: string) => void, now: () => number) {
    this.#display = display;
    this.#write = write;
    this.#now = now;
  }

  get progressIntervalMs(): number {
    return this.#display.intervalMs;
  }

  runStarted({ streams, syncMode, resumes, startFrom }: RunStart): void {
    const first = startFrom === undefined ? 'all rows' : `the rows from "start_from" (${startFrom}) on`;
    const from =
      syncMode === 'full_refresh'
        ? `${first}, including rows already sent; the state does not change`
        : resumes
          ? 'the rows since the last run'
          : `${first}: there is no state yet`;
    this.#line(`${streams.map(({ name }) => name).join(', ')}: ${from}.`);
  }

  progress(progress: Progress): void {
    this.#display.show(progress);
  }

  /** Does nothing: the summary contains the final progress. */
  lastProgress(): void {}

  log(level: string, speaker: Component, message: string): void {
    const short = shortenMessage(message);
    // Skip a message about a rejected row if it differs from the previous message only in the types of the columns.
    if (short !== message && short === this.#lastShort) return;
    this.#lastShort = short;
    this.#line(`${level.padEnd(5)} ${speaker === 'sync' ? '' : `${speaker}: `}${short}`);
  }

  runEnded(result: RunResult): void {
    this.#display.end();
    if (result.outcome.kind === 'failed') for (const error of result.outcome.errors) this.failed(error);
    this.#write(`${printableLines(summarizeRun(result).join('\n'))}\n`);
  }

  nextRun({ at, skipped, failedRuns }: NextStart): void {
    const why = [
      ...(skipped ? ['a run was due during the last one and was skipped'] : []),
      ...(failedRuns > 0
        ? [`${failedRuns === 1 ? 'the last run' : `the last ${formatCount(failedRuns, 'run')}`} failed`]
        : []),
    ];
    this.#display.line(
      `Next run at ${formatMoment(at)}, in ${formatDuration(Math.max(0, at - this.#now()))}${why.length === 0 ? '' : ` (${why.join('; ')})`}.`,
    );
  }

  failed(error: ConnectorError): void {
    this.#display.end();
    this.#line(`ERROR ${formatErrorWithStack(error)}`);
  }

  /** Writes a line, with control characters escaped: names and messages from outside must not control the terminal. */
  #line(text: string): void {
    this.#display.line(printableLines(text));
  }
}

/**
 * Shortens a log message for a terminal: leaves out the columns of a rejected row, and replaces the link to a page with the code,
 * which the user can pass to `explain`.
 */
export function shortenMessage(logged: string): string {
  const { message, code } = splitLink(logged);
  const short = message.replace(COLUMNS, '');
  return code === undefined || short.includes(`(${code}`) ? short : `${short} (${code})`;
}
