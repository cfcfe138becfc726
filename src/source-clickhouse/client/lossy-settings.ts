import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting } from '../errors/admin-sql.ts';
import { sourceError } from '../errors/codes.ts';

/** The value of a setting for the user, from system.settings. */
export type Setting = {
  name: string;
  value: string;
  isChangeable: boolean;
  /** The maximum value that the profile allows; "" if it has no maximum. */
  max: string;
};

/**
 * Settings that can make a result end without an error when a limit is reached ("break", or "any" for GROUP BY), each with its
 * limits. If none of the limits is set, the setting has no effect.
 * https://clickhouse.com/docs/operations/settings/query-complexity
 */
const OVERFLOW_MODES: Readonly<Record<string, readonly string[]>> = {
  distinct_overflow_mode: ['max_rows_in_distinct', 'max_bytes_in_distinct'],
  group_by_overflow_mode: ['max_rows_to_group_by'],
  join_overflow_mode: ['max_rows_in_join', 'max_bytes_in_join'],
  read_overflow_mode: ['max_rows_to_read', 'max_bytes_to_read'],
  read_overflow_mode_leaf: ['max_rows_to_read_leaf', 'max_bytes_to_read_leaf'],
  result_overflow_mode: ['max_result_rows', 'max_result_bytes'],
  set_overflow_mode: ['max_rows_in_set', 'max_bytes_in_set'],
  sort_overflow_mode: ['max_rows_to_sort', 'max_bytes_to_sort'],
  timeout_overflow_mode: ['max_execution_time', 'max_estimated_execution_time'],
  timeout_overflow_mode_leaf: ['max_execution_time_leaf'],
  transfer_overflow_mode: ['max_rows_to_transfer', 'max_bytes_to_transfer'],
};

/**
 * Settings that drop rows unless they are 0: the rows of unavailable shards, the rows of new parts, and the rows after a limit.
 * Once the cursor has passed these rows, they are never read.
 */
const OFF: readonly string[] = ['skip_unavailable_shards', 'ignore_cold_parts_seconds', 'limit'];

/** Settings that must be 0: other values change the format of rows or responses, so rows can't be read, or lose digits. */
const FORM: readonly string[] = [
  // Adds two lines after the rows, with the minimum and the maximum.
  'extremes',
  // Ends lines with a carriage return and a line feed.
  'output_format_tsv_crlf_end_of_line',
  // Writes a DateTime64 with 0, 3 or 6 fractional digits, so that a DateTime64(9) loses digits.
  'date_time_64_output_format_cut_trailing_zeros_align_to_groups_of_thousands',
];

/** The names of all settings that `requireLosslessSettings` checks. */
export const LOSSY_SETTINGS: readonly string[] = [
  ...OFF,
  ...FORM,
  ...Object.entries(OVERFLOW_MODES).flatMap(([mode, limits]) => [mode, ...limits]),
];

/**
 * Returns the settings to send so that no row is silently dropped or changed.
 *
 * Filters of an administrator (additional_table_filters, row policies) and `final` are deliberate, so they are not overridden.
 *
 * @throws ConnectorError (config_error) if the user may not change one of these settings.
 */
export function requireLosslessSettings(
  settings: ReadonlyMap<string, Setting>,
  { username }: Pick<SourceConfiguration, 'username'>,
): Record<string, string> {
  const off = (names: readonly string[]): [string, string][] =>
    names.filter((name) => isOn(settings.get(name))).map((name) => [name, '0']);
  const lossy: [string, string][] = [
    ...off(OFF),
    ...Object.entries(OVERFLOW_MODES)
      .filter(([mode, limits]) => isNotThrow(settings.get(mode)) && limits.some((limit) => isOn(settings.get(limit))))
      .map(([mode]): [string, string] => [mode, 'throw']),
  ];
  const form = off(FORM);
  const isFixed = ([name]: [string, string]): boolean => settings.get(name)?.isChangeable === false;
  const fixedLossy = lossy.filter(isFixed);
  const fixedForm = form.filter(isFixed);
  const fixed = [...fixedLossy, ...fixedForm];
  if (fixed.length === 0) return Object.fromEntries([...lossy, ...form]);
  const seen = fixed.map(([name]) => `${name} = ${settings.get(name)?.value}`).join(', ');
  const effects = [
    ...(fixedLossy.length > 0 ? ['ClickHouse would silently leave out rows, which would then never be read'] : []),
    ...(fixedForm.length > 0
      ? ['ClickHouse would write rows in a different format, so they could not be read or would lose digits']
      : []),
  ].join('; ');
  throw sourceError(
    'clickhouse_settings_unfit',
    `The profile of the user "${username}" has ${seen}, and the user may not change it: ${effects}. ${adviseSetting(username, Object.fromEntries(fixed))}`,
  );
}

function isOn(setting: Setting | undefined): boolean {
  return setting !== undefined && setting.value !== '0';
}

function isNotThrow(setting: Setting | undefined): boolean {
  return setting !== undefined && setting.value !== 'throw';
}
