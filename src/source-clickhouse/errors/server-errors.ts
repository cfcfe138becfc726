import type { ClickHouseError } from '@clickhouse/client';
import type { SourceConfiguration } from '../config/schema.ts';
import { isSchemaChanged } from '../query/schema-guard.ts';
import { adviseSetting, suggestGrant } from './admin-sql.ts';
import type { Explanation, SourceErrorCode } from './codes.ts';
import { explainQueryLimit, explainReadLimit, QUERY_LIMITS } from './limit-errors.ts';
import { summarizeServerMessage } from './server-message.ts';

/** What an explanation is made of: a sentence with the server's words, its whole message, and who asked for what. */
type Context = Pick<SourceConfiguration, 'database' | 'username' | 'table'> & { seen: string; message: string };

type ServerError = {
  /** As in ClickHouse's ErrorCodes.cpp (`SELECT errorCodeToName(n)` names them). */
  numbers: readonly number[];
  /** Whether an error of one of these numbers is meant; without it, each is. */
  matches?: (error: ClickHouseError) => boolean;
  code: SourceErrorCode;
  explain: (context: Context) => string;
};

/** What the errors that ClickHouse itself reports mean. The first that fits counts. */
export const SERVER_ERRORS: readonly ServerError[] = [
  {
    numbers: [395], // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    matches: isSchemaChanged,
    code: 'table_changed',
    explain: () =>
      'A column was dropped or changed its type while the table was read, so the rows that are left may be in another order than those that were read. Run again; the next run looks at the table anew and goes on from the last state.',
  },
  ...QUERY_LIMITS.map(
    ({ number, settings, ...condition }): ServerError => ({
      numbers: [number],
      ...condition,
      code: 'clickhouse_limit_too_low',
      explain: ({ seen, username }) => `${seen} ${explainQueryLimit(settings, username)}`,
    }),
  ),
  {
    numbers: [
      516, // AUTHENTICATION_FAILED
      193, // WRONG_PASSWORD
      192, // UNKNOWN_USER
      194, // REQUIRED_PASSWORD
    ],
    code: 'clickhouse_login_refused',
    explain: ({ username }) =>
      `ClickHouse refused the user "${username}": the password is wrong, or there is no such user. Check username and password; the user may also be limited to certain networks.`,
  },
  {
    numbers: [497], // ACCESS_DENIED
    code: 'clickhouse_right_missing',
    explain: ({ seen, message, database, username, table }) =>
      `${seen} The user "${username}" lacks a right. ${adviseDottedTable(table)}Let an administrator run: ${suggestGrant(message, database, username)}`,
  },
  {
    numbers: [81], // UNKNOWN_DATABASE
    code: 'table_missing',
    explain: ({ seen, database, username }) =>
      `${seen} The database "${database}" is not there, or not visible to "${username}". Check its name; upper and lower case differ.`,
  },
  {
    numbers: [
      60, // UNKNOWN_TABLE
      218, // TABLE_IS_DROPPED
    ],
    code: 'table_missing',
    explain: ({ seen, table }) =>
      `${seen} The table was dropped or renamed, or its name is misspelt (upper and lower case differ). ${adviseDottedTable(table)}Check "database" and "table".`,
  },
  {
    numbers: [457], // BAD_QUERY_PARAMETER
    code: 'state_invalid',
    explain: ({ seen }) =>
      `${seen} The state that was given holds a cursor that is none of its column's type. Give back the state of the last run as it was, or reset the stream to read it from its first row.`,
  },
  {
    numbers: [181], // ILLEGAL_FINAL
    code: 'final_unsupported',
    explain: ({ seen }) =>
      `${seen} use_final is for engines that merge the versions of a row, such as ReplacingMergeTree. Turn it off for this table.`,
  },
  {
    numbers: [
      47, // UNKNOWN_IDENTIFIER
      16, // NO_SUCH_COLUMN_IN_TABLE
    ],
    code: 'schema_outdated',
    explain: ({ seen }) =>
      `${seen} A column is not there any more, or the view no longer fits its table. Refresh the schema (discover) or mend the view.`,
  },
  {
    numbers: [
      6, // CANNOT_PARSE_TEXT
      27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
      38, // CANNOT_PARSE_DATE
      41, // CANNOT_PARSE_DATETIME
      70, // CANNOT_CONVERT_TYPE
      72, // CANNOT_PARSE_NUMBER
      130, // CANNOT_READ_ARRAY_FROM_TEXT
      153, // ILLEGAL_DIVISION
      321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
      349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
      376, // CANNOT_PARSE_UUID
      407, // DECIMAL_OVERFLOW
      467, // CANNOT_PARSE_BOOL
      675, // CANNOT_PARSE_IPV4
      676, // CANNOT_PARSE_IPV6
      691, // UNKNOWN_ELEMENT_OF_ENUM
    ],
    code: 'value_unfit',
    explain: ({ seen }) =>
      `${seen} The view, or a column that the table computes, meets a value that it can't work with. Mend the value, or have the view take it, as with toUInt32OrNull for toUInt32; the next run goes on from the last state.`,
  },
  {
    numbers: [395], // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    code: 'throw_if_met',
    explain: ({ seen }) =>
      `${seen} The view, or a column of the table, has a throwIf that stops the query at a row. Mend the row or the throwIf; the next run goes on from the last state.`,
  },
  {
    numbers: [164], // READONLY
    code: 'clickhouse_settings_unfit',
    explain: ({ seen }) =>
      `${seen} The user's profile is read-only and forbids this. Let an administrator allow it, or use a user with readonly=2.`,
  },
  {
    numbers: [
      158, // TOO_MANY_ROWS
      307, // TOO_MANY_BYTES
      396, // TOO_MANY_ROWS_OR_BYTES
      191, // SET_SIZE_LIMIT_EXCEEDED
      277, // INDEX_NOT_USED
      565, // TOO_MANY_PARTITIONS
      584, // PROJECTION_NOT_USED
    ],
    code: 'clickhouse_limit_too_low',
    explain: ({ seen, message, username }) => `${seen} ${explainReadLimit(message, username)}`,
  },
  {
    numbers: [80], // INCORRECT_QUERY
    matches: ({ message }) => message.includes('join_use_nulls'),
    code: 'clickhouse_settings_unfit',
    explain: ({ seen, username }) =>
      `${seen} The view has a JOIN, and most likely join_use_nulls in the profile of the user "${username}" is not what it was for the one who created the view. ${adviseSetting(username, { join_use_nulls: '0' })}. Or create the view again with SETTINGS join_use_nulls = 0 (or 1) at its end, so that it no longer depends on who reads it.`,
  },
  {
    numbers: [
      90, // EMPTY_LIST_OF_COLUMNS_PASSED
      51, // EMPTY_LIST_OF_COLUMNS_QUERIED
    ],
    code: 'columns_missing',
    explain: ({ seen }) =>
      `${seen} The table or view shows no columns. Most likely it is a parameterized view, which has them only when a query gives its parameters. Create a plain view that does: CREATE VIEW … AS SELECT * FROM the_view(parameter = value), and name it in "table".`,
  },
  {
    numbers: [
      704, // QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS
      719, // QUERY_CACHE_USED_WITH_SYSTEM_TABLE
    ],
    code: 'clickhouse_settings_unfit',
    explain: ({ seen, username }) =>
      `${seen} The user's profile turns the query cache on, which refuses queries that read system tables or the clock. ${adviseSetting(username, { use_query_cache: '0' })}.`,
  },
  {
    numbers: [
      201, // QUOTA_EXCEEDED
      202, // TOO_MANY_SIMULTANEOUS_QUERIES
      159, // TIMEOUT_EXCEEDED
      160, // TOO_SLOW
      241, // MEMORY_LIMIT_EXCEEDED
      173, // CANNOT_ALLOCATE_MEMORY
      203, // NO_FREE_CONNECTION
      439, // CANNOT_SCHEDULE_TASK
      473, // DEADLOCK_AVOIDED: a lock of the table was not had in time
      700, // USER_SESSION_LIMIT_EXCEEDED
      745, // SERVER_OVERLOADED
    ],
    code: 'clickhouse_busy',
    explain: ({ seen, username }) =>
      `${seen} A limit of the server or of the user "${username}" was reached. Run again later; if it stays, raise the limit or make the table cheaper to read (sorted by the cursor).`,
  },
  {
    numbers: [
      32, // ATTEMPT_TO_READ_AFTER_EOF: a shard went away
      95, // CANNOT_READ_FROM_SOCKET
      96, // CANNOT_WRITE_TO_SOCKET
      198, // DNS_ERROR
      209, // SOCKET_TIMEOUT
      216, // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: a proxy sent the query a second time
      225, // NO_ZOOKEEPER
      242, // TABLE_IS_READ_ONLY: its replica has no session with Keeper
      289, // REPLICA_IS_NOT_IN_QUORUM
      210, // NETWORK_ERROR
      279, // ALL_CONNECTION_TRIES_FAILED
      369, // ALL_REPLICAS_ARE_STALE
      394, // QUERY_WAS_CANCELLED
      236, // ABORTED
      499, // S3_ERROR
      519, // NO_REMOTE_SHARD_AVAILABLE
      733, // TABLE_IS_BEING_RESTARTED
      735, // QUERY_WAS_CANCELLED_BY_CLIENT
      999, // KEEPER_EXCEPTION
    ],
    code: 'clickhouse_cut_off',
    explain: ({ seen }) =>
      `${seen} The query was cut short by the server or its network. Run again; the next run goes on from the last state.`,
  },
];

