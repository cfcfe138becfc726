import { ClickHouseError } from '@clickhouse/client';
import { z } from 'zod';
import { SOURCE_PROGRAM } from '../../shared/package.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting, PROGRESS_SETTINGS } from '../errors/admin-sql.ts';
import { sourceError } from '../errors/codes.ts';
import { QUERY_SIZE_LIMITS } from '../errors/limit-settings.ts';
import { LOSSY_SETTINGS, requireLosslessSettings, type Setting } from './lossy-settings.ts';
import { refuseOldVersion } from './old-server.ts';

/** The settings that a connection sends with each query, and what follows from them. */
export type QuerySettings = {
  /** Only settings that the user may send, because a single forbidden setting makes the query fail. */
  settings: Readonly<Record<string, string>>;
  /** Whether the server ends a query when the query's connection is closed, even while the server has nothing to write. */
  endsWithConnection: boolean;
};

/** Runs a query with the settings known so far, and returns its rows. */
export type QueryRows = <T extends z.ZodType>(query: string, row: T) => Promise<z.output<T>[]>;

/** For the query that looks up the settings. `endsWithConnection` is true, because this query is too short to need killing. */
export const NO_SETTINGS: QuerySettings = { settings: {}, endsWithConnection: true };

/** Like NO_SETTINGS, for a user whose profile turns the query cache on. The cache refuses queries that read system tables. */
export const NO_QUERY_CACHE: QuerySettings = { settings: { use_query_cache: '0' }, endsWithConnection: true };

/**
 * Whether a query failed because the query cache is on. The errors are QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS (704)
 * and QUERY_CACHE_USED_WITH_SYSTEM_TABLE (719).
 */
export function isRefusedByQueryCache(error: unknown): boolean {
  return error instanceof ClickHouseError && (error.code === '704' || error.code === '719');
}

/**
 * If this setting is on, comparing an Enum with a string fails. The query for the rows makes such comparisons in columns of the
 * types Variant and Geometry.
 */
const ENUM_AS_NUMBER = 'input_format_tsv_enum_as_number';

/**
 * The setting that makes the server escape slashes in JSON. It is on by default. Rows are recognised by the hash of their JSON,
 * so if the setting changed between two runs, all rows with slashes would seem to be new.
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
 * The SQL of a string with the facts about a setting. The string consists of a digit that is 1 if the setting is fixed, a digit
 * that is 1 if it was changed, its maximum if it has one, a space, and its value.
 */
const FACTS_SQL = "concat(toString(readonly), toString(changed), ifNull(max, ''), ' ', value)";

/**
 * Builds the query that looks up the version and the settings. It must work whatever the user's settings are:
 *
 * - It returns a single row, because a `limit` in the profile would drop the others.
 * - It has no IN, because a limit on sets (max_rows_in_set) would truncate the set.
 * - It returns strings, because the format of numbers and tuples depends on settings.
 * - It has few elements, because max_ast_elements limits them, and can only be raised after this query.
 * - It has no subquery, because some settings have other values in a subquery.
 * - It returns no facts for a setting that the server doesn't know. Such a setting is then not sent.
 * - It includes the version, because a server that is too old may not understand any other query.
 * - It includes the server's clock, because every command sends this query.
 *
 * @param settings the SQL of an array of the names and facts.
 */
function buildSettingsQuery(settings: string): string {
  return `SELECT version() AS version, toString(toUnixTimestamp64Milli(now64(3))) AS milliseconds, ${settings} AS settings
FROM system.settings WHERE has([${NAMES.map((name) => `'${name}'`).join(', ')}], name)`;
}

const SETTINGS_QUERY = buildSettingsQuery(`groupArray([name, ${FACTS_SQL}])`);

/**
 * The query for a user with aggregate_functions_null_for_empty. This setting makes aggregates Nullable, but in ClickHouse 24.8 and
 * earlier, an array can't be Nullable. So this query has an aggregate of strings for each setting. It takes four times as long as
 * SETTINGS_QUERY.
 */
const SETTINGS_QUERY_WITH_NULLS = buildSettingsQuery(
  `[${NAMES.map((name) => `['${name}', anyIf(${FACTS_SQL}, name = '${name}')]`).join(', ')}]`,
);

