import { parseError } from '@clickhouse/client';
import { describe, expect, test } from 'vitest';
import type { ConnectorError } from '../../protocol/errors.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from '../config/schema.ts';
import type { SourceErrorCode } from './codes.ts';
import { explainClickHouseError } from './explain.ts';
import { QUERY_LIMITS } from './limit-settings.ts';
import { SERVER_ERRORS } from './server-errors.ts';

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

/** The explanation of an error in the server's format. */
function serverError(text: string, changes: Partial<SourceConfiguration> = {}): ConnectorError {
  return explainClickHouseError(parseError(text), configuration(changes));
}

describe('an error of the server', () => {
  test.each<[number, name: string, SourceErrorCode, advice: RegExp]>([
    [
      516,
      'AUTHENTICATION_FAILED',
      'clickhouse_login_refused',
      /^ClickHouse refused the user "batch-sync".+does not exist.+Check username and password/,
    ],
    [
      497,
      'ACCESS_DENIED',
      'clickhouse_right_missing',
      /"batch-sync" lacks a privilege\. Ask an administrator to run:\n\n {2}GRANT SELECT ON /,
    ],
    [
      81,
      'UNKNOWN_DATABASE',
      'table_missing',
      /The database "shop" does not exist, or is not visible to "batch-sync"\. Check its name/,
    ],
    [60, 'UNKNOWN_TABLE', 'table_missing', /dropped or renamed.+Check "database" and "table"/],
    [457, 'BAD_QUERY_PARAMETER', 'state_invalid', /Pass the state of the last run unchanged/],
    [181, 'ILLEGAL_FINAL', 'final_unsupported', /Turn it off for this table/],
    [47, 'UNKNOWN_IDENTIFIER', 'schema_outdated', /Refresh the schema \(discover\) or fix the view/],
    [41, 'CANNOT_PARSE_DATETIME', 'value_unfit', /can't convert a value.+ make the SQL accept it/],
    [395, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO', 'throw_if_met', /Fix the row or the throwIf/],
    [164, 'READONLY', 'clickhouse_settings_unfit', /read-only.+readonly=2/],
    [158, 'TOO_MANY_ROWS', 'clickhouse_limit_too_low', /too low for the query.+Ask an administrator to raise it/],
    [
      168,
      'TOO_BIG_AST',
      'clickhouse_limit_too_low',
      /Read a view with fewer columns.+max_expanded_ast_elements = 5000000/s,
    ],
    [90, 'EMPTY_LIST_OF_COLUMNS_PASSED', 'columns_missing', /most likely it is a parameterized view.+ Create a plain/i],
    [719, 'QUERY_CACHE_USED_WITH_SYSTEM_TABLE', 'clickhouse_settings_unfit', /MODIFY SETTING use_query_cache = 0/],
    [
      201,
      'QUOTA_EXCEEDED',
      'clickhouse_busy',
      /A limit .+"batch-sync" was reached\. If this continues, raise.+make the table cheaper to read/,
    ],
    [209, 'SOCKET_TIMEOUT', 'clickhouse_cut_off', /interrupted the query.+continues from the last state/],
    [80, 'INCORRECT_QUERY', 'clickhouse_query_failed', /Most likely the view or query/],
    [36, 'BAD_ARGUMENTS', 'clickhouse_query_failed', /Most likely the view or query/],
    [62, 'SYNTAX_ERROR', 'clickhouse_query_failed', /Most likely the view or query/],
    [
      1002,
      'UNKNOWN_EXCEPTION',
      'clickhouse_query_failed',
      /Most likely the view or query.+If that works, please report/,
    ],
  ])('%i %s is %s', (number, name, code, advice) => {
    const error = serverError(
      `Code: ${number}. DB::Exception: Something about the thing: In scope SELECT 1. Maybe you meant 2. (${name}) (version 26.7.2.1)`,
    );
    expect(error.code).toBe(code);
    expect(error.message).toMatch(advice);
    // For an error about a value, only ClickHouse's own words are shown.
    expect(error.internalMessage).toBe(
      [41, 457].includes(number)
        ? '[string of 15 characters] the [string of 5 characters]: In [string of 14 characters]. [string of 17 characters].'
        : 'Something about the thing: In scope SELECT 1. Maybe you meant 2. ',
    );
    expect(error.message).not.toContain(PASSWORD);
  });

  test('every number in the table is explained by its entry', () => {
    for (const { numbers, matches, code } of SERVER_ERRORS) {
      if (matches !== undefined) continue;
      for (const number of numbers)
        expect([number, serverError(`Code: ${number}. DB::Exception: x. (SOME_ERROR)`).code]).toEqual([number, code]);
    }
  });

  test('no number occurs twice in the table, except with a condition', () => {
    const numbers = SERVER_ERRORS.filter(({ matches }) => matches === undefined).flatMap((entry) => entry.numbers);
    expect(numbers).toEqual([...new Set(numbers)]);
  });

  test('the throwIf of the schema guard is table_changed', () => {
    const said = 'source-clickhouse: the columns have changed: while executing';
    const error = serverError(`Code: 395. DB::Exception: ${said} 'x'. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)`);
    expect(error.code).toBe('table_changed');
    expect(error.message).toMatch(/^A column was dropped or its type was changed while .+ Run again: the next run/);
  });

  const missing = 'Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)';
  test.each([
    [missing, { table: 'shop.events' }, true],
    ['Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)', { table: 'shop.events' }, true],
    [missing, { table: 'events' }, false],
    [missing, {}, false],
  ])('%s with %j has a hint about "database": %s', (text, changes, hasHint) => {
    const { message } = serverError(text, changes);
    const hint = '"table" must not contain the database: set "table" to "events" and "database" to "shop". ';
    expect(message.includes(hint)).toBe(hasHint);
  });

  test('another error that quotes the schema guard is not table_changed', () => {
    const said = "Memory limit exceeded: While executing throwIf(1, 'source-clickhouse: the columns have changed')";
    const error = serverError(`Code: 241. DB::Exception: ${said}. (MEMORY_LIMIT_EXCEEDED)`);
    expect(error.message).toMatch(/A limit .+ was reached/);
    const other = serverError(`Code: 395. DB::Exception: kaboom: ${said}. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)`);
    expect(other.failureType).toBe('config_error');
  });

  test.each([
    'Unknown table expression identifier \'shop.x\' in scope WITH concat(\'"custom_id":\', 1) AS expression_1 SELECT concat(\'{"type":"RECORD"\', 1) FROM shop.x. Maybe you meant shop.y?. ',
    "Unknown table expression identifier 'shop.x' while processing: 'WITH concat('{', 1) AS expression_1 SELECT concat('{', 1) FROM shop.x'. ",
  ])('is quoted without the query for the rows: %s', (said) => {
    expect(serverError(`Code: 60. DB::Exception: ${said}(UNKNOWN_TABLE) (version 26.7.2.1)`).message).toContain(
      "ClickHouse said: Unknown table expression identifier 'shop.x' (code 60, UNKNOWN_TABLE). ",
    );
  });

  test('is quoted up to its first sentence, with its code and name', () => {
    const error = serverError(
      "Code: 60. DB::Exception: Unknown table expression identifier 'shop.x'\n  in scope SELECT 1. Maybe you meant shop.y?. (UNKNOWN_TABLE) (version 26.7.2.1)",
    );
    expect(error.message).toContain(
      "ClickHouse said: Unknown table expression identifier 'shop.x' in scope SELECT 1 (code 60, UNKNOWN_TABLE). ",
    );
  });

  test('is truncated', () => {
    const error = serverError(`Code: 47. DB::Exception: Missing columns: ${'x'.repeat(5000)} (UNKNOWN_IDENTIFIER)`);
    expect(error.message.length).toBeLessThan(600);
    expect(error.internalMessage?.length).toBeGreaterThan(5000);
  });
});

describe('the GRANT for a missing privilege', () => {
  test.each([
    [
      'is the one that the server names',
      'to have the grant SELECT(custom_id, `a b`) ON shop.events',
      'GRANT SELECT(custom_id, `a b`) ON shop.events TO `batch-sync`',
    ],
    [
      'has no columns if the server names none',
      'to have the grant SELECT ON shop.events',
      'GRANT SELECT ON shop.events TO `batch-sync`',
    ],
    [
      'is for the whole table if any column would do',
      'to have the grant SELECT for at least one column on shop.events',
      'GRANT SELECT ON shop.events TO `batch-sync`',
    ],
    [
      'keeps a name in backticks',
      'to have the grant SELECT(a) ON shop.`my tab, le`',
      'GRANT SELECT(a) ON shop.`my tab, le` TO `batch-sync`',
    ],
    [
      'can be for a privilege other than SELECT, which some views need',
      'to have the grant READ ON URL',
      'GRANT READ ON URL TO `batch-sync`',
    ],
    ['is SELECT on the database if the server names nothing', 'to do that', 'GRANT SELECT ON `shop`.* TO `batch-sync`'],
  ])('%s', (_, words, statement) => {
    const error = serverError(
      `Code: 497. DB::Exception: batch-sync: Not enough privileges. To execute this query, it's necessary ${words}. (ACCESS_DENIED) (version 26.7.2.1)`,
    );
    const [, run] = error.message.split('Ask an administrator to run:\n\n  ');
    expect(run).toBe(statement);
  });
});

describe('the setting of a limit that every retry would exceed', () => {
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
        .join(', ')}`,
    );
  });
});

describe('the settings to change:', () => {
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
    expect(error.message).toMatch(/Read a view with fewer columns, or raise the limit\./);
    expect(error.message).toMatch(new RegExp(`MODIFY SETTING ${setting}$`));
  });

  test.each(QUERY_LIMITS.filter(({ matches }) => matches === undefined))(
    '$number: $settings',
    ({ number, settings }) => {
      const assignments = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
      expect(serverError(`Code: ${number}. DB::Exception: x. (SOME_ERROR)`).message).toContain(
        `MODIFY SETTING ${assignments.join(', ')}`,
      );
    },
  );

  test('force_data_skipping_indices is set to an empty list', () => {
    const words = "Index `x` is not used and setting 'force_data_skipping_indices' contains it";
    const error = serverError(`Code: 277. DB::Exception: ${words}. (INDEX_NOT_USED) (version 26.7.2.1)`);
    expect(error.message).toContain("MODIFY SETTING force_data_skipping_indices = ''");
  });

  test('join_use_nulls for a view with a JOIN', () => {
    const words =
      "Query from view shop.v returned Nullable column having not Nullable type in structure. If query from view has JOIN, it may be cause by different values of 'join_use_nulls' setting. You may explicitly specify 'join_use_nulls' in 'CREATE VIEW' query to avoid this error";
    const error = serverError(`Code: 80. DB::Exception: ${words}. (INCORRECT_QUERY) (version 26.7.2.1)`);
    expect(error.code).toBe('clickhouse_settings_unfit');
    expect(error.message).toMatch(
      /join_use_nulls in the profile .+ SETTINGS join_use_nulls .+ MODIFY SETTING join_use_nulls = 0$/s,
    );
  });
});