export function explainServerError(error: ClickHouseError, configuration: SourceConfiguration): Explanation {
  const number = Number(error.code);
  const known = SERVER_ERRORS.find(
    ({ numbers, matches }) => numbers.includes(number) && (matches === undefined || matches(error)),
  );
  const { database, username, table } = configuration;
  const context = { seen: quoteServer(error), message: error.message, database, username, table };
  if (known !== undefined) return { code: known.code, message: known.explain(context) };
  return {
    code: 'clickhouse_query_failed',
    message: `${context.seen} Most likely a view, or what is behind it, does not work: try a SELECT * from it without this connector, and mend it. If that works, please report this.`,
  };
}

/** What the server said, with the number and the name of the error. */
function quoteServer(error: ClickHouseError): string {
  const words = summarizeServerMessage(error);
  const number = error.type === undefined ? `code ${error.code}` : `code ${error.code}, ${error.type}`;
  return words === ''
    ? `ClickHouse failed (${number}), and its reason was cut off.`
    : `ClickHouse said: ${words} (${number}).`;
}

/** A name may have a point in it, so this is said only of a table that is not there, or may not be read. */
function adviseDottedTable(table = ''): string {
  const [, before, behind] = /^([^.]+)\.(.+)$/.exec(table) ?? [];
  if (before === undefined) return '';
  return `"table" takes the name alone, without its database: "${behind}", with "${before}" in "database". `;
}
