import { ClickHouseError } from '@clickhouse/client';
import { z } from 'zod';
import { SOURCE_PROGRAM } from '../../shared/package.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting, PROGRESS_SETTINGS } from '../errors/admin-sql.ts';
import { sourceError } from '../errors/codes.ts';
import { QUERY_SIZE_LIMITS } from '../errors/query-limit-errors.ts';
import { LOSSY_SETTINGS, requireLosslessSettings, type Setting } from './lossy-settings.ts';
import { refuseOldVersion } from './server-version.ts';

/** The settings of each query of a connection. */
export type QuerySettings = {
  /** Only those that the user may send: a single forbidden setting fails the whole query. */
  settings: Readonly<Record<string, string>>;
  /** Whether the server ends a query when its connection is closed, even while it has nothing to write. */
  endsWithConnection: boolean;
};

/** Runs a query with the settings known so far, and returns its rows. */
export type QueryRows = <T extends z.ZodType>(query: string, row: T) => Promise<z.output<T>[]>;

/** For the query for the settings itself, which is too short to be killed. */
export const NO_SETTINGS: QuerySettings = { settings: {}, endsWithConnection: true };

/** The same for a user whose profile turns the query cache on, which refuses to read system tables. */
export const NO_QUERY_CACHE: QuerySettings = { settings: { use_query_cache: '0' }, endsWithConnection: true };

/**
 * Whether a query failed because the query cache is on: QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS and
 * QUERY_CACHE_USED_WITH_SYSTEM_TABLE.
 */
export function isRefusedByQueryCache(error: unknown): boolean {
  return error instanceof ClickHouseError && (error.code === '704' || error.code === '719');
}

/** If on, comparing an Enum with a string fails, as the query for the rows does for Variant and Geometry. */
const ENUM_AS_NUMBER = 'input_format_tsv_enum_as_number';

/**
 * Whether JSON escapes a slash, as it does by default. A row is recognised by the hash of its JSON, so if the value differs
 * from that of the run before, all rows seem new.
 */
const ESCAPED_SLASHES = 'output_format_json_escape_forward_slashes';

const NAMES = [
  'log_comment',
  ...Object.keys(PROGRESS_SETTINGS),
  'readonly',
  'cancel_http_readonly_queries_on_client_close',
  'cloud_mode',
  'select_sequential_consistency',
  ...Object.keys(QUERY_SIZE_LIMITS),
  ENUM_AS_NUMBER,
  ESCAPED_SLASHES,
  'use_query_cache',
  ...LOSSY_SETTINGS,
];

/**
 * A setting as a single string: whether it is fixed, whether it is changed ("1" or "0" each), its maximum if the connector
 * may raise it, and after a space its value.
 */
function settingSql(name: string): string {
  const max = name in QUERY_SIZE_LIMITS ? "ifNull(max, ''), " : '';
  return `concat(toString(readonly), toString(changed), ${max}' ', value)`;
}

/**
 * - One row, because a `limit` in the profile would leave out the others.
 * - An aggregate for each setting, because with aggregate_functions_null_for_empty aggregates are Nullable, and an array
 *   can't be.
 * - No IN, because a limit on sets (max_rows_in_set) would cut it.
 * - Strings, because the format of numbers and tuples depends on settings.
 * - Few elements, because a limit on them (max_ast_elements) is only raised after this query; and no subquery, because some
 *   settings have other values there.
 * - A setting that the server does not know has an empty string, and is not sent.
 * - With the version, because an old server may not understand any other query.
 */
const SETTINGS_QUERY = `SELECT version() AS version, [${NAMES.map((name) => `['${name}', anyIf(${settingSql(name)}, name = '${name}')]`).join(', ')}] AS settings
FROM system.settings WHERE has([${NAMES.map((name) => `'${name}'`).join(', ')}], name)`;

const settingsRow = z.object({
  version: z.string(),
  settings: z.array(z.tuple([z.string(), z.string().nullable()])).transform((pairs) =>
    pairs
      .filter((pair): pair is [string, string] => pair[1] !== null && pair[1] !== '')
      .map(([name, text]) => ({
        name,
        value: text.slice(text.indexOf(' ') + 1),
        isChangeable: text[0] === '0',
        isChanged: text[1] === '1',
        max: text.slice(2, text.indexOf(' ')),
      })),
  ),
});

