import { ClickHouseError } from '@clickhouse/client';
import { ConnectorError, codeOf, messageOf, rawMessageOf } from '../../protocol/errors.ts';
import { ProxyError } from '../../protocol/network/proxy-tunnel.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { PROGRESS_SETTINGS } from '../client/query-settings.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { isSchemaChanged } from '../query/schema-guard.ts';
import { quoteIdentifier } from '../sql.ts';
import { adviseSetting } from './admin-sql.ts';
import { sourceError } from './codes.ts';
import type { Explanation } from './explanation.ts';
import { explainLimit, isQueryLimit } from './limit-errors.ts';
import { redactServerMessage, summarizeServerMessage } from './server-message.ts';
import { explainTlsError } from './tls-errors.ts';
import { UnreadableResponseError } from './unreadable-answer-error.ts';

/** What a proxy answered in the place of a server that it could not reach. */
export class GatewayError extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.name = 'GatewayError';
    this.status = status;
  }
}

/** An answer that ClickHouse does not give. */
export class NotClickHouseError extends Error {
  readonly status: number;
  readonly answeredBefore: boolean;

  /** @param answeredBefore whether ClickHouse has answered at this host and port in this run. */
  constructor(status: number, answeredBefore: boolean) {
    // What came is not shown: it may hold rows.
    super(`HTTP ${status} with an answer that is not ClickHouse's.`);
    this.name = 'NotClickHouseError';
    this.status = status;
    this.answeredBefore = answeredBefore;
  }
}

/** A proxy refused the query itself: the login (401, 403), or for now (429). chproxy answers so, with words of its own. */
export class ProxyRefusalError extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.name = 'ProxyRefusalError';
    this.status = status;
  }
}

/** Codes of a connection that was made and then cut. */
const CUT = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/**
 * Whether a failure is one that a server makes which is about to be there. Without TLS a cut connection is none: it is
 * rather an HTTPS port, and a service that sleeps is reached by HTTPS. One that an SSH server cut has not reached it.
 */
export function mayBeWakingUp(error: ConnectorError, { ssl }: SourceConfiguration): boolean {
  const { cause, code } = error;
  if (code.startsWith('ssh_')) return false;
  return cause instanceof GatewayError || (ssl && CUT.includes(codeOf(cause)));
}

/**
 * A failure of ClickHouse, or of the way to it, in words that say what was seen, what it likely means and what to do.
 * The server's own words go into the internal message, as far as they may be shown.
 */
export function explainClickHouseError(error: unknown, configuration: SourceConfiguration): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const { code, message } = explain(error, configuration);
  const internalMessage = error instanceof ClickHouseError ? redactServerMessage(error) : messageOf(error);
  return sourceError(code, message, { internalMessage, cause: error });
}

function explain(error: unknown, configuration: SourceConfiguration): Explanation {
  if (error instanceof ClickHouseError) return explainServerError(error, configuration);
  return explainNetworkError(error, configuration);
}

/** A name may have a point in it, so this is said only of a table that is not there, or may not be read. */
function adviseDottedTable({ table = '' }: SourceConfiguration): string {
  const [, before, behind] = /^([^.]+)\.(.+)$/.exec(table) ?? [];
  if (before === undefined) return '';
  return `"table" takes the name alone, without its database: "${behind}", with "${before}" in "database". `;
}

/**
 * Errors that ClickHouse itself reports, by the numbers of its ErrorCodes.cpp
 * (`SELECT errorCodeToName(n)` names them).
 */
