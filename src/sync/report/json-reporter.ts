import type { ConnectorError } from '../../protocol/errors.ts';
import { exitCodeOf } from '../exit-code.ts';
import { errorFields } from '../history/run-record.ts';
import type { Progress } from '../progress.ts';
import type { RunResult } from '../result.ts';
import type { NextStart } from '../schedule.ts';
import type { Component, Reporter, RunStart } from './reporter.ts';

const PROGRESS_INTERVAL_MS = 1_000;

/** Writes one JSON object per line. Other programs rely on the structure of these objects, which docs/sync.md describes. */
export class JsonReporter implements Reporter {
  readonly progressIntervalMs = PROGRESS_INTERVAL_MS;
  readonly #write: (text: string) => void;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch. */
  constructor(write: (text: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  runStarted({ streams, syncMode, resumes }: RunStart): void {
    this.#event('run_started', {
      streams: streams.map(({ name, namespace }) => ({ name, namespace })),
      sync_mode: syncMode,
      goes_on: resumes,
    });
  }

  progress({ rowsRead, rowsEstimated, rowsAccepted, rowsRejected, rowsPerSecond, millisecondsLeft }: Progress): void {
    this.#event('progress', {
      rows_read: rowsRead,
      rows_estimated: rowsEstimated ?? null,
      rows_accepted: rowsAccepted,
      rows_rejected: rowsRejected,
      rows_per_second: rounded(rowsPerSecond),
      seconds_left: rounded(millisecondsLeft && millisecondsLeft / 1_000),
    });
  }

  lastProgress(progress: Progress): void {
    this.progress(progress);
  }

  log(level: string, speaker: Component, message: string): void {
    this.#event('log', { level, from: speaker, message });
  }

  runEnded(result: RunResult): void {
    const { outcome, rowsRead, rowsAccepted, rowsRejected, milliseconds, state } = result;
    this.#event('run_ended', {
      outcome: outcome.kind,
      rows_read: rowsRead,
      rows_accepted: rowsAccepted,
      rows_rejected: rowsRejected,
      rows_to_come_again: state.kind === 'kept' ? state.rowsToComeAgain : null,
      seconds: milliseconds / 1_000,
      exit_code: outcome.kind === 'stopped' ? null : exitCodeOf(result),
      errors: outcome.kind === 'failed' ? outcome.errors.map(withStack) : [],
    });
  }

  nextRun({ at, skipped, failedRuns }: NextStart): void {
    this.#event('next_run', { starts_at: new Date(at).toISOString(), start_skipped: skipped, failed_runs: failedRuns });
  }

  /** Reports nothing: the program that sent the signal knows it. */
  stopped(): void {}

  failed(error: ConnectorError): void {
    this.#event('failed', withStack(error));
  }

  #event(event: string, fields: Record<string, unknown>): void {
    this.#write(`${JSON.stringify({ event, at: new Date(this.#now()).toISOString(), ...fields })}\n`);
  }
}

function withStack(error: ConnectorError): Record<string, string> {
  const fields = errorFields(error);
  return error.stackTrace === undefined ? fields : { ...fields, stack_trace: error.stackTrace };
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}
