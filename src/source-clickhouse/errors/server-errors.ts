import type { ClickHouseError } from '@clickhouse/client';
import type { SourceConfiguration } from '../config/schema.ts';
import { isSchemaChanged } from '../query/schema-guard.ts';
import { adviseGrant, adviseSetting } from './admin-sql.ts';
import type { Explanation, SourceErrorCode } from './codes.ts';
import { explainQueryLimit, explainReadLimit, QUERY_LIMITS } from './limit-settings.ts';
import { summarizeServerMessage } from './server-message.ts';

/** The input for an explanation. */
type Context = Pick<SourceConfiguration, 'database' | 'username' | 'table'> & {
  /** A sentence that quotes the server: see `quoteServer`. */
  seen: string;
  /** The server's whole message. */
  message: string;
};

type ServerError = {
  /** The numbers in ClickHouse's ErrorCodes.cpp (`SELECT errorCodeToName(n)` returns the name). */
  numbers: readonly number[];
  /** A condition for errors with one of these numbers. Without a condition, all of them match. */
  matches?: (error: ClickHouseError) => boolean;
  code: SourceErrorCode;
  explain: (context: Context) => string;
};

/** What the errors of ClickHouse mean. The first entry that matches is used. */
export const SERVER_ERRORS: readonly ServerError[] = [
  {
    numbers: [395], // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    matches: isSchemaChanged,
    code: 'table_changed',
    explain: () =>
      'A column was dropped or its type was changed while the table was being read, so the order of the remaining rows may have changed. Run again: the next run reads the new schema and continues from the last state.',
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
      `ClickHouse refused the user "${username}": the password is wrong, or the user does not exist. Check username and password. The user may also be limited to certain networks.`,
  },
  {
    numbers: [497], // ACCESS_DENIED
    code: 'clickhouse_right_missing',
    explain: ({ seen, message, database, username, table }) =>
      `${seen} The user "${username}" lacks a privilege. ${adviseDottedTable(table)}${adviseGrant(message, database, username)}`,
  },
  {
    numbers: [81], // UNKNOWN_DATABASE
    code: 'table_missing',
    explain: ({ seen, database, username }) =>
      `${seen} The database "${database}" does not exist, or is not visible to "${username}". Check its name, which is case-sensitive.`,
  },
  {
    numbers: [
      60, // UNKNOWN_TABLE
      218, // TABLE_IS_DROPPED
    ],
    code: 'table_missing',
    explain: ({ seen, table }) =>
      `${seen} The table was dropped or renamed, or its name is misspelt (names are case-sensitive). ${adviseDottedTable(table)}Check "database" and "table".`,
  },
  {
    numbers: [457], // BAD_QUERY_PARAMETER
    code: 'state_invalid',
    explain: ({ seen }) =>
      `${seen} The cursor in the state is not a value of its column's type. Pass the state of the last run unchanged, or reset the stream to read it from its first row.`,
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
      `${seen} A column no longer exists, or the view no longer fits its table. Refresh the schema (discover) or fix the view.`,
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
      `${seen} The view or query, or a computed column of the table, can't convert a value. Fix the value, or make the SQL accept it, for example with toUInt32OrNull instead of toUInt32. The next run continues from the last state.`,
  },
  {
    numbers: [395], // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    code: 'throw_if_met',
    explain: ({ seen }) =>
      `${seen} A throwIf in the view or query, or in a column of the table, stopped the query at a row. Fix the row or the throwIf. The next run continues from the last state.`,
  },
  {
    numbers: [164], // READONLY
    code: 'clickhouse_settings_unfit',
    explain: ({ seen }) =>
      `${seen} The user's profile is read-only and forbids this. Ask an administrator to allow it, or use a user with readonly=2.`,
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
      `${seen} The view has a JOIN, and join_use_nulls in the profile of the user "${username}" most likely has a different value than when the view was created. Create the view again with SETTINGS join_use_nulls = 0 (or 1) at its end, so that it no longer depends on the user, or change the setting of the user. ${adviseSetting(username, { join_use_nulls: '0' })}`,
  },
  {
    numbers: [
      90, // EMPTY_LIST_OF_COLUMNS_PASSED
      51, // EMPTY_LIST_OF_COLUMNS_QUERIED
    ],
    code: 'columns_missing',
    explain: ({ seen }) =>
      `${seen} The table or view has no columns. Most likely it is a parameterized view, which has columns only when a query passes its parameters. Create a plain view that passes them: CREATE VIEW … AS SELECT * FROM the_view(parameter = value), and name it in "table".`,
  },
  {
    numbers: [
      704, // QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS
      719, // QUERY_CACHE_USED_WITH_SYSTEM_TABLE
    ],
    code: 'clickhouse_settings_unfit',
    explain: ({ seen, username }) =>
      `${seen} The user's profile turns the query cache on, which refuses queries that read system tables or the clock. ${adviseSetting(username, { use_query_cache: '0' })}`,
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
      473, // DEADLOCK_AVOIDED: the table could not be locked in time
      700, // USER_SESSION_LIMIT_EXCEEDED
      745, // SERVER_OVERLOADED
    ],
    code: 'clickhouse_busy',
    explain: ({ seen, username }) =>
      `${seen} A limit of the server or of the user "${username}" was reached. If this continues, raise the limit, or make the table cheaper to read by sorting it by the cursor.`,
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
      `${seen} The server or its network interrupted the query. The next run continues from the last state. If this happens again, look for the cause in system.query_log.`,
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
    message: `${context.seen} Most likely the view or query, or a table that it reads, does not work: run its SELECT without this connector, and fix it. If that works, please report this.`,
  };
}

/** Builds a sentence with the server's message, and the number and the name of the error. */
export function quoteServer(error: ClickHouseError): string {
  const words = summarizeServerMessage(error);
  const number = error.type === undefined ? `code ${error.code}` : `code ${error.code}, ${error.type}`;
  return words === ''
    ? `ClickHouse failed (${number}), and its message was cut off.`
    : `ClickHouse said: ${words} (${number}).`;
}

/**
 * If `table` contains a dot, explains that the database belongs in another option. A table's own name may contain a dot, so use
 * this only if the table does not exist or may not be read.
 */
function adviseDottedTable(table = ''): string {
  const [, before, after] = /^([^.]+)\.(.+)$/.exec(table) ?? [];
  if (before === undefined) return '';
  return `"table" must not contain the database: set "table" to "${after}" and "database" to "${before}". `;
}
