import { afterAll, beforeAll, expect, test } from 'vitest';
import { chosenEngine, type Engine, engineOf } from '../../sandbox/clickhouse/engines/engines.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import type { Finished } from '../../sandbox/launcher.ts';
import { errors, lastState, numbers, sourceReader, upTo } from '../support/support.ts';
import { RowCount, statesWithin } from './ledger.ts';
import { NEXT_ENGINE_VARIABLE } from './next-engine.ts';

// A server is upgraded, or its rows move to a newer one: the state of the old server must fit the new one.

const OLDER = chosenEngine();
const NEWER = engineOf(process.env[NEXT_ENGINE_VARIABLE] ?? OLDER.version);

/** Rows before the lookback, which fill several pages, and rows within it. */
const OLD_ROWS = 5_000;
const ROWS = OLD_ROWS + 50;

/** So long that no row becomes older than that during a test. */
const LOOKBACK = { lookback_seconds: 7 * 24 * 3600 };

const RECENT = new Date(Date.now() - 60_000).toISOString().slice(0, -1).replace('T', ' ');

/** One column of each kind that the hash of a row includes. */
const COLUMNS: [declaration: string, value: string][] = [
  ['custom_id String', "concat('u', toString(number % 7))"],
  ['event_name LowCardinality(String)', "'purchase'"],
  ['n UInt64', 'number'],
  ['note String', "repeat('x', 300)"],
  ['ratio Float64', 'number / 8'],
  ['price Decimal(10, 2)', "CAST(number % 100, 'Decimal(10, 2)')"],
  ['day Date', "toDate('2026-01-01')"],
  ['at Nullable(DateTime64(3))', "if(number % 2 = 0, NULL, toDateTime64('2026-01-01 00:00:00', 3, 'UTC'))"],
  ['city LowCardinality(Nullable(String))', "if(number % 2 = 0, NULL, 'Paris')"],
  ['tags Array(Nullable(String))', "['a', if(number % 2 = 0, NULL, 'b')]"],
  ['counts Map(String, Nullable(UInt8))', "map('k', if(number % 2 = 0, NULL, 1))"],
  ['pair Tuple(a Nullable(Int32), b String)', "tuple(if(number % 2 = 0, NULL, 1), 'y')"],
  ['id UUID', "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')"],
];

const TABLE = `CREATE TABLE shop.moved (last_updated_at DateTime64(6), ${COLUMNS.map(([declaration]) => declaration).join(', ')}) ENGINE = MergeTree ORDER BY last_updated_at`;

/** Rows in groups of a hundred that share a timestamp. */
function insert(from: number, to: number, stamp: string): string {
  return `INSERT INTO shop.moved SELECT toDateTime64('${stamp}', 6, 'UTC') + intDiv(number, 100), ${COLUMNS.map(([, value]) => value).join(', ')} FROM numbers(${from}, ${to - from})`;
}

const servers: ClickHouseServer[] = [];

async function serverWithRows(engine: Engine): Promise<ClickHouseServer> {
  const server = await ClickHouseServer.start(undefined, [], engine);
  servers.push(server);
  await server.execute(
    'CREATE DATABASE shop',
    TABLE,
    insert(0, OLD_ROWS, '2026-01-01 00:00:00'),
    insert(OLD_ROWS, ROWS, RECENT),
  );
  return server;
}

let older: ClickHouseServer;
let newer: ClickHouseServer;
const onOlder = sourceReader(() => older, 'shop');
const onNewer = sourceReader(() => newer, 'shop');
let first: Finished;

beforeAll(async () => {
  [older, newer] = await Promise.all([serverWithRows(OLDER), serverWithRows(NEWER)]);
  first = await onOlder.read('moved', { config: LOOKBACK });
});

afterAll(() => Promise.all(servers.map((server) => server.stop())));

test(`each state of ClickHouse ${OLDER.version} is continued on ${NEWER.version}, each row once`, async (context) => {
  expect(errors(first)).toEqual([]);
  const count = new RowCount(context);
  const found = statesWithin(first);
  // One of them is in the middle of a group of rows that share a timestamp.
  expect(found.length).toBeGreaterThan(2);
  for (const { before, state } of found) {
    const rest = await onNewer.read('moved', { state: [state], config: LOOKBACK });
    expect(errors(rest)).toEqual([]);
    count.add(upTo(ROWS), [...before, ...numbers(rest)]);
  }
  expect(count.total).toMatchObject({ lost: 0, duplicated: 0 });
});

test(`the lookback on ClickHouse ${NEWER.version} deduplicates the rows that were read on ${OLDER.version}, and reads late rows`, async (context) => {
  const count = new RowCount(context);
  await newer.execute(insert(ROWS, ROWS + 10, RECENT));
  const next = await onNewer.read('moved', { state: lastState(first), config: LOOKBACK });
  expect(errors(next)).toEqual([]);
  count.add(upTo(ROWS + 10), [...numbers(first), ...numbers(next)]);
  expect(count.total).toMatchObject({ lost: 0, duplicated: 0 });
});
