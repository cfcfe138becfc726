import type { ConnectorError } from '../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../runner/exit-codes.ts';

/** How a run ended. */
export type Outcome =
  | { kind: 'complete' }
  /** A signal stopped the run. `atOnce` is true after a second signal. Some rows may then be neither accepted nor rejected. */
  | { kind: 'stopped'; atOnce: boolean }
  | { kind: 'failed'; errors: readonly [ConnectorError, ...ConnectorError[]] };

export type RunResult = {
  outcome: Outcome;
  rowsRead: number;
  rowsAccepted: number;
  rowsRejected: number;
  milliseconds: number;
  state: SavedState;
};

/** The state that the run left for the next one. */
export type SavedState =
  /** The run left the state file unchanged: it was a full refresh, or it failed or was stopped before it read rows. */
  | { kind: 'untouched' }
  /** Another process wrote the state file during the run. That version is kept. */
  | { kind: 'changed' }
  /**
   * `rowsToComeAgain` is the number of rows that were read, but that the state file doesn't cover. `mayComeTwice` is whether Batch
   * may already have some of these rows, not counting the rows that the destination's own error is about. `positions` describes the
   * position of each stream.
   */
  | { kind: 'kept'; rowsToComeAgain: number; mayComeTwice: boolean; positions: readonly string[] };

/** Returns the exit code of a run that was not stopped by a signal. */
export function exitCodeOf({ outcome, rowsRejected }: Pick<RunResult, 'outcome' | 'rowsRejected'>): number {
  if (outcome.kind === 'failed') return exitCodeOfError(outcome.errors[0]);
  return rowsRejected > 0 ? EXIT_CODES.rowsRejected : EXIT_CODES.allAccepted;
}
