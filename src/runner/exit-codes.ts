import type { FailureType } from '../protocol/errors.ts';

/** The exit codes of the commands for people. For a signal it is 128 plus its number: 130 for Ctrl-C, 143 for SIGTERM. */
export const EXIT_CODES = {
  allAccepted: 0,
  failed: 1,
  /** The user has to correct the arguments or a configuration. */
  misconfigured: 2,
  /** It completed, but some rows can't be sent. */
  rowsRejected: 3,
} as const;

export function exitCodeOfError({ failureType }: { failureType: FailureType }): number {
  return failureType === 'config_error' ? EXIT_CODES.misconfigured : EXIT_CODES.failed;
}
