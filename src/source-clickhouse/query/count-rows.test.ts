import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { onAbort } from '../../shared/abort.ts';
import { sourceError } from '../errors/codes.ts';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { countRows, formatRowCount, MAX_ROWS_TO_COUNT } from './count-rows.ts';
import type { RowSelection } from './row-query.ts';

// integration_tests/source/start-from.test.ts tests it with a real server.

const NEVER = new AbortController().signal;

function selection(): RowSelection {
  const column = { name: 'id', type: parseClickHouseType('UInt64') };
  const codec = createCursorCodec(column.type);
  if (codec === undefined) throw new Error('It is not a cursor.');
  const table = { database: 'shop', name: 'events', columns: [column] };
  return {
    stream: { name: 'events' },
    table,
    columns: table.columns,
    cursor: { column, codec },
    final: false,
    partition: undefined,
    hashedColumns: table.columns,
    lagBound: undefined,
  };
}

type Bytes = Parameters<typeof countRows>[0]['bytes'];

const count = (bytes: Bytes, timeoutMs = 60_000): ReturnType<typeof countRows> =>
  countRows({ bytes }, selection(), { before: '7' }, { stop: NEVER, timeoutMs });

test('counts the rows of the range, up to the maximum', async () => {
  const queries: unknown[] = [];
  const answering = (body: string): Bytes => {
    return async (query, parameters) => {
      queries.push([query, parameters]);
      return Readable.from([body]);
    };
  };
  expect(await count(answering('1204\t1204\n'))).toEqual({ rows: 1204, isMinimum: false });
  expect(await count(answering('1000001\t1000001\n'))).toEqual({ rows: MAX_ROWS_TO_COUNT, isMinimum: true });
  expect(queries[0]).toEqual([
    'SELECT count(), countIf(counted) FROM (SELECT 1 AS counted FROM `shop`.`events` AS `source`\nWHERE `source`.`id` < {lag_bound:UInt64}\nLIMIT 1000001) FORMAT TSVRaw',
    { lag_bound: '7' },
  ]);
});

test('gives up on a slow query, and on one that the server refuses', async () => {
  const silent: Bytes = (_query, _parameters, signal) =>
    new Promise((_, reject) => void onAbort(signal, () => reject(new Error('aborted'))));
  expect(await count(silent, 0)).toBe('slow');
  expect(await count(() => Promise.reject(sourceError('clickhouse_limit_too_low', 'Too many rows.')))).toBe('failed');
  expect(await count(async () => Readable.from(['Code: 158. DB::Exception: Limit for rows']))).toBe('failed');
});

test('says that there may be more rows than were counted', () => {
  expect(formatRowCount({ rows: 1, isMinimum: false })).toBe('1 row');
  expect(formatRowCount({ rows: 1_000_000, isMinimum: true })).toBe('at least 1,000,000 rows');
});
