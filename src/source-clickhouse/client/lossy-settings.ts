import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting } from '../errors/admin-sql.ts';
import { sourceError } from '../errors/codes.ts';

/** A setting as it is for the user, a row of system.settings. */
export type Setting = {
  name: string;
  value: string;
  isChangeable: boolean;
  /** The greatest value that the user may set, by a constraint of the profile; "" when there is none. */
  max: string;
};

/**
 * What decides whether an answer ends as if it were whole when a limit is reached ("break", or "any" of GROUP BY), and
 * the limits that it is about: without any of them it decides nothing.
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
 * Settings that leave rows out unless they are 0: of shards that are out of reach, of parts that are too new, behind a
 * number of rows. A cursor that moved on over such rows never comes back to them.
 */
const OFF: readonly string[] = ['skip_unavailable_shards', 'ignore_cold_parts_seconds', 'limit'];

/** Settings that change the bytes of a row, or of an answer, so that rows can't be read or lose digits, unless they are 0. */
const FORM: readonly string[] = [
  // Two lines more after the rows, with the least and the greatest value.
  'extremes',
  // Each line ends with a carriage return as well.
  'output_format_tsv_crlf_end_of_line',
  // The text of a DateTime64 has 0, 3 or 6 digits of its seconds: the last ones of nine are lost.
  'date_time_64_output_format_cut_trailing_zeros_align_to_groups_of_thousands',
];

/** The names of all settings that are looked at here. */
export const LOSSY_SETTINGS: readonly string[] = [
  ...OFF,
  ...FORM,
  ...Object.entries(OVERFLOW_MODES).flatMap(([mode, limits]) => [mode, ...limits]),
];

/**
 * What is to be sent so that no row is left out in silence, and each leaves as it is.
 *
 * Filters of an administrator (additional_table_filters, row policies) and `final` are no loss but a wish.
 *
 * @throws ConnectorError (config_error) when the user may not send it.
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
    ...(fixedLossy.length > 0
      ? ['ClickHouse would leave rows out and end the answer as if it were whole, and they would never be read']
      : []),
    ...(fixedForm.length > 0
      ? ['ClickHouse would write rows in another form: they could not be read, or would lose digits']
      : []),
  ].join('; ');
  throw sourceError(
    'clickhouse_settings_unfit',
    `The profile of the user "${username}" has ${seen}, and the user may not change that: ${effects}. ${adviseSetting(username, Object.fromEntries(fixed))}.`,
  );
}

function isOn(setting: Setting | undefined): boolean {
  return setting !== undefined && setting.value !== '0';
}

function isNotThrow(setting: Setting | undefined): boolean {
  return setting !== undefined && setting.value !== 'throw';
}
