import type { ConnectorError } from '../../protocol/errors.ts';
import { splitLink } from '../../protocol/help-pages.ts';
import { parseRetry } from '../../protocol/retries.ts';
import { formatErrorForPerson, layOutMessage, layOutText } from '../../runner/terminal/message-layout.ts';
import type { Terminal } from '../../runner/terminal/terminal.ts';
import { formatCount, formatDuration } from '../../shared/format.ts';
import { endsWithStatement } from '../../shared/statement.ts';
import type { Progress } from '../progress.ts';
import type { RunResult } from '../result.ts';
import type { NextStart } from '../schedule.ts';
import { formatMoment } from './format.ts';
import type { Component, ProgressDisplay, Reporter, RunStart } from './reporter.ts';
import { summarizeRun } from './summary.ts';

/**
 * Matches the end of a message about a rejected row: the types of the columns. This part isn't shown to a person, because it
 * would fill several lines, and `preview` shows the row itself.
 */
const COLUMNS = / Its columns: .*$/s;

/** What a connector waits for when it retries. */
const SERVERS: Readonly<Record<Component, string>> = { source: 'ClickHouse', destination: 'Batch', sync: 'a server' };

/** A failure after which a connector retries. */
type Waiting = {
  speaker: Component;
  problem: string;
  /** When the failure was first reported, in milliseconds since the epoch. */
  since: number;
  /** The number of the next attempt. */
  attempt: number;
  /** The progress when the failure was first reported; undefined before there is any. */
  progress: Progress | undefined;
};

