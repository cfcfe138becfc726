import type { ConnectorError } from '../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../runner/exit-codes.ts';

/** How a run ended. */
export type Outcome =
  | { kind: 'complete' }
  /** By a signal; `atOnce` by a second signal, which leaves rows unsettled. */
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
  /** A full refresh doesn't change the states, nor does a run that fails before its first row. */
  | { kind: 'untouched' }
  /** Another process wrote the file during the run. Its version is kept. */
  | { kind: 'changed' }
  /**
   * `rowsToComeAgain` were read, and the file doesn't cover them. `mayComeTwice` is whether Batch may have some of them without
   * the destination having reported so. `positions` is the position of each stream, in words.
   */
  | { kind: 'kept'; rowsToComeAgain: number; mayComeTwice: boolean; positions: readonly string[] };

/** Returns the exit code of a run that no signal ended. */
export function exitCodeOf({ outcome, rowsRejected }: Pick<RunResult, 'outcome' | 'rowsRejected'>): number {
  if (outcome.kind === 'failed') return exitCodeOfError(outcome.errors[0]);
  return rowsRejected > 0 ? EXIT_CODES.rowsRejected : EXIT_CODES.allAccepted;
}