const explainRow = z.object({ explain: z.string() });

/**
 * The settings to send with each query of a user.
 *
 * @throws ConnectorError (config_error) if the server is too old, or if rows would silently be left out or changed and the
 *   user may not change that.
 */
export async function readQuerySettings(
  queryRows: QueryRows,
  configuration: Pick<SourceConfiguration, 'username'>,
): Promise<QuerySettings> {
  const rows = await queryRows(SETTINGS_QUERY, settingsRow);
  const [row] = rows;
  if (row === undefined) {
    throw sourceError(
      'clickhouse_settings_unfit',
      `A query that returns one row returned none for the user "${configuration.username}": the user's profile probably sets offset, which would drop the first rows of every result. ${adviseSetting(configuration.username, { offset: '0' })}.`,
    );
  }
  refuseOldVersion(row.version);
  const settings = new Map<string, Setting>(row.settings.map((setting) => [setting.name, setting]));
  const limit = row.settings.find(({ name }) => name === 'limit');
  if (limit?.isChanged === true) {
    // A SELECT applies the setting as its LIMIT, and then reads it as 0.
    const plan = await queryRows('EXPLAIN SELECT 1', explainRow);
    const isLimited = plan.some(({ explain }) => /(^|[\s─])Limit( |$)/.test(explain));
    settings.set('limit', { ...limit, value: isLimited ? 'more than 0' : '0' });
  }
  return decideQuerySettings(settings, configuration);
}

/** See readQuerySettings. */
export function decideQuerySettings(
  settings: ReadonlyMap<string, Setting>,
  configuration: Pick<SourceConfiguration, 'username'>,
): QuerySettings {
  const mayChange = (name: string): boolean => settings.get(name)?.isChangeable === true;
  const value = (name: string): string => settings.get(name)?.value ?? '0';
  const send: Record<string, string> = requireLosslessSettings(settings, configuration);

  if (mayChange('log_comment')) send.log_comment = SOURCE_PROGRAM;
  // Both or neither: at the default of ten a second, the headers of an hour would be too long.
  if (Object.keys(PROGRESS_SETTINGS).every(mayChange)) Object.assign(send, PROGRESS_SETTINGS);
  if (value('cloud_mode') === '1' && mayChange('select_sequential_consistency')) {
    // The replicas of a Cloud service share the data, but a replica that lags does not know all parts and would hide rows.
    send.select_sequential_consistency = '1';
  }
  if (value(ENUM_AS_NUMBER) !== '0' && mayChange(ENUM_AS_NUMBER)) send[ENUM_AS_NUMBER] = '0';
  if (value(ESCAPED_SLASHES) !== '1' && mayChange(ESCAPED_SLASHES)) send[ESCAPED_SLASHES] = '1';
  for (const [name, limit] of Object.entries(QUERY_SIZE_LIMITS)) {
    const max = settings.get(name)?.max || limit;
    const allowed = Math.min(Number(limit), Number(max));
    // 0 means unlimited.
    if (mayChange(name) && Number(value(name)) > 0 && Number(value(name)) < allowed) send[name] = String(allowed);
  }
  if (value('use_query_cache') === '1' && mayChange('use_query_cache')) {
    // The cache refuses queries that read system tables or the clock, or returns results that are a minute old.
    send.use_query_cache = '0';
  }
  if (mayChange('cancel_http_readonly_queries_on_client_close')) {
    send.cancel_http_readonly_queries_on_client_close = '1';
    // It only applies to read-only queries, so the server must know that this one is. We only read.
    if (value('readonly') === '0' && mayChange('readonly')) send.readonly = '2';
  }
  return {
    settings: send,
    endsWithConnection:
      (send.readonly ?? value('readonly')) !== '0' &&
      (send.cancel_http_readonly_queries_on_client_close ?? value('cancel_http_readonly_queries_on_client_close')) ===
        '1',
  };
}
