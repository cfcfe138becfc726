import { defineErrors, type FailureType } from '../protocol/errors.ts';

/**
 * The additional error codes of `init`, `preview` and `sync`, which use both connectors. Each code has a page in
 * docs/troubleshooting.
 */
export const SYNC_ERRORS = {
  stream_unknown: 'config_error',
  configuration_unwritable: 'config_error',
  temporary_folder_missing: 'config_error',
  state_file_unusable: 'config_error',
  state_file_unwritable: 'transient_error',
  state_file_locked: 'transient_error',
  state_file_changed: 'system_error',
  state_store_unusable: 'config_error',
  state_store_unreachable: 'transient_error',
  connector_not_started: 'transient_error',
  connector_crashed: 'system_error',
  metrics_unusable: 'config_error',
  rows_unaccounted: 'system_error',
} as const satisfies Record<string, FailureType>;

/** Creates an error with a code from SYNC_ERRORS, or with a code that every command can report. */
export const syncError = defineErrors(SYNC_ERRORS);
