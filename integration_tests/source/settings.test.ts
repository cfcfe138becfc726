import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { chosenEngine, isOlder } from '../../sandbox/clickhouse/engines/engines.ts';
import {
  ADMIN,
  READER,
  READER_WITH_SETTINGS,
  readerWith,
  type SandboxUser,
  STRANGER,
} from '../../sandbox/clickhouse/users.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { type LookbackWindow, readLookbackWindow } from '../../src/source-clickhouse/query/lookback-window.ts';
import { parseClickHouseType } from '../../src/source-clickhouse/schema/clickhouse-type.ts';
import { runInProcess } from '../support/in-process.ts';
import {
  checkStatus,
  clickHouseWith,
  errors,
  lastState,
  records,
  sourceConfiguration,
  sourceReader,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

const CLOUD = readerWith('cloud', { settings: { cloud_mode: 1, readonly: 2 } });
const CLOUD_READONLY = readerWith('cloud_readonly', { settings: { cloud_mode: 1 } });
const CLOUD_FIXED = readerWith('cloud_fixed', {
  settings: { cloud_mode: 1, readonly: 2 },
  constants: ['select_sequential_consistency'],
});

/** A server does not start with a profile that contains an unknown setting. */
const CUT_ZEROS: SandboxUser['settings'] = isOlder(chosenEngine().version, '25.5')
  ? {}
  : { date_time_64_output_format_cut_trailing_zeros_align_to_groups_of_thousands: 1 };

/** Profiles that leave rows out and end the response as if it were complete, and what an administrator should set. */
const LOSSY = [
  lossy("read_overflow_mode = 'throw'", { max_rows_to_read: 1, read_overflow_mode: 'break' }),
  lossy("read_overflow_mode_leaf = 'throw'", { max_bytes_to_read_leaf: 1, read_overflow_mode_leaf: 'break' }),
  lossy("result_overflow_mode = 'throw'", { max_result_rows: 3, result_overflow_mode: 'break' }),
  lossy("sort_overflow_mode = 'throw'", { max_rows_to_sort: 3, sort_overflow_mode: 'break' }),
  lossy("timeout_overflow_mode = 'throw'", { max_execution_time: 9, timeout_overflow_mode: 'break' }),
  lossy("timeout_overflow_mode_leaf = 'throw'", { max_execution_time_leaf: 9, timeout_overflow_mode_leaf: 'break' }),
  lossy("group_by_overflow_mode = 'throw'", { max_rows_to_group_by: 3, group_by_overflow_mode: 'any' }),
  lossy("set_overflow_mode = 'throw'", { max_rows_in_set: 1, set_overflow_mode: 'break' }),
  lossy("join_overflow_mode = 'throw'", { max_rows_in_join: 3, join_overflow_mode: 'break' }),
  lossy("distinct_overflow_mode = 'throw'", { max_bytes_in_distinct: 3, distinct_overflow_mode: 'break' }),
  lossy("transfer_overflow_mode = 'throw'", { max_rows_to_transfer: 3, transfer_overflow_mode: 'break' }),
  lossy('skip_unavailable_shards = 0', { skip_unavailable_shards: 1 }),
  lossy('ignore_cold_parts_seconds = 0', { ignore_cold_parts_seconds: 60 }),
  lossy('limit = 0', { limit: 1 }),
  lossy('limit = 0', { limit: 5 }),
  lossy('offset = 0', { offset: 1 }),
  // These write rows in a different form.
  lossy('extremes = 0', { extremes: 1 }),
  lossy('output_format_tsv_crlf_end_of_line = 0', { output_format_tsv_crlf_end_of_line: 1 }),
  ...Object.keys(CUT_ZEROS).map((name) => lossy(`${name} = 0`, CUT_ZEROS)),
];

function lossy(advice: string, settings: SandboxUser['settings']): { user: SandboxUser; advice: string } {
  const name = `lossy_${Object.entries(settings).flat().join('_')}`;
  return { user: readerWith(name, { settings }), advice };
}

/** The same for a user who may change settings. */
const BREAKING = readerWith('breaking', {
  settings: { readonly: 2, max_result_rows: 1000, result_overflow_mode: 'break' },
});
const LIMITED = readerWith('limited', { settings: { readonly: 2, limit: 3 } });

/** Settings that change the form of rows, for a user who may change them. */
const FORMED = readerWith('formed', {
  settings: {
    readonly: 2,
    extremes: 1,
    output_format_tsv_crlf_end_of_line: 1,
    ...CUT_ZEROS,
  },
});

/** A view that was created without this setting has columns of other types with it. */
const JOIN_USE_NULLS = readerWith('join_use_nulls', { settings: { join_use_nulls: 1 } });

/** Limits on the query itself, which names each column. */
const SHORT_QUERIES = { max_query_size: 20_000, max_ast_elements: 1_500, max_expanded_ast_elements: 1_500 };
const SHORT = readerWith('short', { settings: { readonly: 2, ...SHORT_QUERIES } });
const ON_QUERY: [setting: string, user: SandboxUser][] = [
  ...Object.entries(SHORT_QUERIES),
  ...Object.entries({ max_columns_to_read: 30, max_temporary_columns: 30, force_optimize_projection: 1 }),
].map(([name, value]) => [name, readerWith(`only_${name}`, { settings: { [name]: value } })]);

const FAR_AWAY = ['Pacific/Kiritimati', 'Etc/GMT+12'].map((session_timezone) =>
  readerWith(`in_${session_timezone.replace(/\W/g, '_')}`, { settings: { session_timezone } }),
);

/** Like READER_WITH_SETTINGS, except for how a slash is written in JSON. */
const SLASHES = readerWith('slashes', { settings: { readonly: 2, output_format_json_escape_forward_slashes: 0 } });

const HARMLESS: [string, SandboxUser][] = [
  ['says that there is no limit', readerWith('no_limit', { settings: { limit: 0, offset: 0 } })],
  ['makes aggregates Nullable', readerWith('aggregates', { settings: { aggregate_functions_null_for_empty: 1 } })],
  [
    'keeps the limits on the query low',
    readerWith('at_most', {
      settings: { readonly: 2 },
      maxima: { max_query_size: 400_000, max_ast_elements: 50_000, max_expanded_ast_elements: 600_000 },
    }),
  ],
  ['would break at a limit that is not set', readerWith('no_break', { settings: { sort_overflow_mode: 'break' } })],
];

/** Profiles that change the form of results. */
const FORMS = [
  readerWith('rows_in_an_array', { settings: { output_format_json_array_of_rows: 1 } }),
  readerWith('all_in_quotes', {
    settings: { output_format_json_quote_64bit_integers: 1, output_format_json_quote_decimals: 1 },
  }),
  readerWith('named_tuples_as_arrays', { settings: { output_format_json_named_tuples_as_objects: 0 } }),
];

const QUERY_CACHE = readerWith('query_cache', { settings: { use_query_cache: 1 } });

const WIDE = Array.from({ length: 100 }, (_, index) => `some_column_name_${index}`);

/** A query cache that leaves system tables out: only queries with functions such as now() fail. */
const QUERY_CACHE_OF_TABLES = { use_query_cache: 1, query_cache_system_table_handling: 'ignore' };
const FIXED_QUERY_CACHE = readerWith('fixed_query_cache', { settings: QUERY_CACHE_OF_TABLES });
const FREE_STRICT_QUERY_CACHE = readerWith('free_strict_query_cache', {
  settings: { use_query_cache: 1, readonly: 2 },
});
const FREE_QUERY_CACHE = readerWith('free_query_cache', { settings: { ...QUERY_CACHE_OF_TABLES, readonly: 2 } });

const server = clickHouseWith('shop', [
  CLOUD,
  CLOUD_READONLY,
  CLOUD_FIXED,
  QUERY_CACHE,
  FIXED_QUERY_CACHE,
  FREE_QUERY_CACHE,
  FREE_STRICT_QUERY_CACHE,
  ...FORMS,
  BREAKING,
  LIMITED,
  FORMED,
  JOIN_USE_NULLS,
  SLASHES,
  ...FAR_AWAY,
  SHORT,
  ...ON_QUERY.map(([, user]) => user),
  ...LOSSY.map(({ user }) => user),
  ...HARMLESS.map(([, user]) => user),
]);
const { read } = sourceReader(server, 'shop', runInProcess);
const file = temporaryFiles();

beforeAll(() =>
  server().execute(
    'CREATE DATABASE granted',
    createTableSql('shop.nanos', 'n UInt64', { cursor: 'DateTime64(9)' }),
    "INSERT INTO shop.nanos SELECT 'u', 'e', toDateTime64('2026-01-01 00:00:00', 9, 'UTC') + toIntervalNanosecond(number * 7), number FROM numbers(5)",
    createTableSql('shop.wide', WIDE.map((name) => `${name} Nullable(Float64)`).join(', ')),
    "INSERT INTO shop.wide (custom_id, event_name, last_updated_at) SELECT 'u', 'e', now64(6) FROM numbers(3)",
    'CREATE TABLE shop.plans (id String, plan String) ENGINE = MergeTree ORDER BY id',
    createTableSql('shop.few', 'n UInt64'),
    "INSERT INTO shop.few SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number FROM numbers(10)",
    'CREATE TABLE shop.slashes AS shop.few',
    "INSERT INTO shop.slashes SELECT 'u/1', 'purchase', now64(6), number FROM numbers(100)",
    'CREATE TABLE shop.many AS shop.few',
    "INSERT INTO shop.many SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, number FROM numbers(100000)",
    'CREATE TABLE granted.events AS shop.few',
    'INSERT INTO granted.events SELECT * FROM shop.few',
    'CREATE VIEW shop.joined AS SELECT e.custom_id AS custom_id, e.event_name AS event_name, e.last_updated_at AS last_updated_at, p.plan AS plan FROM shop.few AS e LEFT JOIN shop.plans AS p ON p.id = e.custom_id',
    // What the server's own table of queries contains about the query that reads it.
    "CREATE VIEW shop.seen AS SELECT 'u' AS custom_id, 'x' AS event_name, now() AS last_updated_at, http_user_agent, Settings AS settings FROM system.processes WHERE query_id = queryID()",
  ),
);

function configuration(user: SandboxUser, table: string): string {
  return file(`${user.name}.json`, sourceConfiguration(server(), 'shop', { ...server().connection(user), table }));
}

const seenSchema = z.object({ http_user_agent: z.string(), settings: z.record(z.string(), z.string()) });

/** What the server records about the query for a user's rows. */
async function seenOf(user: SandboxUser): Promise<z.output<typeof seenSchema>> {
  const [record] = records(await read('seen', { user }));
  return seenSchema.parse(record);
}

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync('package.json', 'utf8')));
const PROGRAM = `clickhouse-to-batch source-clickhouse ${version}`;

