import { defineErrors, type FailureType, type ProtocolErrorCode } from '../../protocol/errors.ts';

/** The error codes of the source, in addition to the codes that every command has. Each has a page in docs/troubleshooting. */
export const SOURCE_ERRORS = {
  clickhouse_address_wrong: 'config_error',
  clickhouse_unreachable: 'transient_error',
  clickhouse_port_wrong: 'transient_error',
  clickhouse_not_spoken: 'config_error',
  clickhouse_cut_off: 'transient_error',
  clickhouse_too_old: 'config_error',
  clickhouse_login_refused: 'config_error',
  clickhouse_right_missing: 'config_error',
  clickhouse_settings_unfit: 'config_error',
  clickhouse_limit_too_low: 'config_error',
  clickhouse_busy: 'transient_error',
  clickhouse_query_failed: 'system_error',

  tls_not_spoken: 'config_error',
  tls_not_agreed: 'config_error',
  tls_certificate_refused: 'config_error',
  tls_client_certificate_refused: 'config_error',

  ssh_address_wrong: 'config_error',
  ssh_unreachable: 'transient_error',
  ssh_handshake_failed: 'config_error',
  ssh_host_key_wrong: 'config_error',
  ssh_key_unusable: 'config_error',
  ssh_login_refused: 'config_error',
  ssh_forwarding_forbidden: 'config_error',
  ssh_target_unreachable: 'transient_error',

  table_missing: 'config_error',
  table_unreadable: 'config_error',
  query_invalid: 'config_error',
  columns_missing: 'config_error',
  schema_outdated: 'config_error',
  table_changed: 'transient_error',
  cursor_unusable: 'config_error',
  cursor_in_future: 'config_error',
  start_from_invalid: 'config_error',
  final_unsupported: 'config_error',
  throw_if_met: 'config_error',
  value_unfit: 'config_error',
  row_too_long: 'config_error',
  state_of_other_settings: 'config_error',
} as const satisfies Record<string, FailureType>;

export type SourceErrorCode = keyof typeof SOURCE_ERRORS | ProtocolErrorCode;

/** Creates an error with a code of the source, or with a code that every command has. */
export const sourceError = defineErrors(SOURCE_ERRORS);

/** An error code, and a message that says what was seen, what it likely means and what to do. */
export type Explanation = { code: SourceErrorCode; message: string };
