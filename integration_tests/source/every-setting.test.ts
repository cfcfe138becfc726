import { afterAll, beforeAll, expect, test } from 'vitest';
import { READER_WITH_SETTINGS } from '../../sandbox/clickhouse/users.ts';
import { quoteString } from '../../src/source-clickhouse/sql.ts';
import { execute } from '../support/row-lines.ts';
import { clickHouseWith } from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { findUnlike, type Outcome, ProfileProxy, type Settings } from './every-setting.ts';

// With any one setting in the profile of a user who may change settings, the same bytes are sent, or an error says what to do.
// Each Boolean is inverted, and each number is set to VALUES. Each day tests one part of them; EVERY_SETTING=all tests all.

const VALUES = ['0', '1', '2', '100'];

/** The number of parts in which they are tested, one per day. */
const PARTS = 5;

/** How many are put into a profile at once, and the number of concurrent readers. */
const AT_A_TIME = 24;
const READERS = 3;

/** A value of each kind of type. */
const STRICT: [type: string, value: string][] = [
  ['Int8', '-128'],
  ['UInt64', '18446744073709551615'],
  ['Int64', '-9007199254740993'],
  ['Int128', "'-18446744073709551616'"],
  ['UInt256', "'1'"],
  ['Float32', '0.1'],
  ['Float64', '1.7976931348623157e308'],
  ['Float64', 'nan'],
  ['BFloat16', '1.5'],
  ['Decimal(18, 4)', "'1.5000'"],
  ['Decimal(76, 3)', "'-12345678901234567890.5'"],
  ['Bool', 'true'],
  ['String', String.raw`'é/\n"\\\t'`],
  ['String', "unhex('61FF')"],
  ['FixedString(4)', "'ab'"],
  ["Enum8('new' = 1, 'paid' = 2)", "'paid'"],
  ['UUID', "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'"],
  ['IPv4', "'10.0.0.1'"],
  ['IPv6', "'2001:db8::1'"],
  ['Date', "'2026-04-17'"],
  ['Date32', "'1900-01-01'"],
  ['DateTime', "toDateTime('2026-04-17 04:25:00', 'UTC')"],
  ["DateTime('Asia/Kolkata')", "toDateTime('2026-04-17 04:25:00', 'UTC')"],
  ['DateTime64(3)', "toDateTime64('2026-04-17 04:25:00.120', 3, 'UTC')"],
  ['DateTime64(9)', "toDateTime64('2026-04-17 04:25:00.123456789', 9, 'UTC')"],
  ['Time', "'12:30:00'"],
  ['Time64(3)', "'-12:30:00.123'"],
  ['IntervalDay', 'toIntervalDay(3)'],
  ['Nullable(String)', 'NULL'],
  ['Nullable(UInt8)', '7'],
  ['LowCardinality(Nullable(String))', "'x'"],
  ['Array(Nullable(Float64))', '[1.5, NULL, inf]'],
  ['Array(String)', '[]'],
  ['Tuple(city String, zip UInt32)', "('Paris', 75011)"],
  ['Tuple(String, Array(Tuple(a DateTime64(9), b Bool)))', "('x', [(toDateTime64(0.5, 9), true)])"],
  ['Map(String, Map(UInt64, Decimal(9, 2)))', "map('a', map(7, 1.5))"],
  ["Variant(String, UInt64, DateTime('UTC'))", "toDateTime('2026-04-17 04:25:00', 'UTC')"],
  ['Point', '(1.5, 2)'],
  ['Geometry', '(1.5, 2)::Point'],
  ['SimpleAggregateFunction(sum, UInt64)', '7'],
];

/** Types whose text depends on settings of ClickHouse, which docs/TYPES.md lists. */
const LOOSE: [type: string, value: string][] = [
  ['JSON', `'{"a":{"b":[1,9007199254740993,"x"]},"t":"2026-04-17"}'`],
  ['Dynamic', "CAST(7, 'UInt64')"],
  ['Dynamic', "toDateTime('2026-04-17 04:25:00', 'UTC')"],
  ['Array(JSON)', `['{"a":1}']`],
];

/** Settings that change the text of a JSON or Dynamic column: docs/TYPES.md, of a setting. */
const CHANGES_LOOSE = ['output_format_json_quote_64bit_integers'];

/** Settings that are not tested, with the reason. */
const NOT_TRIED: Settings = {
  readonly: 'It is the profile of another user.',
  max_sessions_for_user: 'The server does not take it in a query.',
  max_local_read_bandwidth: 'A byte a second takes minutes.',
  memory_tracker_fault_probability: 'It fails queries by chance.',
  max_os_cpu_wait_time_ratio_to_throw: 'It fails queries while the machine is busy.',
  min_os_cpu_wait_time_ratio_to_throw: 'It fails queries while the machine is busy.',
  max_concurrent_queries_for_user: 'The readers of this test are one user.',
  max_concurrent_queries_for_all_users: 'The readers of this test are one user.',
  max_memory_usage_for_user: 'The readers of this test are one user.',
};

/** Settings with which most queries fail with an error of ClickHouse for which we have no advice, with the reason. */
const FAIL_WITHOUT_ADVICE: Settings = {
  implicit_transaction: 'A server without transactions refuses every query of such a user, and says so.',
  inject_random_order_for_select_without_order_by: 'For tests of ClickHouse; it refuses the look-up of the settings.',
  make_distributed_plan: 'Experimental; it refuses scalar subqueries.',
};

