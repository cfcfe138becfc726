import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from './batch/limits.ts';
import { discover } from './discover.ts';
import { EventMapper, type Row } from './mapping/mapper.ts';

test('offers one operation: append events', () => {
  expect(discover().map(({ object_name, sync_mode }) => [object_name, sync_mode])).toEqual([
    ['profile_event', 'append'],
  ]);
});

describe('the schema accepts the rows that the mapper accepts', () => {
  const ajv = new Ajv({ strict: true });
  addFormats.default(ajv);
  const isRow = ajv.compile(discover()[0]?.json_schema ?? false);
  const mapper = new EventMapper(DEFAULT_LIMITS);
  const rows: [name: string, row: Row, isGood: boolean][] = [
    ['with only the required columns', { custom_id: 'u1', event_name: 'e' }, true],
    ['with everything', { custom_id: 'u1', event_name: 'e', event_time: '2026-04-17T04:25:00Z', a: 1, b: null }, true],
    ['with an event_time of NULL', { custom_id: 'u1', event_name: 'e', event_time: null }, true],
    ['without a custom_id', { event_name: 'e' }, false],
    ['without an event_name', { custom_id: 'u1' }, false],
    ['with an event_name that is not a string', { custom_id: 'u1', event_name: 1 }, false],
    [
      'with an event_time without a time zone',
      { custom_id: 'u1', event_name: 'e', event_time: '2026-04-17T04:25:00' },
      false,
    ],
    ['with an event_time that is a number', { custom_id: 'u1', event_name: 'e', event_time: 1776399900 }, false],
  ];
  test.each(rows)('%s', (_, row, isGood) => {
    expect([isRow(row), mapper.map(row).kind]).toEqual([isGood, isGood ? 'event' : 'rejected']);
  });
});
