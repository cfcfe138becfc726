import { defineErrors, type FailureType } from '../protocol/errors.ts';

/** The error codes that only the destination uses. Each has a page in docs/troubleshooting. */
export const DESTINATION_ERRORS = {
  batch_address_wrong: 'config_error',
  batch_certificate_refused: 'config_error',
  batch_key_refused: 'config_error',
  batch_api_forbidden: 'config_error',
  batch_call_refused: 'config_error',
  batch_unreachable: 'transient_error',

  mapping_unfit: 'config_error',
  object_unknown: 'config_error',
  stream_not_in_catalog: 'config_error',
  input_broken: 'system_error',
  too_many_rejected: 'config_error',
  rejected_rows_unwritable: 'config_error',
  rejected_rows_unavailable: 'transient_error',
  rejected_rows_locked: 'transient_error',
  dry_run_unwritable: 'config_error',
  request_log_unwritable: 'config_error',
} as const satisfies Record<string, FailureType>;

/** Creates an error of the destination, with one of these codes or a code that all commands share. */
export const destinationError = defineErrors(DESTINATION_ERRORS);