describe.concurrent('a query', () => {
  test.each([ADMIN, READER, READER_WITH_SETTINGS, CLOUD, CLOUD_READONLY])(
    'of $name names the connector in its user agent',
    async (user) => {
      const { http_user_agent } = await seenOf(user);
      expect(http_user_agent).toMatch(`${PROGRAM} `);
    },
  );

  test.each([ADMIN, READER_WITH_SETTINGS])('of $name, who may change settings, sends them', async (user) => {
    expect((await seenOf(user)).settings).toMatchObject({
      log_comment: PROGRAM,
      cancel_http_readonly_queries_on_client_close: '1',
      readonly: '2',
    });
  });

  test('of a user who may not change settings sends none', async () => {
    const { settings } = await seenOf(READER);
    expect(settings).not.toHaveProperty('log_comment');
    expect(settings).not.toHaveProperty('cancel_http_readonly_queries_on_client_close');
  });

  test.each<[string, SandboxUser, string | undefined]>([
    ['waits in ClickHouse Cloud for earlier inserts', CLOUD, '1'],
    ['does not wait if the user may not change settings', CLOUD_READONLY, undefined],
    ['does not wait if that setting is fixed', CLOUD_FIXED, undefined],
    ['does not wait outside ClickHouse Cloud', READER_WITH_SETTINGS, undefined],
  ])('%s', async (_, user, expected) => {
    expect((await seenOf(user)).settings.select_sequential_consistency).toBe(expected);
  });

  test('of a user who may read only one table works, too', async () => {
    expect(records(await read('events', { user: STRANGER, config: { database: 'granted' } })).length).toBe(10);
  });
});