function explainServerError(error: ClickHouseError, configuration: SourceConfiguration): Explanation {
  const { database, username } = configuration;
  if (isSchemaChanged(error)) {
    return {
      code: 'table_changed',
      message:
        'A column was dropped or changed its type while the table was read, so the rows that are left may be in another order than those that were read. Run again; the next run looks at the table anew and goes on from the last state.',
    };
  }
  const words = summarizeServerMessage(error);
  const number = error.type === undefined ? `code ${error.code}` : `code ${error.code}, ${error.type}`;
  const seen =
    words === ''
      ? `ClickHouse failed (${number}), and its reason was cut off.`
      : `ClickHouse said: ${words} (${number}).`;
  if (isQueryLimit(error)) {
    return { code: 'clickhouse_limit_too_low', message: `${seen} ${explainLimit(error, configuration)}` };
  }
  switch (Number(error.code)) {
    case 516: // AUTHENTICATION_FAILED
    case 193: // WRONG_PASSWORD
    case 192: // UNKNOWN_USER
    case 194: // REQUIRED_PASSWORD
      return {
        code: 'clickhouse_login_refused',
        message: `ClickHouse refused the user "${username}": the password is wrong, or there is no such user. Check username and password; the user may also be limited to certain networks.`,
      };
    case 497: // ACCESS_DENIED
      return {
        code: 'clickhouse_right_missing',
        message: `${seen} The user "${username}" lacks a right. ${adviseDottedTable(configuration)}Let an administrator run: ${suggestGrant(error.message, database, username)}`,
      };
    case 81: // UNKNOWN_DATABASE
      return {
        code: 'table_missing',
        message: `${seen} The database "${database}" is not there, or not visible to "${username}". Check its name; upper and lower case differ.`,
      };
    case 60: // UNKNOWN_TABLE
    case 218: // TABLE_IS_DROPPED
      return {
        code: 'table_missing',
        message: `${seen} The table was dropped or renamed, or its name is misspelt (upper and lower case differ). ${adviseDottedTable(configuration)}Check "database" and "table".`,
      };
    case 457: // BAD_QUERY_PARAMETER
      return {
        code: 'state_invalid',
        message: `${seen} The state that was given holds a cursor that is none of its column's type. Give back the state of the last run as it was, or reset the stream to read it from its first row.`,
      };
    case 181: // ILLEGAL_FINAL
      return {
        code: 'final_unsupported',
        message: `${seen} use_final is for engines that merge the versions of a row, such as ReplacingMergeTree. Turn it off for this table.`,
      };
    case 47: // UNKNOWN_IDENTIFIER
    case 16: // NO_SUCH_COLUMN_IN_TABLE
      return {
        code: 'schema_outdated',
        message: `${seen} A column is not there any more, or the view no longer fits its table. Refresh the schema (discover) or mend the view.`,
      };
    case 6: // CANNOT_PARSE_TEXT
    case 27: // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    case 38: // CANNOT_PARSE_DATE
    case 41: // CANNOT_PARSE_DATETIME
    case 70: // CANNOT_CONVERT_TYPE
    case 72: // CANNOT_PARSE_NUMBER
    case 130: // CANNOT_READ_ARRAY_FROM_TEXT
    case 153: // ILLEGAL_DIVISION
    case 321: // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    case 349: // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    case 376: // CANNOT_PARSE_UUID
    case 407: // DECIMAL_OVERFLOW
    case 467: // CANNOT_PARSE_BOOL
    case 675: // CANNOT_PARSE_IPV4
    case 676: // CANNOT_PARSE_IPV6
    case 691: // UNKNOWN_ELEMENT_OF_ENUM
      return {
        code: 'value_unfit',
        message: `${seen} The view, or a column that the table computes, meets a value that it can't work with. Mend the value, or have the view take it, as with toUInt32OrNull for toUInt32; the next run goes on from the last state.`,
      };
    case 395: // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
      return {
        code: 'throw_if_met',
        message: `${seen} The view, or a column of the table, has a throwIf that stops the query at a row. Mend the row or the throwIf; the next run goes on from the last state.`,
      };
    case 164: // READONLY
      return {
        code: 'clickhouse_settings_unfit',
        message: `${seen} The user's profile is read-only and forbids this. Let an administrator allow it, or use a user with readonly=2.`,
      };
    case 158: // TOO_MANY_ROWS
    case 307: // TOO_MANY_BYTES
    case 396: // TOO_MANY_ROWS_OR_BYTES
    case 191: // SET_SIZE_LIMIT_EXCEEDED
    case 277: // INDEX_NOT_USED
    case 565: // TOO_MANY_PARTITIONS
    case 584: // PROJECTION_NOT_USED
      return {
        code: 'clickhouse_limit_too_low',
        message: `${seen} ${explainLimit(error, configuration)}`,
      };
    case 80: // INCORRECT_QUERY
      if (!error.message.includes('join_use_nulls')) return explainUnknownError(seen);
      return {
        code: 'clickhouse_settings_unfit',
        message: `${seen} The view has a JOIN, and most likely join_use_nulls in the profile of the user "${username}" is not what it was for the one who created the view. ${adviseSetting(username, { join_use_nulls: '0' })}. Or create the view again with SETTINGS join_use_nulls = 0 (or 1) at its end, so that it no longer depends on who reads it.`,
      };
    case 90: // EMPTY_LIST_OF_COLUMNS_PASSED
    case 51: // EMPTY_LIST_OF_COLUMNS_QUERIED
      return {
        code: 'columns_missing',
        message: `${seen} The table or view shows no columns. Most likely it is a parameterized view, which has them only when a query gives its parameters. Create a plain view that does: CREATE VIEW … AS SELECT * FROM the_view(parameter = value), and name it in "table".`,
      };
    case 704: // QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS
    case 719: // QUERY_CACHE_USED_WITH_SYSTEM_TABLE
      return {
        code: 'clickhouse_settings_unfit',
        message: `${seen} The user's profile turns the query cache on, which refuses queries that read system tables or the clock. ${adviseSetting(username, { use_query_cache: '0' })}.`,
      };
    case 201: // QUOTA_EXCEEDED
    case 202: // TOO_MANY_SIMULTANEOUS_QUERIES
    case 159: // TIMEOUT_EXCEEDED
    case 160: // TOO_SLOW
    case 241: // MEMORY_LIMIT_EXCEEDED
    case 173: // CANNOT_ALLOCATE_MEMORY
    case 203: // NO_FREE_CONNECTION
    case 439: // CANNOT_SCHEDULE_TASK
    case 473: // DEADLOCK_AVOIDED: a lock of the table was not had in time
    case 700: // USER_SESSION_LIMIT_EXCEEDED
    case 745: // SERVER_OVERLOADED
      return {
        code: 'clickhouse_busy',
        message: `${seen} A limit of the server or of the user "${username}" was reached. Run again later; if it stays, raise the limit or make the table cheaper to read (sorted by the cursor).`,
      };
    case 32: // ATTEMPT_TO_READ_AFTER_EOF: a shard went away
    case 95: // CANNOT_READ_FROM_SOCKET
    case 96: // CANNOT_WRITE_TO_SOCKET
    case 198: // DNS_ERROR
    case 209: // SOCKET_TIMEOUT
    case 216: // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: a proxy sent the query a second time
    case 225: // NO_ZOOKEEPER
    case 242: // TABLE_IS_READ_ONLY: its replica has no session with Keeper
    case 289: // REPLICA_IS_NOT_IN_QUORUM
    case 210: // NETWORK_ERROR
    case 279: // ALL_CONNECTION_TRIES_FAILED
    case 369: // ALL_REPLICAS_ARE_STALE
    case 394: // QUERY_WAS_CANCELLED
    case 236: // ABORTED
    case 499: // S3_ERROR
    case 519: // NO_REMOTE_SHARD_AVAILABLE
    case 733: // TABLE_IS_BEING_RESTARTED
    case 735: // QUERY_WAS_CANCELLED_BY_CLIENT
    case 999: // KEEPER_EXCEPTION
      return {
        code: 'clickhouse_cut_off',
        message: `${seen} The query was cut short by the server or its network. Run again; the next run goes on from the last state.`,
      };
    default:
      return explainUnknownError(seen);
  }
}

