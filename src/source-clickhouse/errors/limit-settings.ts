import type { ClickHouseError } from '@clickhouse/client';
import { redactForeign } from '../../protocol/secrets.ts';
import { adviseSetting } from './admin-sql.ts';

/**
 * Limits on the length and the number of elements of a query, high enough for a table with about ten thousand columns. The query
 * that reads the rows contains each column in several places, so the server's defaults (256 KiB, and 50,000 and 500,000 elements)
 * only allow a few hundred columns.
 * https://clickhouse.com/docs/operations/settings/query-complexity
 */
export const QUERY_SIZE_LIMITS = {
  max_query_size: String(16 * 1024 * 1024),
  max_ast_elements: '1000000',
  max_expanded_ast_elements: '5000000',
} as const;

/** The server's default for the depth of a query, which is enough for our queries. */
const DEEP_ENOUGH = '1000';

/** Settings, each with the value that it needs. */
type Settings = Readonly<Record<string, string>>;

type QueryLimit = {
  /** The number in ClickHouse's ErrorCodes.cpp. */
  number: number;
  /** Whether an error with this number is about the limit; needed if it can have other causes. */
  matches?: (error: ClickHouseError) => boolean;
  settings: Settings;
};

/** The limits on the query itself, which names every column of the table. */
export const QUERY_LIMITS: readonly QueryLimit[] = [
  {
    number: 62, // SYNTAX_ERROR
    matches: ({ message }) => message.includes('Max query size exceeded'),
    settings: { max_query_size: QUERY_SIZE_LIMITS.max_query_size },
  },
  {
    number: 36, // BAD_ARGUMENTS
    matches: ({ message }) => message.startsWith('Query tree is too big'),
    settings: { max_expanded_ast_elements: QUERY_SIZE_LIMITS.max_expanded_ast_elements },
  },
  { number: 161, settings: { max_columns_to_read: '0' } }, // TOO_MANY_COLUMNS
  { number: 162, settings: { max_subquery_depth: '100' } }, // TOO_DEEP_SUBQUERIES
  { number: 165, settings: { max_temporary_columns: '0' } }, // TOO_MANY_TEMPORARY_COLUMNS
  { number: 166, settings: { max_temporary_non_const_columns: '0' } }, // TOO_MANY_TEMPORARY_NON_CONST_COLUMNS
  { number: 167, settings: { max_ast_depth: DEEP_ENOUGH } }, // TOO_DEEP_AST
  {
    number: 168, // TOO_BIG_AST
    settings: {
      max_ast_elements: QUERY_SIZE_LIMITS.max_ast_elements,
      max_expanded_ast_elements: QUERY_SIZE_LIMITS.max_expanded_ast_elements,
    },
  },
  { number: 306, settings: { max_parser_depth: DEEP_ENOUGH } }, // TOO_DEEP_RECURSION
  { number: 572, settings: { query_plan_max_optimizations_to_apply: '10000' } }, // TOO_MANY_QUERY_PLAN_OPTIMIZATIONS
  { number: 718, settings: { max_parser_backtracks: '1000000' } }, // TOO_SLOW_PARSING
];

/** The settings that a message "Limit for … exceeded" may be about, by the words for "…". UNIT is replaced by rows or bytes. */
const LIMITS_BY_NAME: ReadonlyMap<string, readonly string[]> = new Map([
  ['rows or bytes to read', ['max_UNIT_to_read']],
  ['rows or bytes to read on leaf node', ['max_UNIT_to_read_leaf']],
  ['result', ['max_result_UNIT', 'max_UNIT_to_sort']],
  ['rows to GROUP BY', ['max_rows_to_group_by']],
  ['DISTINCT', ['max_UNIT_in_distinct']],
  ['JOIN', ['max_UNIT_in_join']],
  ['IN-set', ['max_UNIT_in_set']],
]);

/** Explains a limit on the query itself, which every retry would exceed again. */
export function explainQueryLimit(settings: Settings, username: string): string {
  return explainSettings(settings, username, 'Read a view with fewer columns, or raise the limit.');
}

/**
 * Explains a limit on what a query may read, return or keep.
 *
 * @param message the server's message, which names the limit or its kind.
 */
export function explainReadLimit(message: string, username: string): string {
  const settings = findLimitSettings(message);
  if (Object.keys(settings).length === 0)
    return `A limit of the user "${username}" is too low for the query, so retrying will not help. Ask an administrator to raise it.`;
  const isNumber = Object.values(settings).includes('0');
  return explainSettings(settings, username, isNumber ? 'Raise it; 0 means unlimited.' : 'Turn it off.');
}

function explainSettings(settings: Settings, username: string, advice: string): string {
  const names = Object.keys(settings).join(' or ');
  return `A limit of the user "${username}" (${names}) is too low for the query, so retrying will not help. ${advice} ${adviseSetting(username, settings)}`;
}

/** Finds the settings that a message may be about, and the values that turn them off. */
function findLimitSettings(message: string): Settings {
  const [, name] = /setting '(\w+)'|'(\w+)' setting/.exec(message)?.filter((part) => part !== undefined) ?? [];
  // The value is a list of indexes that a query must use. An empty list turns the setting off.
  if (name === 'force_data_skipping_indices') return { [name]: '' };
  const names = name === undefined ? findNamedLimits(message) : [redactForeign(name)];
  return Object.fromEntries(names.map((each) => [each, '0']));
}

function findNamedLimits(message: string): string[] {
  if (message.includes('force_optimize_projection')) return ['force_optimize_projection'];
  const [, name = ''] = /^Limit for (.+?) exceeded/.exec(message) ?? [];
  const unit = message.includes('max bytes') ? 'bytes' : 'rows';
  return (LIMITS_BY_NAME.get(name) ?? []).map((setting) => setting.replace('UNIT', unit));
}
