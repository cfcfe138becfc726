import type { ConnectorError } from '../protocol/errors.ts';
import { EXIT_CODES, exitCodeOfError } from '../runner/exit-codes.ts';

/** How a run ended. */
export type Outcome =
  | { kind: 'complete' }
  /** By a signal; `atOnce` is by a second one, and what was under way is not settled. */
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

/** What the run left for the next one. */
export type SavedState =
  /** A full refresh leaves the states as they are, and so does a run that fails before its first row. */
  | { kind: 'untouched' }
  /** Somebody else wrote the file, and it is left as they wrote it. */
  | { kind: 'changed' }
  /**
   * `rowsToComeAgain` were read and are not covered by the file. `mayComeTwice` is whether Batch may have some of them, and
   * the destination could not say so itself. `positions` tell where each stream stands.
   */
  | { kind: 'kept'; rowsToComeAgain: number; mayComeTwice: boolean; positions: readonly string[] };

/** The exit code of a run that no signal ended. */
export function exitCodeOf({ outcome, rowsRejected }: Pick<RunResult, 'outcome' | 'rowsRejected'>): number {
  if (outcome.kind === 'failed') return exitCodeOfError(outcome.errors[0]);
  return rowsRejected > 0 ? EXIT_CODES.rowsRejected : EXIT_CODES.allAccepted;
}