function explainUnknownError(seen: string): Explanation {
  return {
    code: 'clickhouse_query_failed',
    message: `${seen} Most likely a view, or what is behind it, does not work: try a SELECT * from it without this connector, and mend it. If that works, please report this.`,
  };
}

/** Errors of DNS, TCP, TLS and what is no answer of ClickHouse, by Node's codes. */
function explainNetworkError(error: unknown, configuration: SourceConfiguration): Explanation {
  const { host, port, ssl } = configuration;
  const code = codeOf(error);
  const at = `${host}:${port}`;
  if (error instanceof ProxyError) return { code: 'clickhouse_unreachable', message: error.message };
  if (error instanceof GatewayError) {
    return {
      code: 'clickhouse_unreachable',
      message: `A proxy at ${at} answered in place of ClickHouse: it can't reach it (HTTP ${error.status}). The server is waking up, restarting or overloaded. Try again; if it stays, check that host and port are those of ClickHouse's HTTP interface.`,
    };
  }
  if (error instanceof ProxyRefusalError) return explainProxyRefusal(error, configuration);
  if (error instanceof NotClickHouseError) return explainForeignResponse(error, at);
  if (error instanceof UnreadableResponseError) {
    return {
      code: 'clickhouse_cut_off',
      message: `Among the rows of ${at} came ${error.bytes} bytes that are not a row, and not an error of ClickHouse. A proxy may have cut or changed the answer. Try again; if it stays, please report this.`,
    };
  }
  if (code === 'ENOTFOUND')
    return {
      code: 'clickhouse_address_wrong',
      message: `The host name "${host}" is not known. Check its spelling; it stands alone, without https:// and without a port.`,
    };
  if (code === 'EAI_AGAIN')
    return {
      code: 'clickhouse_unreachable',
      message: `The host name "${host}" could not be looked up: the name server does not answer. Try again, or check the network.`,
    };
  if (code === 'ECONNREFUSED') {
    return {
      code: 'clickhouse_unreachable',
      message: `Nothing listens at ${at} (connection refused). The port may be wrong (HTTP is 8123, HTTPS 8443) or the server is down. Check both, and that HTTP is open to this machine.`,
    };
  }
  if (rawMessageOf(error) === 'Timeout error.') {
    return {
      code: 'clickhouse_unreachable',
      message: `${at} took the query and said nothing for minutes. A firewall may have dropped the connection, or the server hangs, or it sorts for so long before the first row. Try again; for a long sort, have the table sorted by the cursor, or the server say how far it is. ${adviseSetting(configuration.username, PROGRESS_SETTINGS)}.`,
    };
  }
  if (
    code === 'ETIMEDOUT' ||
    code === 'EHOSTUNREACH' ||
    code === 'ENETUNREACH' ||
    /timeout/i.test(rawMessageOf(error))
  ) {
    return {
      code: 'clickhouse_unreachable',
      message: `${at} did not answer in time. A firewall or an IP allow-list may drop the connection, or the server is waking up. Check the network, then try again.`,
    };
  }
  const tlsExplanation = ssl ? explainTlsError(code, rawMessageOf(error), configuration) : undefined;
  if (tlsExplanation !== undefined) return tlsExplanation;
  if (!ssl && (code.startsWith('HPE_') || code === 'ECONNRESET')) {
    return {
      code: 'clickhouse_port_wrong',
      message: `${at} broke off before an answer that is HTTP. If it is an HTTPS port (usually 8443), turn ssl on; else the server or a proxy closed the connection: try again.`,
    };
  }
  if (CUT.includes(code)) {
    const asked = ssl && configuration.tls?.client_certificate === undefined;
    return {
      code: 'clickhouse_cut_off',
      message: `The connection to ${at} was cut. The server restarted, or a proxy or tunnel closed it. Try again.${asked ? ' If it never works, the server may want a client certificate (tls.client_certificate).' : ''}`,
    };
  }
  // Not with the error's own words: what was to be parsed may be in them.
  return {
    code: 'clickhouse_port_wrong',
    message: `${at} gave no answer that ClickHouse would give${code === '' ? '' : ` (${code})`}. Check that host and port are those of ClickHouse's HTTP interface.`,
  };
}

