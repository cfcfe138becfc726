import type { FailureType } from '../protocol/errors.ts';

/** How `sync` tells a script how it went. A signal has 128 and its number: 130 for Ctrl-C, 143 for SIGTERM. */
export const EXIT_CODES = {
  allAccepted: 0,
  failed: 1,
  /** Arguments or a configuration that a person has to correct. */
  misconfigured: 2,
  /** It ended well, but some rows can't be sent. */
  rowsRejected: 3,
} as const;

export function exitCodeOfError({ failureType }: { failureType: FailureType }): number {
  return failureType === 'config_error' ? EXIT_CODES.misconfigured : EXIT_CODES.failed;
}
