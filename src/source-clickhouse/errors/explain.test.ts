import { parseError } from '@clickhouse/client';
import { describe, expect, test } from 'vitest';
import type { ConnectorError } from '../../protocol/errors.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from '../config/schema.ts';
import { type SourceErrorCode, sourceError } from './codes.ts';
import { explainClickHouseError, GatewayError, mayBeWakingUp } from './explain.ts';
import { explainSshError } from './ssh-errors.ts';

const PASSWORD = 'hunter2';

function configuration(changes: Partial<SourceConfiguration> = {}): SourceConfiguration {
  return sourceConfigurationSchema.parse({
    host: 'ch.example.com',
    database: 'shop',
    username: 'batch-sync',
    password: PASSWORD,
    ...changes,
  });
}

/** What the server's answer, with its code and name, is explained as. */
function serverError(text: string, changes: Partial<SourceConfiguration> = {}): ConnectorError {
  return explainClickHouseError(parseError(text), configuration(changes));
}

/** What an error of Node's network is explained as. */
function networkError(code: string, message: string, changes: Partial<SourceConfiguration> = {}): ConnectorError {
  const error = new Error(message);
  return explainClickHouseError(code === '' ? error : Object.assign(error, { code }), configuration(changes));
}

describe('an error of the server', () => {
  test.each<[number, name: string, SourceErrorCode, advice: RegExp]>([
    [
      516,
      'AUTHENTICATION_FAILED',
      'clickhouse_login_refused',
      /^ClickHouse refused the user "batch-sync".+Check username and password/,
    ],
    [193, 'WRONG_PASSWORD', 'clickhouse_login_refused', /refused the user "batch-sync".+password/],
    [192, 'UNKNOWN_USER', 'clickhouse_login_refused', /refused the user "batch-sync".+no such user/],
    [194, 'REQUIRED_PASSWORD', 'clickhouse_login_refused', /refused the user "batch-sync".+password/],
    [
      497,
      'ACCESS_DENIED',
      'clickhouse_right_missing',
      /"batch-sync" lacks a right\. Let an administrator run: GRANT SELECT ON /,
    ],
    [
      81,
      'UNKNOWN_DATABASE',
      'table_missing',
      /The database "shop" is not there, or not visible to "batch-sync"\. Check its name/,
    ],
    [60, 'UNKNOWN_TABLE', 'table_missing', /dropped or renamed.+Check "database" and "table"/],
    [218, 'TABLE_IS_DROPPED', 'table_missing', /dropped or renamed/],
    [395, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO', 'throw_if_met', /Mend the row or the throwIf/],
    [181, 'ILLEGAL_FINAL', 'final_unsupported', /Turn it off for this table/],
    [457, 'BAD_QUERY_PARAMETER', 'state_invalid', /Give back the state of the last run as it was/],
    [691, 'UNKNOWN_ELEMENT_OF_ENUM', 'value_unfit', /have the view take it/],
    [161, 'TOO_MANY_COLUMNS', 'clickhouse_limit_too_low', /max_columns_to_read = 0.+read a view of fewer columns/],
    [162, 'TOO_DEEP_SUBQUERIES', 'clickhouse_limit_too_low', /max_subquery_depth = 100 /],
    [165, 'TOO_MANY_TEMPORARY_COLUMNS', 'clickhouse_limit_too_low', /max_temporary_columns = 0/],
    [166, 'TOO_MANY_TEMPORARY_NON_CONST_COLUMNS', 'clickhouse_limit_too_low', /max_temporary_non_const_columns = 0/],
    [167, 'TOO_DEEP_AST', 'clickhouse_limit_too_low', /max_ast_depth = 1000/],
    [168, 'TOO_BIG_AST', 'clickhouse_limit_too_low', /max_ast_elements = 1000000, max_expanded_ast_elements = 5000000/],
    [306, 'TOO_DEEP_RECURSION', 'clickhouse_limit_too_low', /max_parser_depth = 1000/],
    [718, 'TOO_SLOW_PARSING', 'clickhouse_limit_too_low', /max_parser_backtracks = 1000000/],
    [584, 'PROJECTION_NOT_USED', 'clickhouse_limit_too_low', /too low for the query/],
    [90, 'EMPTY_LIST_OF_COLUMNS_PASSED', 'columns_missing', /most likely it is a parameterized view.+ Create a plain/i],
    [51, 'EMPTY_LIST_OF_COLUMNS_QUERIED', 'columns_missing', /most likely it is a parameterized view/i],
    [80, 'INCORRECT_QUERY', 'clickhouse_query_failed', /Most likely a view/],
    [36, 'BAD_ARGUMENTS', 'clickhouse_query_failed', /Most likely a view/],
    [62, 'SYNTAX_ERROR', 'clickhouse_query_failed', /Most likely a view/],
    [47, 'UNKNOWN_IDENTIFIER', 'schema_outdated', /Refresh the schema \(discover\) or mend the view/],
    [16, 'NO_SUCH_COLUMN_IN_TABLE', 'schema_outdated', /Refresh the schema \(discover\) or mend the view/],
    [164, 'READONLY', 'clickhouse_settings_unfit', /read-only.+readonly=2/],
    [201, 'QUOTA_EXCEEDED', 'clickhouse_busy', /A limit .+"batch-sync" was reached\. Run again later/],
    [202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'clickhouse_busy', /Run again later/],
    [159, 'TIMEOUT_EXCEEDED', 'clickhouse_busy', /raise the limit or make the table cheaper to read/],
    [160, 'TOO_SLOW', 'clickhouse_busy', /Run again later/],
    [241, 'MEMORY_LIMIT_EXCEEDED', 'clickhouse_busy', /A limit .+ was reached/],
    [745, 'SERVER_OVERLOADED', 'clickhouse_busy', /A limit .+ was reached\. Run again later/],
    [203, 'NO_FREE_CONNECTION', 'clickhouse_busy', /A limit .+ was reached/],
    [473, 'DEADLOCK_AVOIDED', 'clickhouse_busy', /Run again later/],
    [700, 'USER_SESSION_LIMIT_EXCEEDED', 'clickhouse_busy', /A limit .+ was reached/],
    [439, 'CANNOT_SCHEDULE_TASK', 'clickhouse_busy', /A limit .+ was reached/],
    [173, 'CANNOT_ALLOCATE_MEMORY', 'clickhouse_busy', /A limit .+ was reached/],
    [158, 'TOO_MANY_ROWS', 'clickhouse_limit_too_low', /too low for the query.+Let an administrator raise it/],
    [307, 'TOO_MANY_BYTES', 'clickhouse_limit_too_low', /too low for the query/],
    [396, 'TOO_MANY_ROWS_OR_BYTES', 'clickhouse_limit_too_low', /too low for the query/],
    [191, 'SET_SIZE_LIMIT_EXCEEDED', 'clickhouse_limit_too_low', /too low for the query/],
    [277, 'INDEX_NOT_USED', 'clickhouse_limit_too_low', /too low for the query/],
    [
      704,
      'QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS',
      'clickhouse_settings_unfit',
      /MODIFY SETTING use_query_cache = 0/,
    ],
    [
      572,
      'TOO_MANY_QUERY_PLAN_OPTIMIZATIONS',
      'clickhouse_limit_too_low',
      /query_plan_max_optimizations_to_apply = 10000/,
    ],
    [719, 'QUERY_CACHE_USED_WITH_SYSTEM_TABLE', 'clickhouse_settings_unfit', /MODIFY SETTING use_query_cache = 0/],
    [32, 'ATTEMPT_TO_READ_AFTER_EOF', 'clickhouse_cut_off', /cut short/],
    [95, 'CANNOT_READ_FROM_SOCKET', 'clickhouse_cut_off', /cut short/],
    [96, 'CANNOT_WRITE_TO_SOCKET', 'clickhouse_cut_off', /cut short/],
    [198, 'DNS_ERROR', 'clickhouse_cut_off', /cut short/],
    [369, 'ALL_REPLICAS_ARE_STALE', 'clickhouse_cut_off', /cut short/],
    [519, 'NO_REMOTE_SHARD_AVAILABLE', 'clickhouse_cut_off', /cut short/],
    [209, 'SOCKET_TIMEOUT', 'clickhouse_cut_off', /cut short.+goes on from the last state/],
    [210, 'NETWORK_ERROR', 'clickhouse_cut_off', /cut short/],
    [279, 'ALL_CONNECTION_TRIES_FAILED', 'clickhouse_cut_off', /cut short/],
    [394, 'QUERY_WAS_CANCELLED', 'clickhouse_cut_off', /cut short/],
    [236, 'ABORTED', 'clickhouse_cut_off', /cut short/],
    [499, 'S3_ERROR', 'clickhouse_cut_off', /cut short/],
    [733, 'TABLE_IS_BEING_RESTARTED', 'clickhouse_cut_off', /cut short/],
    [216, 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING', 'clickhouse_cut_off', /cut short/],
    [225, 'NO_ZOOKEEPER', 'clickhouse_cut_off', /cut short/],
    [242, 'TABLE_IS_READ_ONLY', 'clickhouse_cut_off', /cut short/],
    [289, 'REPLICA_IS_NOT_IN_QUORUM', 'clickhouse_cut_off', /cut short/],
    [735, 'QUERY_WAS_CANCELLED_BY_CLIENT', 'clickhouse_cut_off', /cut short/],
    [999, 'KEEPER_EXCEPTION', 'clickhouse_cut_off', /cut short/],
    [41, 'CANNOT_PARSE_DATETIME', 'value_unfit', /meets a value .+ have the view take it/],
    [153, 'ILLEGAL_DIVISION', 'value_unfit', /meets a value .+ have the view take it/],
    [43, 'ILLEGAL_TYPE_OF_ARGUMENT', 'clickhouse_query_failed', /Most likely a view.+If that works, please report/],
    [1002, 'UNKNOWN_EXCEPTION', 'clickhouse_query_failed', /Most likely a view.+If that works, please report/],
  ])('%i %s is a %s with advice', (number, name, code, advice) => {
    const error = serverError(
      `Code: ${number}. DB::Exception: Something about the thing: In scope SELECT 1. Maybe you meant 2. (${name}) (version 26.7.2.1)`,
    );
    expect(error.code).toBe(code);
    expect(error.message).toMatch(advice);
    // Of an error about a value only words of ClickHouse's own are shown.
    expect(error.internalMessage).toBe(
      [41, 153, 457, 691].includes(number)
        ? '[text of 15 characters] the [text of 5 characters]: In [text of 14 characters]. [text of 17 characters].'
        : 'Something about the thing: In scope SELECT 1. Maybe you meant 2. ',
    );
    expect(error.message).not.toContain(PASSWORD);
  });

  test('of our own, that the table has changed, passes with the next run', () => {
    const said = 'source-clickhouse: the columns have changed: while executing';
    const error = serverError(`Code: 395. DB::Exception: ${said} 'x'. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)`);
    expect(error.code).toBe('table_changed');
    expect(error.message).toMatch(/^A column was dropped or changed its type while .+ Run again; the next run/);
  });

  const missing = 'Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)';
  test.each([
    [missing, { table: 'shop.events' }, true],
    ['Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)', { table: 'shop.events' }, true],
    [missing, { table: 'events' }, false],
    [missing, {}, false],
  ])('%s of %j has a hint that the database has an option of its own: %s', (text, changes, hasHint) => {
    const { message } = serverError(text, changes);
    const hint = '"table" takes the name alone, without its database: "events", with "shop" in "database". ';
    expect(message.includes(hint)).toBe(hasHint);
  });

  test('that quotes the condition for that is another one', () => {
    const said = "Memory limit exceeded: While executing throwIf(1, 'source-clickhouse: the columns have changed')";
    const error = serverError(`Code: 241. DB::Exception: ${said}. (MEMORY_LIMIT_EXCEEDED)`);
    expect(error.message).toMatch(/A limit .+ was reached/);
    const other = serverError(`Code: 395. DB::Exception: kaboom: ${said}. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)`);
    expect(other.failureType).toBe('config_error');
  });

  test.each([
    'Unknown table expression identifier \'shop.x\' in scope WITH concat(\'"custom_id":\', 1) AS expression_1 SELECT concat(\'{"type":"RECORD"\', 1) FROM shop.x. Maybe you meant shop.y?. ',
    "Unknown table expression identifier 'shop.x' while processing: 'WITH concat('{', 1) AS expression_1 SELECT concat('{', 1) FROM shop.x'. ",
  ])('is quoted without the query for the rows, if that is in it: %s', (said) => {
    expect(serverError(`Code: 60. DB::Exception: ${said}(UNKNOWN_TABLE) (version 26.7.2.1)`).message).toContain(
      "ClickHouse said: Unknown table expression identifier 'shop.x' (code 60, UNKNOWN_TABLE). ",
    );
  });

  test('is quoted in its first sentence, with its code and name', () => {
    const error = serverError(
      "Code: 60. DB::Exception: Unknown table expression identifier 'shop.x'\n  in scope SELECT 1. Maybe you meant shop.y?. (UNKNOWN_TABLE) (version 26.7.2.1)",
    );
    expect(error.message).toContain(
      "ClickHouse said: Unknown table expression identifier 'shop.x' in scope SELECT 1 (code 60, UNKNOWN_TABLE). ",
    );
  });

  test('is quoted at no great length', () => {
    const error = serverError(`Code: 47. DB::Exception: Missing columns: ${'x'.repeat(5000)} (UNKNOWN_IDENTIFIER)`);
    expect(error.message.length).toBeLessThan(600);
    expect(error.internalMessage?.length).toBeGreaterThan(5000);
  });
});

describe('of a right that is missing, what the administrator is to run', () => {
  test.each([
    [
      'is the grant that the server names',
      'to have the grant SELECT(custom_id, `a b`) ON shop.events',
      'GRANT SELECT(custom_id, `a b`) ON shop.events TO `batch-sync`',
    ],
    ['is no more than that', 'to have the grant SELECT ON shop.events', 'GRANT SELECT ON shop.events TO `batch-sync`'],
    [
      'is the whole table when any of its columns would do',
      'to have the grant SELECT for at least one column on shop.events',
      'GRANT SELECT ON shop.events TO `batch-sync`',
    ],
    [
      'keeps a name in backticks whole',
      'to have the grant SELECT(a) ON shop.`my tab, le`',
      'GRANT SELECT(a) ON shop.`my tab, le` TO `batch-sync`',
    ],
    [
      'may be another right than SELECT, which a view needs',
      'to have the grant READ ON URL',
      'GRANT READ ON URL TO `batch-sync`',
    ],
    [
      'is SELECT on the database when the server names nothing',
      'to do that',
      'GRANT SELECT ON `shop`.* TO `batch-sync`',
    ],
  ])('%s', (_, words, statement) => {
    const error = serverError(
      `Code: 497. DB::Exception: batch-sync: Not enough privileges. To execute this query, it's necessary ${words}. (ACCESS_DENIED) (version 26.7.2.1)`,
    );
    const [, run] = error.message.split('Let an administrator run: ');
    expect(run).toBe(statement);
  });
});

describe('of a limit that each attempt would meet, which setting it is', () => {
  test.each([
    [
      "Limit for rows (controlled by 'max_rows_to_read_leaf' setting) exceeded, max rows: 10.00",
      'max_rows_to_read_leaf',
    ],
    ['Limit for rows or bytes to read exceeded, max rows: 10.00, current rows: 300.00 thousand', 'max_rows_to_read'],
    ['Limit for rows or bytes to read exceeded, max bytes: 10.00 B, current bytes: 1.85 MiB', 'max_bytes_to_read'],
    ['Limit for rows or bytes to read on leaf node exceeded, max bytes: 10.00 B', 'max_bytes_to_read_leaf'],
    ['Limit for rows to GROUP BY exceeded: has 65409 rows, maximum: 10', 'max_rows_to_group_by'],
    ['Limit for result exceeded, max rows: 10.00, current rows: 65.41 thousand', 'max_result_rows or max_rows_to_sort'],
    ['Limit for result exceeded, max bytes: 10.00 B, current bytes: 15 MiB', 'max_result_bytes or max_bytes_to_sort'],
    ['Limit for DISTINCT exceeded, max rows: 10.00, current rows: 65.41 thousand', 'max_rows_in_distinct'],
    ['Limit for IN-set exceeded, max bytes: 10.00, current bytes: 1.00 thousand', 'max_bytes_in_set'],
    ['Limit for JOIN exceeded, max rows: 10.00, current rows: 4.10 thousand', 'max_rows_in_join'],
    ["Primary key (a) is not used and setting 'force_primary_key' is set", 'force_primary_key'],
    [
      'No projection is used when optimize_use_projections = 1 and force_optimize_projection = 1',
      'force_optimize_projection',
    ],
  ])('%s: %s', (message, settings) => {
    const error = serverError(`Code: 396. DB::Exception: ${message}. (TOO_MANY_ROWS_OR_BYTES) (version 26.7.2.1)`);
    expect(error.message).toContain(`(${settings})`);
    expect(error.message).toContain(
      `ALTER USER \`batch-sync\` MODIFY SETTING ${settings
        .split(' or ')
        .map((name) => `${name} = 0`)
        .join(', ')} `,
    );
  });
});

describe('of a limit on the query itself, and of a profile that a view does not fit, what is to be done:', () => {
  test.each([
    [
      62,
      'Max query size exceeded (can be increased with the `max_query_size` setting): Syntax error',
      'max_query_size = 16777216',
    ],
    [62, "Syntax error: failed at position 26 ('n'): n. Max query size exceeded: 'n'", 'max_query_size = 16777216'],
    [36, 'Query tree is too big. Maximum: 3', 'max_expanded_ast_elements = 5000000'],
  ])('%i %s', (code, words, setting) => {
    const error = serverError(`Code: ${code}. DB::Exception: ${words}. (SOME_ERROR) (version 26.7.2.1)`);
    expect(error.code).toBe('clickhouse_limit_too_low');
    expect(error.message).toContain(`MODIFY SETTING ${setting} (`);
    expect(error.message).toMatch(/Or read a view of fewer columns\.$/);
  });

  test('a list of indexes is set to an empty one', () => {
    const words = "Index `x` is not used and setting 'force_data_skipping_indices' contains it";
    const error = serverError(`Code: 277. DB::Exception: ${words}. (INDEX_NOT_USED) (version 26.7.2.1)`);
    expect(error.message).toContain("MODIFY SETTING force_data_skipping_indices = '' (");
  });

  test('join_use_nulls is named', () => {
    const words =
      "Query from view shop.v returned Nullable column having not Nullable type in structure. If query from view has JOIN, it may be cause by different values of 'join_use_nulls' setting. You may explicitly specify 'join_use_nulls' in 'CREATE VIEW' query to avoid this error";
    const error = serverError(`Code: 80. DB::Exception: ${words}. (INCORRECT_QUERY) (version 26.7.2.1)`);
    expect(error.code).toBe('clickhouse_settings_unfit');
    expect(error.message).toMatch(
      /join_use_nulls in the profile .+ MODIFY SETTING join_use_nulls = 0 .+ SETTINGS join_use_nulls/,
    );
  });
});

describe('an error on the way to the server', () => {
  test.each<[string, code: string, message: string, Partial<SourceConfiguration>, SourceErrorCode, advice: RegExp]>([
    [
      'an unknown name',
      'ENOTFOUND',
      'getaddrinfo ENOTFOUND ch.example.com',
      {},
      'clickhouse_address_wrong',
      /"ch\.example\.com" is not known\. Check its spelling/,
    ],
    [
      'a name server that is silent',
      'EAI_AGAIN',
      'getaddrinfo EAI_AGAIN',
      {},
      'clickhouse_unreachable',
      /could not be looked up/,
    ],
    [
      'a closed port',
      'ECONNREFUSED',
      'connect ECONNREFUSED',
      {},
      'clickhouse_unreachable',
      /Nothing listens at ch\.example\.com:8123.+8443/,
    ],
    [
      'a firewall',
      'ETIMEDOUT',
      'connect ETIMEDOUT',
      {},
      'clickhouse_unreachable',
      /did not answer in time\. A firewall/,
    ],
    ['no route', 'EHOSTUNREACH', 'connect EHOSTUNREACH', {}, 'clickhouse_unreachable', /did not answer in time/],
    ['no network', 'ENETUNREACH', 'connect ENETUNREACH', {}, 'clickhouse_unreachable', /did not answer in time/],
    ['a silent server', '', 'Timeout error.', {}, 'clickhouse_unreachable', /said nothing for minutes.+sorts/],
    [
      'TLS to a port without',
      'EPROTO',
      'wrong version number',
      { ssl: true, port: 8123 },
      'tls_not_spoken',
      /ch\.example\.com:8123 does not speak TLS.+Turn ssl off/,
    ],
    [
      'TLS to a port without, as newer Nodes call it',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'wrong version',
      { ssl: true },
      'tls_not_spoken',
      /does not speak TLS/,
    ],
    [
      'TLS to a port that hangs up',
      'ECONNRESET',
      'Client network socket disconnected before secure TLS connection was established',
      { ssl: true },
      'clickhouse_port_wrong',
      /hung up before TLS began.+does not speak TLS.+or the server is waking up/,
    ],
    [
      'a connection over TLS that was cut',
      'ECONNRESET',
      'aborted',
      { ssl: true },
      'clickhouse_cut_off',
      /was cut.+Try again/,
    ],
    [
      'a connection over TLS on which the server hung up',
      'ECONNRESET',
      'socket hang up',
      { ssl: true },
      'clickhouse_cut_off',
      /was cut.+Try again/,
    ],
    [
      'an unknown authority',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'unable to verify the first certificate',
      { ssl: true },
      'tls_certificate_refused',
      /certificate of ch\.example\.com:8123 is not accepted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
    ],
    [
      'a certificate of its own',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate',
      { ssl: true },
      'tls_certificate_refused',
      /certificate/,
    ],
    [
      'a chain with a certificate of its own',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'self-signed certificate',
      { ssl: true },
      'tls_certificate_refused',
      /certificate/,
    ],
    [
      'an old certificate',
      'CERT_HAS_EXPIRED',
      'certificate has expired',
      { ssl: true },
      'tls_certificate_refused',
      /certificate.+has expired/,
    ],
    [
      'a certificate of another name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'Hostname/IP does not match',
      { ssl: true },
      'tls_certificate_refused',
      /Connect by the name in the certificate/,
    ],
    [
      'an issuer that is not known',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'unable to get local issuer certificate',
      { ssl: true },
      'tls_certificate_refused',
      /certificate/,
    ],
    [
      'an HTTPS port without TLS',
      'HPE_INVALID_CONSTANT',
      'Parse Error: Expected HTTP/',
      {},
      'clickhouse_port_wrong',
      /turn ssl on/,
    ],
    [
      'a connection that was cut',
      'ECONNRESET',
      'read ECONNRESET',
      {},
      'clickhouse_port_wrong',
      /turn ssl on; else .+ closed the connection: try again/,
    ],
    ['a broken pipe', 'EPIPE', 'write EPIPE', {}, 'clickhouse_cut_off', /was cut/],
    [
      'a body that ended early',
      'ERR_STREAM_PREMATURE_CLOSE',
      'Premature close',
      { ssl: true },
      'clickhouse_cut_off',
      /was cut/,
    ],
    [
      'something that could not be parsed',
      '',
      'Unexpected token, "secret" is not valid JSON',
      {},
      'clickhouse_port_wrong',
      /gave no answer that ClickHouse would give\. Check/,
    ],
    [
      'an empty page',
      '',
      '',
      {},
      'clickhouse_port_wrong',
      /Check that host and port are those of ClickHouse's HTTP interface/,
    ],
  ])('%s', (_, code, message, changes, expected, advice) => {
    const error = networkError(code, message, changes);
    expect(error.message).toMatch(advice);
    expect(error.code).toBe(expected);
    expect(error.internalMessage).toBe(message);
    expect(error.message).not.toContain(PASSWORD);
  });

  test('that is none, but something else that was thrown, has a message', () => {
    const error = explainClickHouseError('gone', configuration());
    expect(error.failureType).toBe('transient_error');
    expect(error.internalMessage).toBe('gone');
  });
});

test('a failure that has advice already is left alone', () => {
  const error = sourceError('table_missing', 'Do this.');
  expect(explainClickHouseError(error, configuration())).toBe(error);
});

test('the error that was seen is kept as the cause', () => {
  const error = new Error('x');
  expect(explainClickHouseError(error, configuration()).cause).toBe(error);
});

describe('a server may be asleep', () => {
  const cut = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const bastion = {
    tunnel_method: 'SSH_PASSWORD_AUTH',
    tunnel_host: 'bastion',
    tunnel_port: 22,
    tunnel_user: 'tunnel',
    tunnel_user_password: PASSWORD,
  } as const;

  test.each<[string, ConnectorError, ssl: boolean, asleep: boolean]>([
    ['when it cuts a connection of TLS', explainClickHouseError(cut, configuration({ ssl: true })), true, true],
    [
      'when a proxy answers in its place',
      explainClickHouseError(new GatewayError(503, ''), configuration()),
      false,
      true,
    ],
    ['but not when it cuts one without TLS', explainClickHouseError(cut, configuration()), false, false],
    ['but not when an SSH server on the way cuts one', explainSshError(cut, bastion), true, false],
  ])('%s', (_, error, ssl, asleep) => {
    expect(mayBeWakingUp(error, configuration({ ssl }))).toBe(asleep);
  });
});