/** Settings that are known to fail a read. Each has its own profile, so that the others need not be divided. */
const KNOWN_TO_FAIL =
  /^(force_|limit$|offset$|max_(ast|expanded|parser|query_size|columns|temporary|memory|bytes_|rows_|result|subquery)|query_plan_max_optimizations|use_query_cache$)/;

/** Errors that say what to do about a setting. */
const CLEAR = ['clickhouse_settings_unfit', 'clickhouse_limit_too_low', 'clickhouse_busy'];

type Candidate = readonly [name: string, value: string];

const server = clickHouseWith('shop');
const readers: ProfileProxy[] = [];

beforeAll(async () => {
  for (let reader = 0; reader < READERS; reader++)
    readers.push(await ProfileProxy.start(server(), READER_WITH_SETTINGS));
  await createTable('strict', STRICT);
  await createTable('loose', LOOSE);
});

afterAll(() => {
  for (const reader of readers) reader.close();
});

async function createTable(name: string, columns: readonly [type: string, value: string][]): Promise<void> {
  const declared = columns.map(([type], index) => `c${index} ${type}`);
  const values = columns.map(([type, value]) => `CAST(${value}, ${quoteString(type)})`);
  await execute(server(), createTableSql(`shop.${name}`, declared.join(', '), { cursor: 'DateTime64(9)' }));
  await execute(
    server(),
    `INSERT INTO shop.${name} SELECT 'u', 'e', toDateTime64('2026-04-17 04:25:00', 9, 'UTC') + toIntervalNanosecond(number * 7001), ${values.join(', ')} FROM numbers(3)`,
  );
}

/** What is tested today. */
async function candidates(): Promise<Candidate[]> {
  const settings = await server().query<{ name: string; value: string; type: string }>(
    'SELECT name, value, type FROM system.settings WHERE NOT is_obsolete ORDER BY name',
  );
  const isNumber =
    /^(U?Int\d+|Float|Double|Milliseconds|Seconds|NonZeroUInt64|MaxThreads|UInt64Auto|FloatAuto|BoolAuto)$/;
  const all = settings
    .filter(({ name }) => !(name in NOT_TRIED))
    .flatMap(({ name, value, type }) => {
      const values = type === 'Bool' ? [value === '1' ? '0' : '1'] : isNumber.test(type) ? VALUES : [];
      return values.filter((each) => each !== value).map((each): Candidate => [name, each]);
    });
  if (process.env.EVERY_SETTING === 'all') return all;
  const today = Math.floor(Date.now() / 86_400_000) % PARTS;
  return all.filter((_, index) => index % PARTS === today);
}

/** In profiles of many different settings; those that are known to fail have their own profiles. */
function profiles(all: readonly Candidate[]): Candidate[][] {
  const found: Candidate[][] = all.filter(([name]) => KNOWN_TO_FAIL.test(name)).map((each) => [each]);
  for (const value of VALUES) {
    const alike = all.filter((each) => each[1] === value && !KNOWN_TO_FAIL.test(each[0]));
    for (let start = 0; start < alike.length; start += AT_A_TIME) found.push(alike.slice(start, start + AT_A_TIME));
  }
  return found;
}

/** Whether the server accepts a setting with a value at all. */
async function isPossible([name, value]: Candidate): Promise<boolean> {
  const login = Buffer.from(`${READER_WITH_SETTINGS.name}:${READER_WITH_SETTINGS.password}`).toString('base64');
  const { ok } = await fetch(`${server().url}/?${new URLSearchParams({ [name]: value })}`, {
    method: 'POST',
    headers: { authorization: `Basic ${login}` },
    body: 'SELECT number FROM numbers(1) GROUP BY number ORDER BY number',
  });
  return ok;
}

test('with any one setting in the profile, the same rows are sent, or an error says what to do', {
  timeout: 900_000,
}, async () => {
  const [first] = readers;
  if (first === undefined) throw new Error('no reader');
  const usual = { strict: await first.read({}, 'shop', 'strict'), loose: await first.read({}, 'shop', 'loose') };
  expect(usual.strict.length).toBeGreaterThan(2_000);
  const waiting = profiles(await candidates());
  expect(waiting.length).toBeGreaterThan(20);
  const found: [name: string, value: string, table: string, Exclude<Outcome, 'same'>][] = [];
  await Promise.all(
    readers.map(async (reader) => {
      for (let profile = waiting.pop(); profile !== undefined; profile = waiting.pop()) {
        const unlike = await findUnlike((settings) => reader.read(settings, 'shop', 'strict'), profile, usual.strict);
        for (const [name, value, outcome] of unlike) found.push([name, value, 'strict', outcome]);
        const others = profile.filter(([name]) => !unlike.some((each) => each[0] === name));
        for (const [name, value, outcome] of await findUnlike(
          (settings) => reader.read(settings, 'shop', 'loose'),
          others,
          usual.loose,
        )) {
          found.push([name, value, 'loose', outcome]);
        }
      }
    }),
  );
  const wrong: string[] = [];
  for (const [name, value, table, outcome] of found) {
    if (outcome === 'other rows' ? table === 'loose' && CHANGES_LOOSE.includes(name) : CLEAR.includes(outcome.code))
      continue;
    if (outcome !== 'other rows' && name in FAIL_WITHOUT_ADVICE) continue;
    if (!(await isPossible([name, value]))) continue;
    wrong.push(`${name} = ${value}, ${table}: ${outcome === 'other rows' ? outcome : outcome.message}`);
  }
  expect(wrong).toEqual([]);
});