describe.concurrent('a profile that drops rows silently', () => {
  test.each(LOSSY)('is refused by check and read, with what to run: $user.name', async ({ user, advice }) => {
    const expected = new RegExp(
      `"${user.name}".+Ask an administrator to run this .+:\n\n  ALTER USER .+ MODIFY SETTING ${advice}(\n|$)`,
    );
    const { status, message } = await checkStatus('source-clickhouse', configuration(user, 'few'), runInProcess);
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
    const result = await read('few', { user });
    expect(result.code).toBe(1);
    expect(records(result)).toEqual([]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
    const discovered = await runInProcess('source-clickhouse', ['discover', '--config', configuration(user, 'few')]);
    expect(errors(discovered)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(expected) },
    ]);
  });

  test('with another format is overridden if the user may change it, to the byte', async () => {
    const usual = await read('nanos', { mode: 'full_refresh' });
    const formed = await read('nanos', { mode: 'full_refresh', user: FORMED });
    expect(records(usual).map(({ last_updated_at }) => last_updated_at)).toContain('2026-01-01T00:00:00.000000007Z');
    expect(records(formed)).toEqual(records(usual));
  });

  test('with other slashes does not change the hashes that deduplicate rows', async () => {
    const usual = { user: READER_WITH_SETTINGS, config: { lookback_seconds: 86_400 } };
    const first = await read('slashes', usual);
    expect(records(first).length).toBe(100);
    const second = await read('slashes', { ...usual, user: SLASHES, state: lastState(first) });
    expect(records(second)).toEqual([]);
  });

  test('with a limit on rows is overridden if the user may change it', async () => {
    expect(records(await read('few', { user: LIMITED })).length).toBe(10);
  });

  test('at a limit is overridden if the user may change it: then the limit is reported', async () => {
    expect(records(await read('few', { user: BREAKING })).length).toBe(10);
    const result = await read('many', { user: BREAKING });
    expect(result.code).toBe(1);
    expect(errors(result)).toMatchObject([
      { failure_type: 'config_error', message: expect.stringMatching(/max_result_rows/) },
    ]);
  });

  test.each(HARMLESS)('is not one that %s', async (_, user) => {
    const { status } = await checkStatus('source-clickhouse', configuration(user, 'few'), runInProcess);
    expect(status).toBe('SUCCEEDED');
    expect(records(await read('few', { user })).length).toBe(10);
  });
});

