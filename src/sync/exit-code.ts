import { EXIT_CODES, exitCodeOfError } from '../runner/exit-codes.ts';
import type { RunResult } from './result.ts';

/**
 * Returns the exit code of `sync` after a run that no signal stopped:
 *
 * - 0 if every row was accepted, or if there was none;
 * - 3 if rows were rejected;
 * - 1 or 2 if the run failed.
 *
 * After a signal, the process ends with the same signal instead, unless the run failed (cli/commands/sync.ts).
 */
export function exitCodeOf({ outcome, rowsRejected }: Pick<RunResult, 'outcome' | 'rowsRejected'>): number {
  if (outcome.kind === 'failed') return exitCodeOfError(outcome.errors[0]);
  return rowsRejected > 0 ? EXIT_CODES.rowsRejected : EXIT_CODES.allAccepted;
}
