import { defineErrors, type FailureType } from '../protocol/errors.ts';

/**
 * The error codes of the commands that run a source and a destination together, besides those of every command. Each has a page
 * in docs/troubleshooting.
 */
export const SYNC_ERRORS = {
  stream_unknown: 'config_error',
  configuration_unwritable: 'config_error',
  temporary_folder_missing: 'config_error',
  state_file_unusable: 'config_error',
  state_file_unwritable: 'transient_error',
  state_file_locked: 'transient_error',
  state_file_changed: 'system_error',
  connector_crashed: 'system_error',
  rows_unaccounted: 'system_error',
} as const satisfies Record<string, FailureType>;

/** Creates an error of these commands, with a code of their own or of every command. */
export const syncError = defineErrors(SYNC_ERRORS);