/** The number of ClickHouse's error ILLEGAL_TYPE_OF_ARGUMENT. */
const ILLEGAL_TYPE = '43';

const settingsRow = z.object({
  version: z.string(),
  milliseconds: z.coerce.number(),
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

/** The settings to send, and the server's clock when it answered, in milliseconds since the epoch. */
export type ServerFacts = { settings: QuerySettings; serverTime: number };

/**
 * Looks up the user's settings, and decides which settings to send with each query. Also returns the server's time.
 *
 * @throws ConnectorError (config_error) if the server is too old, or if the user's settings would silently drop or change rows
 *   and the user may not change these settings.
 */
export async function readQuerySettings(
  queryRows: QueryRows,
  configuration: Pick<SourceConfiguration, 'username'>,
): Promise<ServerFacts> {
  const rows = await queryRows(SETTINGS_QUERY, settingsRow).catch((error: unknown) => {
    if (!(error instanceof ClickHouseError && error.code === ILLEGAL_TYPE)) throw error;
    return queryRows(SETTINGS_QUERY_WITH_NULLS, settingsRow);
  });
  const [row] = rows;
  if (row === undefined) {
    throw sourceError(
      'clickhouse_settings_unfit',
      `A query that returns one row returned none for the user "${configuration.username}": the user's profile probably sets offset, which would drop the first rows of every result. ${adviseSetting(configuration.username, { offset: '0' })}`,
    );
  }
  refuseOldVersion(row.version);
  const settings = new Map<string, Setting>(row.settings.map((setting) => [setting.name, setting]));
  const limit = row.settings.find(({ name }) => name === 'limit');
  if (limit?.isChanged === true) {
    // A SELECT applies this setting as its LIMIT, and then reports its value as 0. So look for a limit in a query plan.
    const plan = await queryRows('EXPLAIN SELECT 1', explainRow);
    const isLimited = plan.some(({ explain }) => /(^|[\s─])Limit( |$)/.test(explain));
    settings.set('limit', { ...limit, value: isLimited ? 'more than 0' : '0' });
  }
  return { settings: decideQuerySettings(settings, configuration), serverTime: row.milliseconds };
}

/** Decides which settings to send: see `readQuerySettings`. */
export function decideQuerySettings(
  settings: ReadonlyMap<string, Setting>,
  configuration: Pick<SourceConfiguration, 'username'>,
): QuerySettings {
  const mayChange = (name: string): boolean => settings.get(name)?.isChangeable === true;
  const value = (name: string): string => settings.get(name)?.value ?? '0';
  const send: Record<string, string> = requireLosslessSettings(settings, configuration);

  if (mayChange('log_comment')) send.log_comment = SOURCE_PROGRAM;
  // Send both settings or neither. With the default interval, the server sends ten headers a second, and an hour's worth of headers
  // would be too large.
  if (Object.keys(PROGRESS_SETTINGS).every(mayChange)) Object.assign(send, PROGRESS_SETTINGS);
  if (value('cloud_mode') === '1' && mayChange('select_sequential_consistency')) {
    // The replicas of a Cloud service share the data, but a replica that lags doesn't know all parts yet, so it would hide rows.
    send.select_sequential_consistency = '1';
  }
  if (value(ENUM_AS_NUMBER) !== '0' && mayChange(ENUM_AS_NUMBER)) send[ENUM_AS_NUMBER] = '0';
  if (value(ESCAPED_SLASHES) !== '1' && mayChange(ESCAPED_SLASHES)) send[ESCAPED_SLASHES] = '1';
  for (const [name, limit] of Object.entries(QUERY_SIZE_LIMITS)) {
    const max = settings.get(name)?.max || limit;
    const allowed = Math.min(Number(limit), Number(max));
    // A value of 0 means that there is no limit.
    if (mayChange(name) && Number(value(name)) > 0 && Number(value(name)) < allowed) send[name] = String(allowed);
  }
  if (value('use_query_cache') === '1' && mayChange('use_query_cache')) {
    // The query cache refuses queries that read system tables or the clock, and returns results that may be a minute old.
    send.use_query_cache = '0';
  }
  if (mayChange('cancel_http_readonly_queries_on_client_close')) {
    send.cancel_http_readonly_queries_on_client_close = '1';
    // That setting only applies to read-only queries. So declare our queries to be read-only, which they are.
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
