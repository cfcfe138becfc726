import { describe, expect, test } from 'vitest';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { createCursorCodec } from '../schema/cursor.ts';
import { parseInstant } from '../schema/instant.ts';
import { resolveStart } from './start-from.ts';

// integration_tests/source/start-from.test.ts tests it with a real server.

/** The server's time. */
const NOW = parseInstant('2026-12-01T10:20:30.123456789Z');

function resolve(startFrom: string, typeName: string): Promise<string> {
  const type = parseClickHouseType(typeName);
  const codec = createCursorCodec(type);
  if (codec === undefined || NOW === undefined) throw new Error(`${typeName} is not a cursor.`);
  const table = { database: 'shop', name: 'events', columns: [] };
  const cursor = { column: { name: 'at', type }, codec };
  const noServer = { rows: () => Promise.reject(new Error('No query is needed.')) };
  return resolveStart(noServer, { table, cursor }, startFrom, NOW);
}

describe('start_from is resolved', () => {
  test.each<[startFrom: string, type: string, start: string]>([
    ['now', 'DateTime', '2026-12-01T10:20:30Z'],
    ['now', 'DateTime64(9)', '2026-12-01T10:20:30.123456789Z'],
    ['now', "Nullable(DateTime64(6, 'Europe/Paris'))", '2026-12-01T10:20:30.123456Z'],
    ['0s', 'DateTime64(0)', '2026-12-01T10:20:30Z'],
    ['45s', 'DateTime64(1)', '2026-12-01T10:19:45.1Z'],
    ['90m', 'DateTime', '2026-12-01T08:50:30Z'],
    ['24h', 'DateTime64(3)', '2026-11-30T10:20:30.123Z'],
    ['400d', 'DateTime', '2025-10-27T10:20:30Z'],
    ['2026-12-01T00:00:00Z', 'DateTime64(6)', '2026-12-01T00:00:00.000000Z'],
    ['2026-12-01t00:00:00.9z', 'DateTime', '2026-12-01T00:00:00Z'],
    ['2026-12-01T00:30:00.0000000019+05:30', 'DateTime64(9)', '2026-11-30T19:00:00.000000001Z'],
    ['2030-01-01T00:00:00-00:00', 'DateTime', '2030-01-01T00:00:00Z'],
    ['1970-01-01T00:00:00Z', 'DateTime', '1970-01-01T00:00:00Z'],
    ['2106-02-07T06:28:15.9Z', 'DateTime', '2106-02-07T06:28:15Z'],
    ['1900-01-01T00:00:00Z', 'DateTime64(9)', '1900-01-01T00:00:00.000000000Z'],
    ['2262-04-11T23:47:15.999999999Z', 'DateTime64(9)', '2262-04-11T23:47:15.999999999Z'],
    ['2299-12-31T23:59:59.9Z', 'DateTime64(3)', '2299-12-31T23:59:59.900Z'],
    ['2026-12-01', 'Date', '2026-12-01'],
    ['1900-01-01', 'Nullable(Date32)', '1900-01-01'],
    ['0', 'UInt64', '0'],
    ['007', 'LowCardinality(UInt8)', '7'],
    ['18446744073709551615', 'UInt64', '18446744073709551615'],
    ['-128', 'Int8', '-128'],
    [String(2n ** 256n - 1n), 'UInt256', String(2n ** 256n - 1n)],
    ['2026-12-01T00:00:00Z', 'String', '2026-12-01T00:00:00Z'],
    ['é\t', 'LowCardinality(Nullable(String))', 'é\t'],
  ])('%s for a %s', async (startFrom, type, start) => {
    expect(await resolve(startFrom, type)).toBe(start);
  });
});

describe('start_from is a config_error', () => {
  const TIME = /Write a time with its time zone, as in 2026-12-01T00:00:00Z, "now", or an age such as "24h"/;
  test.each<[startFrom: string, type: string, problem: RegExp]>([
    ['yesterday', 'DateTime', TIME],
    ['24', 'DateTime', TIME],
    ['-24h', 'DateTime', TIME],
    ['1.5h', 'DateTime', TIME],
    ['24 h', 'DateTime', TIME],
    ['2026-12-01', 'DateTime64(6)', TIME],
    ['2026-12-01T00:00:00', 'DateTime64(6)', TIME],
    ['2026-02-30T00:00:00Z', 'DateTime64(6)', TIME],
    ['2026-02-30', 'Date', /Write a day, as in 2026-12-01, a time with/],
    ['2026-12-01T00:00:00', 'Date32', /Write a day, as in 2026-12-01, a time with/],
    [
      '2149-06-07',
      'Date',
      /from 1970-01-01 to 2149-06-06\. Write one of them or, to send all rows, leave out "start_from"/,
    ],
    ['1969-12-31T23:59:59.999Z', 'DateTime', /from 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z\. Write/],
    ['2106-02-07T06:28:16Z', 'DateTime', /from 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z\. Write/],
    ['99999999999999999999d', 'DateTime64(6)', /from 1900-01-01T00:00:00Z to 2299-12-31T23:59:59Z\. Write/],
    ['2262-04-11T23:47:16Z', 'DateTime64(9)', /to 2262-04-11T23:47:15Z\. Write/],
    ['1969-12-31T00:00:00Z', 'Date32', /from 1970-01-01T00:00:00Z/],
    ['now', 'UInt64', /Write the first number to send, as in "1000"/],
    ['24h', 'Int64', /Write the first number to send/],
    ['1.0', 'UInt64', /Write the first number to send/],
    ['256', 'UInt8', /from 0 to 255\. Write/],
    ['-1', 'UInt8', /from 0 to 255\. Write/],
    ['-129', 'Int8', /from -128 to 127\. Write/],
    ['now', 'String', /Write the first value to send, as it is in the column/],
    ['24h', 'String', /Write the first value to send, as it is in the column/],
  ])('%s for a %s', async (startFrom, type, problem) => {
    await expect(resolve(startFrom, type)).rejects.toMatchObject({
      code: 'start_from_invalid',
      failureType: 'config_error',
      message: expect.stringMatching(problem),
    });
    await expect(resolve(startFrom, type)).rejects.toThrow(
      `"start_from" is "${startFrom}", but the cursor at of "events" is a ${type}.`,
    );
  });
});