describe.concurrent('a table of many columns', () => {
  test('is read if the user may raise the limits on the query', async () => {
    expect(records(await read('wide', { user: SHORT })).length).toBe(3);
  });

  test.each(ON_QUERY)('reaches %s, which is a config_error that names it', async (name, user) => {
    const result = await read('wide', { user });
    expect(records(result)).toEqual([]);
    expect(errors(result)).toMatchObject([
      {
        failure_type: 'config_error',
        message: expect.stringMatching(new RegExp(`too low for the query.+MODIFY SETTING .*${name} = \\d+`, 's')),
      },
    ]);
  });
});

describe('a view that cannot be read', () => {
  test('because join_use_nulls differs from that of its creator is a FAILED check, with advice', async () => {
    const { status, message } = await checkStatus(
      'source-clickhouse',
      configuration(JOIN_USE_NULLS, 'joined'),
      runInProcess,
    );
    expect(status).toBe('FAILED');
    expect(message).toMatch(
      /code 80, INCORRECT_QUERY.+SETTINGS join_use_nulls = 0.+MODIFY SETTING join_use_nulls = 0/s,
    );
  });
});

/** A cursor in the server's time zone, for a user in a different time zone. */
async function windowOf(user: SandboxUser, cursorType: string): Promise<LookbackWindow | undefined> {
  const clickhouse = new ClickHouse(sourceConfigurationSchema.parse(server().connection(user)));
  try {
    return await readLookbackWindow(clickhouse, parseClickHouseType(cursorType), {
      lookback_seconds: 0,
      cursor_lag_seconds: 0,
    });
  } finally {
    await clickhouse.close();
  }
}

test.each(['Date', 'Date32'])(
  'the day of a %s cursor is the day in the time zone of the server, not of the user',
  async (type) => {
    const today = async (): Promise<string> => {
      const [row] = await server().query<{ today: string }>('SELECT toString(today()) AS today');
      return row?.today ?? '';
    };
    // At any time, the day is different in one of the two.
    for (const user of FAR_AWAY) {
      const before = await today();
      const window = await windowOf(user, type);
      expect([before, await today()]).toContain(window?.now);
      expect([before, await today()]).toContain(window?.lagBound);
    }
  },
);

test('a query cache that refuses lookups is reported by check with the setting to change', async () => {
  const { status, message } = await checkStatus('source-clickhouse', configuration(QUERY_CACHE, 'few'), runInProcess);
  expect(status).toBe('FAILED');
  expect(message).toMatch(/query cache.+ALTER USER `query_cache` MODIFY SETTING use_query_cache = 0/s);
});

test('a query cache that refuses functions such as now() is reported by check with the setting to change', async () => {
  const { status, message } = await checkStatus(
    'source-clickhouse',
    configuration(FIXED_QUERY_CACHE, 'few'),
    runInProcess,
  );
  expect(status).toBe('FAILED');
  expect(message).toMatch(/query cache.+ALTER USER `fixed_query_cache` MODIFY SETTING use_query_cache = 0/s);
});

test.each([FREE_QUERY_CACHE, FREE_STRICT_QUERY_CACHE])(
  'a query cache is turned off for the queries of a user who may change settings: $name',
  async (user) => {
    expect(await checkStatus('source-clickhouse', configuration(user, 'few'), runInProcess)).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(records(await read('few', { user })).length).toBe(10);
  },
);

test.each(FORMS)('rows are read although a profile changes the form of results: $name', async (user) => {
  expect(records(await read('few', { user })).map(({ n }) => n)).toEqual(Array.from({ length: 10 }, (_, n) => n));
});
