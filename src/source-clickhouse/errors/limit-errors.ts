import type { ClickHouseError } from '@clickhouse/client';
import { redactForeign } from '../../protocol/secrets.ts';
import { QUERY_SIZE_LIMITS } from '../client/query-settings.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting } from './admin-sql.ts';

/** Settings, and the values that they need. */
type Settings = Readonly<Record<string, string>>;

/** As deep as a query may be by default, and deep enough. */
const DEEP_ENOUGH = '1000';

/** The limits on the query itself, which names each column of the table, by the codes of ErrorCodes.cpp. */
const QUERY_LIMITS: Readonly<Record<string, Settings>> = {
  // SYNTAX_ERROR, which it only is by "Max query size exceeded".
  62: { max_query_size: QUERY_SIZE_LIMITS.max_query_size },
  // BAD_ARGUMENTS, which it only is by "Query tree is too big".
  36: { max_expanded_ast_elements: QUERY_SIZE_LIMITS.max_expanded_ast_elements },
  // TOO_MANY_COLUMNS
  161: { max_columns_to_read: '0' },
  // TOO_DEEP_SUBQUERIES
  162: { max_subquery_depth: '100' },
  // TOO_MANY_TEMPORARY_COLUMNS
  165: { max_temporary_columns: '0' },
  // TOO_MANY_TEMPORARY_NON_CONST_COLUMNS
  166: { max_temporary_non_const_columns: '0' },
  // TOO_DEEP_AST
  167: { max_ast_depth: DEEP_ENOUGH },
  // TOO_BIG_AST
  168: {
    max_ast_elements: QUERY_SIZE_LIMITS.max_ast_elements,
    max_expanded_ast_elements: QUERY_SIZE_LIMITS.max_expanded_ast_elements,
  },
  // TOO_DEEP_RECURSION
  306: { max_parser_depth: DEEP_ENOUGH },
  // TOO_MANY_QUERY_PLAN_OPTIMIZATIONS
  572: { query_plan_max_optimizations_to_apply: '10000' },
  // TOO_SLOW_PARSING
  718: { max_parser_backtracks: '1000000' },
};

/** Whether a query failed by a limit on its own length, its parts or its columns. */
export function isQueryLimit({ code, message }: ClickHouseError): boolean {
  if (code === '62') return message.includes('Max query size exceeded');
  if (code === '36') return message.startsWith('Query tree is too big');
  return code in QUERY_LIMITS;
}

/**
 * A limit on what one query may be, read, return or keep, which meets the same query again each time it is asked.
 *
 * @param error whose words name the limit or its kind.
 */
export function explainLimit(error: ClickHouseError, { username }: Pick<SourceConfiguration, 'username'>): string {
  const isQueryLimited = isQueryLimit(error);
  const settings = (isQueryLimited ? QUERY_LIMITS[error.code] : undefined) ?? findLimitSettings(error.message);
  const names = Object.keys(settings);
  if (names.length === 0)
    return `A limit of the user "${username}" is too low for the query, and asking again would meet it again. Let an administrator raise it.`;
  const seen = `A limit of the user "${username}" (${names.join(' or ')}) is too low for the query, and asking again would meet it again. ${adviseSetting(username, settings)}`;
  if (isQueryLimited) return `${seen}. Or read a view of fewer columns.`;
  return Object.values(settings).includes('0')
    ? `${seen}; 0 is no limit, and a value that is large enough does, too.`
    : `${seen}.`;
}

/** The settings that a message may be about, all of them where the server tells them apart by no word, and what turns them off. */
function findLimitSettings(message: string): Settings {
  const [, name] = /setting '(\w+)'|'(\w+)' setting/.exec(message)?.filter((part) => part !== undefined) ?? [];
  // A list of indexes, which is empty when none is to be used.
  if (name === 'force_data_skipping_indices') return { [name]: '' };
  return Object.fromEntries(
    (name === undefined ? findNamedLimits(message) : [redactForeign(name)]).map((each) => [each, '0']),
  );
}

function findNamedLimits(message: string): string[] {
  if (message.includes('force_optimize_projection')) return ['force_optimize_projection'];
  const [, what] = /^Limit for (.+?) exceeded/.exec(message) ?? [];
  const unit = message.includes('max bytes') ? 'bytes' : 'rows';
  switch (what) {
    case 'rows or bytes to read':
      return [`max_${unit}_to_read`];
    case 'rows or bytes to read on leaf node':
      return [`max_${unit}_to_read_leaf`];
    case 'result':
      return [`max_result_${unit}`, `max_${unit}_to_sort`];
    case 'rows to GROUP BY':
      return ['max_rows_to_group_by'];
    case 'DISTINCT':
    case 'JOIN':
      return [`max_${unit}_in_${what.toLowerCase()}`];
    case 'IN-set':
      return [`max_${unit}_in_set`];
    default:
      return [];
  }
}