/** An answer that is not ClickHouse's: of another service, or, after answers of ClickHouse, of what is between. */
function explainForeignResponse({ status, answeredBefore }: NotClickHouseError, at: string): Explanation {
  if (answeredBefore) {
    return {
      code: 'clickhouse_cut_off',
      message: `${at} answered a query with something that is not ClickHouse's (HTTP ${status}), after other queries that ClickHouse answered. A proxy may have answered in its place, or cut the answer. Try again; if it stays, ask the administrator of the proxy.`,
    };
  }
  return {
    code: 'clickhouse_not_spoken',
    message: `${at} answered, but not like ClickHouse (HTTP ${status}). Host and port are likely those of another service, or of a proxy that does not pass queries on. Check both: ClickHouse's HTTP interface is usually on port 8123, or on 8443 with ssl.`,
  };
}

function explainProxyRefusal(
  { status }: ProxyRefusalError,
  { host, port, username }: SourceConfiguration,
): Explanation {
  const seen = `A proxy at ${host}:${port} answered in place of ClickHouse (HTTP ${status}).`;
  if (status === 429) {
    return {
      code: 'clickhouse_busy',
      message: `${seen} A limit of the proxy for the user "${username}" was reached. Run again later; if it stays, raise the limit.`,
    };
  }
  return {
    code: 'clickhouse_login_refused',
    message: `${seen} The proxy refused the user "${username}": the password is wrong, the proxy does not know the user, or it does not accept this machine's address. Check username, password and the proxy's access list.`,
  };
}

/** A right and what it is on, as the server names them: `SELECT(a, b) ON db.table`, with names in backticks if need be. */
const NAMED_RIGHT =
  /grant ([A-Z ]+(?:\([^)]*\))?)(?: for at least one column on| ON) ((?:`(?:[^`\\]|\\.)*`|[^\s,`.]+|\.(?=\S))+)/;

/** The statement that gives the right which the server says is missing. */
function suggestGrant(message: string, database: string, username: string): string {
  const [right = 'SELECT', on = `${quoteIdentifier(database)}.*`] =
    NAMED_RIGHT.exec(message)?.slice(1).map(redactForeign) ?? [];
  return `GRANT ${right} ON ${on} TO ${quoteIdentifier(username)}`;
}
