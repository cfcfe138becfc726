import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { run } from '../../sandbox/launcher.ts';
import { ConnectorError } from '../../src/protocol/errors.ts';
import type { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { connect } from '../support/row-lines.ts';
import { catalogOf, clickHouseWith, sourceConfiguration, temporaryFiles } from '../support/support.ts';

// No message contains a value of a row. `s` is 'SECRET-7 x@y.z', `n` is 777777777777: neither may be in a message.

const FAILING: [expression: string, code: number][] = [
  ['toUInt32(s)', 6],
  ['toFloat64(s)', 72],
  ['toDate(s)', 38],
  ['toDateTime(s)', 41],
  ["parseDateTime(s, '%Y-%m-%d')", 41],
  ["parseDateTimeInJodaSyntax(s, 'yyyy-MM-dd')", 41],
  ['toUUID(s)', 376],
  ['toIPv4(s)', 675],
  ['toIPv6(s)', 676],
  ["CAST(s, 'Enum8(\\'a\\' = 1)')", 691],
  ["CAST(s, 'Bool')", 467],
  ["CAST(s, 'Array(UInt8)')", 130],
  ["CAST(concat('(', s), 'Tuple(UInt8, UInt8)')", 27],
  ["CAST(concat('1', s), 'UInt8')", 6],
  ["CAST(s, 'JSON')", 117],
  ["CAST([s], 'Array(UInt8)')", 6],
  ['base64Decode(s)', 117],
  ['parseReadableSize(s)', 72],
  ['parseTimeDelta(s)', 36],
  ['readWKTPoint(s)', 6],
  ["extract('a', concat('(', s))", 44],
  ['stringToH3(s)', 43],
  ['toDecimal32(n, 5)', 407],
  ["CAST(toDecimal64(n, 2), 'Decimal32(5)')", 407],
  ["accurateCast(n, 'UInt8')", 70],
  ['range(n)', 69],
  ['intDiv(n, n - n)', 153],
];

const server = clickHouseWith('shop');
const file = temporaryFiles();
let clickhouse: ClickHouse;

beforeAll(async () => {
  await server().execute(
    'CREATE TABLE shop.raw (s String, n UInt64) ENGINE = MergeTree ORDER BY n',
    "INSERT INTO shop.raw VALUES ('SECRET-7 x@y.z', 777777777777)",
    "CREATE VIEW shop.parsed AS SELECT 'u' AS custom_id, 'e' AS event_name, now() AS last_updated_at, toUInt32(s) AS n FROM shop.raw",
  );
  clickhouse = connect(server(), 'shop');
});

afterAll(() => clickhouse?.close());

function expectNoValue(text: string): void {
  expect(text).not.toMatch(/SECRET|x@y|7777/);
}

describe('an error of the server about a value does not show it:', () => {
  test.each(FAILING)('%s', async (expression, code) => {
    const query = `SELECT ${expression} FROM shop.raw FORMAT TSVRaw`;
    const failure = await clickhouse.bytes(query, {}, new AbortController().signal).catch((error: unknown) => error);
    if (!(failure instanceof ConnectorError)) throw new Error(`${expression} did not fail.`);
    expect(failure.message).toMatch(`(code ${code}, `);
    expectNoValue(failure.message);
    expectNoValue(failure.internalMessage ?? '');
  });

  test.each([
    ['check', []],
    ['read', ['--catalog', file('catalog.json', catalogOf('incremental', 'parsed'))]],
  ])('in anything that %s prints', async (command, more) => {
    const config = file(
      'source.json',
      sourceConfiguration(server(), 'shop', { ...server().connection(READER), table: 'parsed' }),
    );
    const { stdout, stderr } = await run('source-clickhouse', [command, '--config', config, ...more]);
    expect(stdout).toContain('Cannot parse string [string of 14 characters] as UInt32');
    expect(stdout).toContain('while executing function toUInt32 on s');
    expectNoValue(stdout + stderr);
  });
});