export type TextReporterOptions = {
  /** Shows the progress and all other lines, except for the summaries. */
  display: ProgressDisplay;
  /** The terminal of `display`. */
  terminal: Terminal;
  /** Receives the summaries. They contain names from outside, whose control characters must be escaped. */
  write: (text: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The launcher, in the form in which the user can type it. */
  launcher: string;
};

/** Reports to a person: progress on a display during a run, and a summary at its end. */
export class TextReporter implements Reporter {
  readonly #options: TextReporterOptions;
  #lastShort: string | undefined;
  #lastProgress: Progress | undefined;
  #waiting: Waiting | undefined;
  /** The first line about a run, until it is printed. It is printed only if there are new rows or messages. */
  #start: string | undefined;

  constructor(options: TextReporterOptions) {
    this.#options = options;
  }

  get progressIntervalMs(): number {
    return this.#options.display.intervalMs;
  }

  runStarted({ streams, syncMode, resumes, startFrom }: RunStart): void {
    this.#waiting = undefined;
    this.#lastProgress = undefined;
    const first = startFrom === undefined ? 'all rows' : `the rows from "start_from" (${startFrom}) on`;
    const from =
      syncMode === 'full_refresh'
        ? `${first}, including rows already sent; the state does not change`
        : resumes
          ? 'the rows since the last run'
          : `${first}: there is no state yet`;
    const line = `${streams.map(({ name }) => name).join(', ')}: ${from}.`;
    if (resumes && syncMode === 'incremental') this.#start = line;
    else this.#line(line);
  }

  progress(progress: Progress): void {
    this.#lastProgress = progress;
    if (progress.rowsRead > 0) this.#printStart();
    // Outside a terminal, the only line about a run without new rows is the summary.
    else if (this.#start !== undefined && !this.#options.terminal.isTerminal) return;
    if (this.#waiting !== undefined && isSame(this.#waiting.progress ?? progress, progress)) {
      this.#waiting.progress = progress;
      // Outside a terminal, each attempt prints a line, and nothing is shown between the attempts.
      if (this.#options.terminal.isTerminal) this.#showWaiting(this.#waiting);
      return;
    }
    this.#waiting = undefined;
    this.#options.display.show(progress);
  }

  /** Does nothing: the summary contains the final progress. */
  lastProgress(): void {}

  log(level: string, speaker: Component, message: string): void {
    const retry = parseRetry(message);
    if (retry === undefined) this.#log(level, speaker, message);
    else this.#reportRetry(level, speaker, retry);
  }

  runEnded(result: RunResult): void {
    if (result.rowsRead > 0) this.#printStart();
    this.#start = undefined;
    this.#waiting = undefined;
    this.#options.display.end();
    if (result.outcome.kind === 'failed') for (const error of result.outcome.errors) this.failed(error);
    this.#summarize(summarizeRun(result, this.#options.launcher));
  }

  nextRun({ at, skipped, failedRuns }: NextStart): void {
    const why = [
      ...(skipped ? ['a run was due during the last one and was skipped'] : []),
      ...(failedRuns > 0
        ? [`${failedRuns === 1 ? 'the last run' : `the last ${formatCount(failedRuns, 'run')}`} failed`]
        : []),
    ];
    const { display, now } = this.#options;
    const next = `Next run at ${formatMoment(at)}, in ${formatDuration(Math.max(0, at - now()))}`;
    if (why.length === 0) display.showWaiting(`${next}.`);
    else display.line(`${next} (${why.join('; ')}).`);
  }

  stopped(): void {
    this.#options.display.end();
    this.#summarize(['Stopped.']);
  }

  failed(error: ConnectorError): void {
    const { display, terminal, launcher } = this.#options;
    display.end();
    display.line(layOutMessage('ERROR', formatErrorForPerson(error, terminal, launcher), terminal));
  }

  /** Reports a failure once, and then only counts the attempts. */
  #reportRetry(level: string, speaker: Component, { problem, attempt }: { problem: string; attempt: number }): void {
    const { now } = this.#options;
    const last = this.#waiting;
    const isRepeated = last?.speaker === speaker && last.problem === problem;
    const since = isRepeated ? last.since : now();
    this.#waiting = { speaker, problem, since, attempt: attempt + 1, progress: this.#lastProgress };
    if (isRepeated) this.#showWaiting(this.#waiting);
    else this.#log(level, speaker, problem);
  }

  #showWaiting({ speaker, since, attempt }: Waiting): void {
    const { display, now } = this.#options;
    display.showWaiting(`Waiting for ${SERVERS[speaker]} (attempt ${attempt}, ${formatDuration(now() - since)})`);
  }

  #log(level: string, speaker: Component, message: string): void {
    this.#printStart();
    const short = shortenMessage(message);
    // Skip a message about a rejected row if it differs from the previous message only in the types of the columns.
    if (short !== message && short === this.#lastShort) return;
    this.#lastShort = short;
    const text = `${speaker === 'sync' ? '' : `${speaker}: `}${short}`;
    this.#options.display.line(layOutMessage(level, text, this.#options.terminal));
  }

  #printStart(): void {
    const start = this.#start;
    this.#start = undefined;
    if (start !== undefined) this.#line(start);
  }

  #summarize(lines: readonly string[]): void {
    if (lines.length > 0) this.#options.write(`${lines.join('\n')}\n`);
  }

  #line(text: string): void {
    this.#options.display.line(layOutText(text, this.#options.terminal));
  }
}

/** Whether no row was read, accepted or rejected between two moments. */
function isSame(before: Progress, after: Progress): boolean {
  return (
    before.rowsRead === after.rowsRead &&
    before.rowsAccepted === after.rowsAccepted &&
    before.rowsRejected === after.rowsRejected
  );
}

/**
 * Shortens a log message for a terminal: leaves out the columns of a rejected row, and replaces the link to a page with the code,
 * which the user can pass to `explain`.
 */
export function shortenMessage(logged: string): string {
  const { message, code } = splitLink(logged);
  const short = message.replace(COLUMNS, '');
  if (code === undefined || short.includes(`(${code}`)) return short;
  return `${short}${endsWithStatement(short) ? '\n\n' : ' '}(${code})`;
}
