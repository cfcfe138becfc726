import { ClickHouseError } from '@clickhouse/client';
import { z } from 'zod';
import { SOURCE_PROGRAM } from '../../shared/package.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { adviseSetting, PROGRESS_SETTINGS } from '../errors/admin-sql.ts';
import { sourceError } from '../errors/codes.ts';
import { QUERY_SIZE_LIMITS } from '../errors/limit-errors.ts';
import { LOSSY_SETTINGS, requireLosslessSettings, type Setting } from './lossy-settings.ts';
import { refuseOldVersion } from './server-version.ts';

/** How each query of a connection is sent. */
export type QuerySettings = {
  /** Only what the user may send: one setting too many, and the whole query is refused. */
  settings: Readonly<Record<string, string>>;
  /** Whether the server ends a query whose connection is closed while it has nothing to write to it. */
  endsWithConnection: boolean;
};

/** Asks for the rows of a look-up that no setting goes with. */
export type QueryRows = <T extends z.ZodType>(query: string, row: T) => Promise<z.output<T>[]>;

/** How the look-up of the settings itself is sent. It is too short to be ended. */
export const NO_SETTINGS: QuerySettings = { settings: {}, endsWithConnection: true };

/** How it is sent to a user whose profile turns the query cache on, which refuses to read system tables. */
export const NO_QUERY_CACHE: QuerySettings = { settings: { use_query_cache: '0' }, endsWithConnection: true };

/**
 * Whether a query failed because the query cache is on: by the codes QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS and
 * QUERY_CACHE_USED_WITH_SYSTEM_TABLE.
 */
export function isRefusedByQueryCache(error: unknown): boolean {
  return error instanceof ClickHouseError && (error.code === '704' || error.code === '719');
}

/** A profile that has it fails comparisons of an Enum with a text, as Variant and Geometry have them in the query for the rows. */
const ENUM_AS_NUMBER = 'input_format_tsv_enum_as_number';

/**
 * Whether a slash in a string has a backslash before it in JSON, as it has by default. A row is recognised by the hash of
 * its JSON, so a run whose profile has another value than that of the run before would take all rows for new ones.
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
 * What is looked up of a setting, as one text: whether it is fixed, whether it is changed ("1" or "0" each), its maximum if it
 * may be raised, and after a blank its value.
 */
function settingSql(name: string): string {
  const max = name in QUERY_SIZE_LIMITS ? "ifNull(max, ''), " : '';
  return `concat(toString(readonly), toString(changed), ${max}' ', value)`;
}

/**
 * - One row, as a `limit` in the profile would leave out the others.
 * - Of one text for each setting, by an aggregate that may be Nullable, which aggregate_functions_null_for_empty makes of
 *   all: an array could not.
 * - Not with IN, which a limit on sets (max_rows_in_set) would cut.
 * - As text, as the form of numbers and tuples depends on settings.
 * - Of few parts, as a limit on these (max_ast_elements) is overruled only after it; and not of a subquery, in which some
 *   settings have other values.
 * - Names that the server does not know have no text; so nothing is sent that it does not know.
 * - With the version, as any other query may be more than an old server understands.
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
 * What may and is to be sent with the queries of a user.
 *
 * @throws ConnectorError (config_error) when the server is too old, or when rows would be left out in silence or leave in
 *   another form and the user may not change that.
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
      `A query that gives one row gave none to the user "${configuration.username}": the user's profile likely has the setting offset, and would leave out the first rows of every answer. ${adviseSetting(configuration.username, { offset: '0' })}.`,
    );
  }
  refuseOldVersion(row.version);
  const settings = new Map<string, Setting>(row.settings.map((setting) => [setting.name, setting]));
  const limit = row.settings.find(({ name }) => name === 'limit');
  if (limit?.isChanged === true) {
    // A SELECT takes the setting for its own LIMIT and sees it as 0 from then on.
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
  // One alone is of no use: at the default of ten a second, the headers of an hour are too long.
  if (Object.keys(PROGRESS_SETTINGS).every(mayChange)) Object.assign(send, PROGRESS_SETTINGS);
  if (value('cloud_mode') === '1' && mayChange('select_sequential_consistency')) {
    // The replicas of a Cloud service share the data but not the news of it: one that lags would hide rows.
    send.select_sequential_consistency = '1';
  }
  if (value(ENUM_AS_NUMBER) !== '0' && mayChange(ENUM_AS_NUMBER)) send[ENUM_AS_NUMBER] = '0';
  if (value(ESCAPED_SLASHES) !== '1' && mayChange(ESCAPED_SLASHES)) send[ESCAPED_SLASHES] = '1';
  for (const [name, limit] of Object.entries(QUERY_SIZE_LIMITS)) {
    const max = settings.get(name)?.max || limit;
    const allowed = Math.min(Number(limit), Number(max));
    // 0 is no limit.
    if (mayChange(name) && Number(value(name)) > 0 && Number(value(name)) < allowed) send[name] = String(allowed);
  }
  if (value('use_query_cache') === '1' && mayChange('use_query_cache')) {
    // The cache refuses queries that read system tables or the clock, or answers them with what was true a minute ago.
    send.use_query_cache = '0';
  }
  if (mayChange('cancel_http_readonly_queries_on_client_close')) {
    send.cancel_http_readonly_queries_on_client_close = '1';
    // It is about users who may only read: the server must not guess whether a query writes. We only read.
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
