import type { FailureType } from '../protocol/errors.ts';

/**
 * The exit codes of all commands. If a signal stopped a command, the exit code is 128 plus the number of the signal:
 * 130 for SIGINT (Ctrl-C), 143 for SIGTERM.
 */
export const EXIT_CODES = {
  allAccepted: 0,
  failed: 1,
  /** The user has to correct the arguments or, for an interactive command, a configuration. */
  misconfigured: 2,
  /** The command completed, but some rows were rejected or, in a preview, would be rejected. */
  rowsRejected: 3,
} as const;

export function exitCodeOfError({ failureType }: { failureType: FailureType }): number {
  return failureType === 'config_error' ? EXIT_CODES.misconfigured : EXIT_CODES.failed;
}
